/** The Pushgateway as a sink: one group that each push replaces as a whole, and that goes when the agent stops. */
import type { HttpClient, HttpRequest } from "../../runtime/http/http.ts";
import { skewOf } from "../answer.ts";
import { targetOf } from "../target.ts";
import type { Identity } from "../identity.ts";
import type { SendResult, Sink } from "../sink.ts";
import { classify } from "./classify.ts";
import { groupingKey, groupUrl } from "./group.ts";
import type { PushgatewaySettings } from "./schema.ts";
import { pushText } from "./text.ts";

interface PushgatewayWorld {
  /** Of its cursor; the type alone where no other sink is near. */
  readonly id?: string;
  /** Of this sink alone; it ends with the sink. */
  readonly client: HttpClient;
  readonly identity: Identity;
  /** The agent's, for User-Agent. */
  readonly version: string;
}

/** Far more than any Mac reports at once; a push can't be split, since each replaces the one before. */
const mostBytes = 16 * 1024 * 1024;

const contentType = "text/plain; version=0.0.4; charset=utf-8";

export function createPushgatewaySink(settings: PushgatewaySettings, world: PushgatewayWorld): Sink {
  const { client, identity, version } = world;
  const base = new URL(settings.url);
  const group = groupingKey(settings, identity);
  const url = groupUrl(base, group);
  const labels = {
    group: new Set(group.map(([name]) => name)),
    external: Object.entries(identity.externalLabels),
  };

  async function ask(request: Pick<HttpRequest, "method" | "url" | "body">, signal: AbortSignal) {
    const headers = { "user-agent": `mac-powermetrics-agent/${version}` };
    const withBody = request.body === undefined ? headers : { ...headers, "content-type": contentType };
    return client.send({ ...request, headers: withBody, timeoutMs: settings.timeout, signal });
  }

  async function tell(
    request: Pick<HttpRequest, "method" | "url" | "body">,
    signal: AbortSignal,
  ): Promise<SendResult> {
    const reply = await ask(request, signal);
    return { outcome: classify(reply), durationMs: reply.durationMs, ...skewOf(reply) };
  }

  return {
    id: world.id ?? "pushgateway",
    type: "pushgateway",
    target: targetOf(url, settings),
    history: false,
    maxSamples: Infinity,
    maxBodies: 1,
    maxBytes: mostBytes,
    protocols: ["text"],
    encode({ snapshots }) {
      const { text, samples, duplicates } = pushText(snapshots, labels);
      return {
        bodies: samples === 0 ? [] : [{ bytes: Buffer.from(text), samples }],
        dropped: duplicates === 0 ? {} : { duplicate: duplicates },
      };
    },
    send: ({ bytes }, _protocol, signal) => tell({ method: "PUT", url, body: bytes }, signal),
    probe: (_protocol, signal) => tell({ method: "GET", url: readyUrl(base) }, signal),
    renew: () => client.renew(),
    ...(settings.delete_on_shutdown && {
      retire: (signal: AbortSignal) => tell({ method: "DELETE", url }, signal),
    }),
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

/** The Pushgateway's own readiness check, which asks for the same credentials as a push. */
function readyUrl(base: URL): URL {
  const url = new URL(base);
  url.pathname = `${url.pathname.replace(/(?<!\/)\/+$/, "")}/-/ready`;
  return url;
}
