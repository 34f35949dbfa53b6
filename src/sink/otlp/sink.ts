/** OTLP over HTTP as a sink: one receiver, one encoding, one request at a time. */
import { gzipSync } from "node:zlib";
import type { HostFacts } from "../../runtime/host.ts";
import type { HttpClient } from "../../runtime/http/http.ts";
import type { Metric } from "../../metric/metric.ts";
import { skewOf } from "../answer.ts";
import { targetOf } from "../target.ts";
import type { Identity } from "../identity.ts";
import type { Body, Outcome, SendResult, Sink } from "../sink.ts";
import { classify } from "./classify.ts";
import { createDeltas, type Commit } from "./delta.ts";
import { createJsonEncoder } from "./encode-json.ts";
import { createProtobufEncoder } from "./encode-protobuf.ts";
import { countOf, gather, halvesOf, type Gathered } from "./gather.ts";
import { createLayouts } from "./layout.ts";
import { resourceAttributes } from "./resource.ts";
import { metricsUrl } from "./address.ts";
import type { OtlpSettings } from "./schema.ts";
import { isDelta } from "./temporality.ts";

interface OtlpWorld {
  /** Of its cursor; the type alone where no other sink is near. */
  readonly id?: string;
  /** Of this sink alone; it ends with the sink. */
  readonly client: HttpClient;
  readonly identity: Identity;
  readonly host: HostFacts;
  /** The agent's, for User-Agent and the scope. */
  readonly version: string;
  /** When the agent's own counters began that no receiver has heard of, milliseconds since the Unix epoch. */
  readonly startedAt: number;
}

/**
 * What a Collector takes by default over gRPC, and many a gateway in front of one. This bounds the packed
 * body; unpacked, 10 000 samples of some 130 bytes come to a third of it.
 */
const mostBytes = 4 * 1024 * 1024;

/** Most of what a batch repeats is found at the lowest level; the usual one takes twice the time for a twentieth of them. */
const gzipLevel = 1;

/** With temporality `delta` batches must come in the order of their times: deliver with `mayOvertake: false`. */
export function createOtlpSink(settings: OtlpSettings, world: OtlpWorld): Sink {
  const { client, identity, host, version, startedAt } = world;
  const url = metricsUrl(settings);
  const delta = (metric: Metric): boolean => isDelta(settings.temporality, metric);
  const layouts = createLayouts(identity);
  const deltas = settings.temporality === "cumulative" ? undefined : createDeltas(delta, startedAt);
  const resource = resourceAttributes(identity, host, version, settings.resource_attributes);
  const surroundings = { resource, version, isDelta: delta };
  const encoder =
    settings.encoding === "json" ? createJsonEncoder(surroundings) : createProtobufEncoder(surroundings);
  /** What the bodies of the latest batch were made from. */
  const parts = new Map<
    Body,
    { readonly families: Gathered["families"]; readonly commit: Commit | undefined }
  >();

  async function send(body: Body, _protocol: string, signal: AbortSignal): Promise<SendResult> {
    const reply = await client.send({
      method: "POST",
      url,
      headers: headersOf(settings, version),
      body: body.bytes,
      timeoutMs: settings.timeout,
      signal,
    });
    const outcome = withPortAdvice(classify(reply, body.samples + (body.marks ?? 0)), url);
    const part = parts.get(body);
    if (outcome.status === "delivered") part?.commit?.(part.families);
    return { outcome, durationMs: reply.durationMs, ...skewOf(reply) };
  }

  function bodyOf(
    families: Gathered["families"],
    counts: Pick<Body, "samples" | "marks">,
    commit: Commit | undefined,
  ): Body {
    const body = { bytes: packed(families), ...counts };
    parts.set(body, { families, commit });
    return body;
  }

  function packed(families: Parameters<typeof encoder>[0]): Uint8Array {
    const message = encoder(families);
    // Copied: the encoder writes its next message into the same memory.
    return settings.compression === "gzip" ? gzipSync(message, { level: gzipLevel }) : message.slice();
  }

  return {
    id: world.id ?? "otlp",
    type: "otlp",
    target: targetOf(url, settings),
    history: true,
    maxSamples: settings.queue_config.max_samples_per_send,
    maxBodies: 1,
    maxBytes: mostBytes,
    protocols: [settings.encoding],
    encode(batch) {
      const gathered = gather(batch, layouts);
      const changed = deltas?.apply(gathered);
      const { families, samples, marks, dropped } = changed ?? gathered;
      parts.clear();
      if (families.length === 0) {
        changed?.commit([]);
        return { bodies: [], dropped };
      }
      return { bodies: [bodyOf(families, { samples, marks }, changed?.commit)], dropped };
    },
    halves(body) {
      const { families = [], commit } = parts.get(body) ?? {};
      const halves = halvesOf(families);
      if (halves === undefined) return undefined;
      const [first, second] = halves;
      return [bodyOf(first, countOf(first), commit), bodyOf(second, countOf(second), commit)];
    },
    ...(deltas !== undefined && { memory: deltas }),
    send,
    probe: (protocol, signal) => send({ bytes: packed([]), samples: 0 }, protocol, signal),
    renew: () => client.renew(),
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

/** A gRPC server answers HTTP/1.1 with frames of HTTP/2, or closes the connection (OTLP specification, "Default Port"). */
function withPortAdvice(outcome: Outcome, { port }: URL): Outcome {
  if (port !== "4317" || !("code" in outcome) || !["protocol", "reset"].includes(outcome.code))
    return outcome;
  return {
    ...outcome,
    reason: `${outcome.reason ?? ""}; 4317 is the port of OTLP over gRPC, over HTTP it is 4318`,
  };
}

function headersOf(
  { encoding, compression }: OtlpSettings,
  version: string,
): Readonly<Record<string, string>> {
  return {
    "content-type": encoding === "json" ? "application/json" : "application/x-protobuf",
    ...(compression === "gzip" && { "content-encoding": "gzip" }),
    "user-agent": `mac-powermetrics-agent/${version}`,
  };
}
