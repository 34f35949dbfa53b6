/** The Pushgateway as a sink: one group that each push replaces as a whole, and that is deleted when the agent stops. */
import type { LabelPair } from "../../metric/series.ts";
import type { HttpReply, HttpRequest } from "../../runtime/http/http.ts";
import { below, targetOf } from "../address.ts";
import { commonOutcome, failureOutcome, readAnswer, resultOf } from "../answer.ts";
import type { Identity } from "../identity.ts";
import type { Outcome, SendResult, Sink, SinkDeps } from "../sink.ts";
import type { PushgatewaySettings } from "./schema.ts";
import { pushText } from "./text.ts";

/** Far more than any Mac reports at once; a push can't be split, since each replaces the one before. */
const mostBytes = 16 * 1024 * 1024;

const contentType = "text/plain; version=0.0.4; charset=utf-8";

export function createPushgatewaySink(settings: PushgatewaySettings, deps: SinkDeps): Sink {
  const { id = "pushgateway", client, identity, version } = deps;
  const base = new URL(settings.url);
  const group = groupingKey(settings, identity);
  const url = groupUrl(base, group);
  const labels = {
    group: new Set(group.map(([name]) => name)),
    external: Object.entries(identity.externalLabels),
  };

  async function send(
    request: Pick<HttpRequest, "method" | "url" | "body">,
    signal: AbortSignal,
  ): Promise<SendResult> {
    const own = { "user-agent": `mac-powermetrics-agent/${version}` };
    const headers = request.body === undefined ? own : { ...own, "content-type": contentType };
    const reply = await client.send({ ...request, headers, timeoutMs: settings.timeout, signal });
    return resultOf(reply, classify(reply));
  }

  return {
    id,
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
    send: ({ bytes }, _protocol, signal) => send({ method: "PUT", url, body: bytes }, signal),
    // The Pushgateway's own readiness check, which asks for the same credentials as a push.
    probe: (_protocol, signal) => send({ method: "GET", url: below(base, "-/ready") }, signal),
    renew: () => client.renew(),
    ...(settings.delete_on_shutdown && {
      retire: (signal: AbortSignal) => send({ method: "DELETE", url }, signal),
    }),
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

/** All labels of the group, `job` first, as its address has them. An empty value is a label that the group does not have. */
function groupingKey(
  { job, grouping_key: configured }: Pick<PushgatewaySettings, "job" | "grouping_key">,
  identity: Identity,
): readonly LabelPair[] {
  return Object.entries({ job: job ?? identity.job, instance: identity.instance, ...configured });
}

/** The group's labels as segments of the path (Pushgateway's README, "URL"). */
function groupUrl(base: URL, labels: readonly LabelPair[]): URL {
  const segments = labels.flatMap(([name, value]) => segmentsOf(name, value));
  return below(base, ["metrics", ...segments].join("/"));
}

/**
 * As base64 where a path could not carry the value: a slash, even escaped, ends a segment on the way, an empty segment
 * vanishes, `.` and `..` climb, and not every proxy leaves escaped bytes alone.
 */
function segmentsOf(name: string, value: string): readonly [string, string] {
  if (/^[A-Za-z0-9_~:@!$&'()*+,;= -][A-Za-z0-9._~:@!$&'()*+,;= -]*$/.test(value))
    return [name, encodeURIComponent(value)];
  // An empty text has no base64, so the format asks for one character of padding.
  const encoded = Buffer.from(value).toString("base64url");
  return [`${name}@base64`, encoded === "" ? "=" : encoded];
}

/** What an answer means, by the table of statuses. */
export function classify(reply: HttpReply): Outcome {
  if (reply.kind === "failure") return failureOutcome(reply);
  const answer = readAnswer(reply, "Pushgateway");
  if (answer.meaning !== "stored") return commonOutcome(answer);
  return { status: "delivered", code: String(reply.status), rejected: 0 };
}
