/**
 * OTLP over HTTP as a sink: one receiver, one encoding, one request at a time.
 *
 *     gather.ts ──► delta.ts, if asked for ──► encode-protobuf.ts or encode-json.ts ──► gzip ──► POST ──► classify.ts
 */
import { gzipSync } from "node:zlib";
import type { LabelPair } from "../../metric/series.ts";
import type { Metric } from "../../metric/metric.ts";
import type { HostFacts } from "../../runtime/host.ts";
import { otlpMetricsUrl, targetOf } from "../address.ts";
import { resultOf } from "../answer.ts";
import type { Body, Identity, Outcome, SendResult, Sink, SinkDeps } from "../sink.ts";
import { classify } from "./classify.ts";
import { createDeltas, isDelta, type Commit, type Deltas } from "./delta.ts";
import { createJsonEncoder } from "./encode-json.ts";
import { createProtobufEncoder, type Encoder } from "./encode-protobuf.ts";
import { gather, type Family } from "./gather.ts";
import { createLayouts, samplesIn, type Layouts, type Target } from "./layout.ts";
import type { OtlpSettings } from "./schema.ts";

interface OtlpDeps extends SinkDeps {
  readonly host: HostFacts;
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
export function createOtlpSink(settings: OtlpSettings, deps: OtlpDeps): Sink {
  const { id = "otlp", client, identity, host, version, startedAt } = deps;
  const url = otlpMetricsUrl(settings);
  const delta = (metric: Metric): boolean => isDelta(settings.temporality, metric);
  const deltas = settings.temporality === "cumulative" ? undefined : createDeltas(delta, startedAt);
  const resource = resourceAttributes(identity, host, version, settings.resource_attributes);
  const createEncoder = settings.encoding === "json" ? createJsonEncoder : createProtobufEncoder;
  const resourceOf = (target: Target): readonly LabelPair[] =>
    resourceAttributes(target, host, undefined, withoutIdentity(settings.resource_attributes));
  const encoder = createEncoder({ resource, resourceOf, version, isDelta: delta });
  const encoding = createEncoding(encoder, createLayouts(identity), deltas, settings.compression);

  async function send(body: Body, signal: AbortSignal): Promise<SendResult> {
    const reply = await client.send({
      method: "POST",
      url,
      headers: headersOf(settings, version),
      body: body.bytes,
      timeoutMs: settings.timeout,
      signal,
    });
    const outcome = withPortAdvice(classify(reply, body.samples + (body.marks ?? 0)), url);
    if (outcome.status === "delivered") encoding.commit(body);
    return resultOf(reply, outcome);
  }

  return {
    id,
    type: "otlp",
    target: targetOf(url, settings),
    maxSamples: settings.queue_config.max_samples_per_send,
    maxBodies: 1,
    maxBytes: mostBytes,
    protocols: [settings.encoding],
    encode: encoding.encode,
    halves: encoding.halves,
    ...(deltas !== undefined && { memory: deltas }),
    send: (body, _protocol, signal) => send(body, signal),
    probe: (_protocol, signal) => send(encoding.emptyBody(), signal),
    renew: () => client.renew(),
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

interface Encoding {
  readonly encode: Sink["encode"];
  readonly halves: NonNullable<Sink["halves"]>;
  /** The receiver took this body. */
  commit(body: Body): void;
  /** A message without metrics. */
  emptyBody(): Body;
}

function createEncoding(
  encoder: Encoder,
  layouts: Layouts,
  deltas: Deltas | undefined,
  compression: OtlpSettings["compression"],
): Encoding {
  /**
   * What the bodies of the latest batch were made from. A new map for each: V8 links the memory of one that is cleared to what comes
   * after, so that one of them in the old space would hold all later batches until the next full collection.
   */
  let origins = new Map<Body, { readonly families: readonly Family[]; readonly commit?: Commit }>();

  function pack(families: readonly Family[]): Uint8Array {
    const message = encoder(families);
    // Copied: the encoder writes its next message into the same memory.
    return compression === "gzip" ? gzipSync(message, { level: gzipLevel }) : message.slice();
  }

  function bodyOf(families: readonly Family[], commit?: Commit): Body {
    const body = { bytes: pack(families), ...countOf(families) };
    origins.set(body, commit === undefined ? { families } : { families, commit });
    return body;
  }

  return {
    encode(batch) {
      const gathered = gather(batch, layouts);
      const changed = deltas?.apply(gathered);
      const { families, dropped } = changed ?? gathered;
      origins = new Map();
      if (families.length > 0) return { bodies: [bodyOf(families, changed?.commit)], dropped };
      changed?.commit([]);
      return { bodies: [], dropped };
    },
    halves(body) {
      const { families = [], commit } = origins.get(body) ?? {};
      const halves = halvesOf(families);
      return halves && [bodyOf(halves[0], commit), bodyOf(halves[1], commit)];
    },
    commit(body) {
      const origin = origins.get(body);
      origin?.commit?.(origin.families);
    },
    emptyBody: () => ({ bytes: pack([]), samples: 0 }),
  };
}

/** By series, as evenly as their number allows; undefined for a single one. */
function halvesOf(families: readonly Family[]): readonly [readonly Family[], readonly Family[]] | undefined {
  const total = families.reduce((sum, { runs }) => sum + runs.length, 0);
  if (total < 2) return undefined;
  const first: Family[] = [];
  const second: Family[] = [];
  let room = Math.ceil(total / 2);
  for (const family of families) {
    const { runs } = family;
    if (room > 0) first.push({ ...family, runs: runs.slice(0, room) });
    if (runs.length > room) second.push({ ...family, runs: runs.slice(room) });
    room = Math.max(0, room - runs.length);
  }
  return [first, second];
}

function countOf(families: readonly Family[]): Required<Pick<Body, "samples" | "marks">> {
  let samples = 0;
  let marks = 0;
  for (const { runs } of families)
    for (const { length, marks: ends, histograms } of runs) {
      marks += ends?.length ?? 0;
      if (histograms === undefined) samples += length - (ends?.length ?? 0);
      else
        histograms.forEach(({ counts }, at) => {
          if (ends?.includes(at) !== true) samples += samplesIn(counts);
        });
    }
  return { samples, marks };
}

/**
 * Receivers make `job` of `service.name` and `instance` of `service.instance.id`
 * (OpenTelemetry specification, Prometheus compatibility, "Resource attributes"). A scraped target is named by its own labels, and its
 * version is not ours.
 */
function resourceAttributes(
  { job, instance }: Pick<Identity, "job" | "instance">,
  host: HostFacts,
  version: string | undefined,
  configured: Readonly<Record<string, string>>,
): readonly LabelPair[] {
  const all: Readonly<Record<string, string | undefined>> = {
    "service.name": job,
    "service.instance.id": instance,
    "service.version": version,
    "host.name": host.name,
    "host.id": host.id,
    "host.arch": host.arch === "x64" ? "amd64" : host.arch,
    "os.type": "darwin",
    "os.version": host.osVersion,
    "os.build_id": host.osBuild,
    "device.model.identifier": host.model,
    ...configured,
  };
  return Object.entries(all).flatMap(([name, value]) =>
    value === undefined || value === "" ? [] : [[name, value] as const],
  );
}

function withoutIdentity(configured: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const { "service.name": _job, "service.instance.id": _instance, ...others } = configured;
  return others;
}

/** A gRPC server answers HTTP/1.1 with frames of HTTP/2, or closes the connection (OTLP specification, "Default Port"). */
function withPortAdvice(outcome: Outcome, { port }: URL): Outcome {
  if (port !== "4317" || !["protocol", "reset"].includes(outcome.code)) return outcome;
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
