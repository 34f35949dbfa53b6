/**
 * Remote write as a sink: one receiver, two versions of the protocol, one request at a time.
 *
 *     gather.ts ──► split by series ──► encode.ts ──┬─► snappy ──► POST ──► classify.ts
 *     forms.ts, of a batch like one before ─────────┘
 */
import { SnappyCompressor } from "snappyjs/snappy_compressor.js";
import { targetOf } from "../address.ts";
import { resultOf } from "../answer.ts";
import type { Relabel } from "../relabel/apply.ts";
import type { Batch, Body, SendResult, Sink, SinkDeps } from "../sink.ts";
import { classify, version1, version2, type RemoteWriteProtocol } from "./classify.ts";
import { createEncoderV1, createEncoderV2 } from "./encode.ts";
import { createForms, kindOf } from "./forms.ts";
import { createSeriesIndex, gather, type Gathered, type Run, type SeriesIndex } from "./gather.ts";
import type { RemoteWriteSettings } from "./schema.ts";

interface RemoteWriteDeps extends SinkDeps {
  /** Compiled from `write_relabel_configs` by the caller, since its engine is loaded only where there are rules. */
  readonly relabel?: Relabel;
}

const keepAll: Relabel = (labels) => labels;

/** Receivers refuse larger bodies, and each retry sends all of one again. */
const mostBytes = 1_000_000;

/** The more, the fewer times a series' labels are sent; the fewer, the shorter live samples wait for the batch before them. */
const mostBodies = 8;

export function createRemoteWriteSink(settings: RemoteWriteSettings, deps: RemoteWriteDeps): Sink {
  const { id = "remote_write", client, identity, version, relabel = keepAll } = deps;
  const { max_samples_per_send: maxSamples, retry_on_http_429: retryOn429 } = settings.queue_config;
  const url = new URL(settings.url);
  const protocols = protocolsOf(settings);
  const encoding = createEncoding(createSeriesIndex(identity, relabel), maxSamples);

  async function send(body: Body, protocol: string, signal: AbortSignal): Promise<SendResult> {
    const known = knownProtocol(protocol);
    const reply = await client.send({
      method: "POST",
      url,
      headers: headersOf(known, version),
      body: body.bytes,
      timeoutMs: settings.remote_timeout,
      signal,
    });
    const sent = body.samples + (body.marks ?? 0);
    const negotiable = protocols.length > 1;
    return resultOf(reply, classify(reply, { protocol: known, negotiable, retryOn429, sent }));
  }

  return {
    id,
    type: "remote_write",
    target: targetOf(url, settings),
    maxSamples,
    maxBodies: mostBodies,
    maxBytes: mostBytes,
    protocols,
    encode: encoding.encode,
    halves: encoding.halves,
    send,
    probe: (protocol, signal) => send(encoding.emptyBody(protocol), protocol, signal),
    renew: () => client.renew(),
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

interface Encoding {
  readonly encode: Sink["encode"];
  readonly halves: NonNullable<Sink["halves"]>;
  /** A message without series, which receivers answer and forget. */
  emptyBody(protocol: string): Body;
}

function createEncoding(index: SeriesIndex, maxSamples: number): Encoding {
  const encoders = { [version1]: createEncoderV1(), [version2]: createEncoderV2() };
  const compress = createCompressor();
  const forms = createForms();
  /** Of the latest batch, like the runs of its bodies. */
  let encodeRuns = encoders[version1]([]);
  /** New for each batch, never cleared: see src/sink/otlp/sink.ts. */
  let runsOf = new Map<Body, readonly Run[]>();
  /** Of the latest batch, where its message was filled in: its runs are not known then. */
  let filled: (Batch & { readonly body: Body; readonly protocol: string }) | undefined;

  function bodyOf(runs: readonly Run[], message = encodeRuns(runs)): Body {
    const body = { bytes: compress(message), ...countOf(runs) };
    runsOf.set(body, runs);
    return body;
  }

  function read(batch: Batch, protocol: string): Gathered {
    const gathered = gather(batch, index);
    encodeRuns = encoders[knownProtocol(protocol)](gathered.snapshots);
    return gathered;
  }

  return {
    encode(batch, protocol) {
      runsOf = new Map();
      filled = undefined;
      const kind = kindOf(batch.snapshots, protocol);
      const form = kind === undefined ? undefined : forms.fill(kind, batch.snapshots);
      if (form !== undefined) {
        const body = { bytes: compress(form.message), samples: form.places.length, marks: 0 };
        filled = { ...batch, body, protocol };
        return { bodies: [body], dropped: form.dropped };
      }
      const { runs, dropped } = read(batch, protocol);
      const portions = splitBySeries(runs, maxSamples);
      const [whole = []] = portions;
      if (kind === undefined || portions.length !== 1)
        return { bodies: portions.map((portion) => bodyOf(portion)), dropped };
      const places: number[] = [];
      const message = encodeRuns(whole, places);
      forms.keep(kind, { message, runs: whole, places, dropped });
      return { bodies: [bodyOf(whole, message)], dropped };
    },
    halves(body) {
      const batch = filled?.body === body ? filled : undefined;
      const runs = batch === undefined ? (runsOf.get(body) ?? []) : read(batch, batch.protocol).runs;
      if (runs.length < 2) return undefined;
      const middle = Math.ceil(runs.length / 2);
      return [bodyOf(runs.slice(0, middle)), bodyOf(runs.slice(middle))];
    },
    emptyBody: (protocol) => ({
      bytes: compress(encoders[knownProtocol(protocol)]([])([])),
      samples: 0,
    }),
  };
}

/** Into one buffer again and again, since the package's own `compress` makes one of the largest possible size each time. */
function createCompressor(): (bytes: Uint8Array) => Uint8Array {
  let room = new Uint8Array();
  return (bytes) => {
    const compressor = new SnappyCompressor(bytes);
    const most = compressor.maxCompressedLength();
    if (room.length < most) room = new Uint8Array(most);
    return room.slice(0, compressor.compressToBuffer(room));
  };
}

function countOf(runs: readonly Run[]): Pick<Body, "samples" | "marks"> {
  const marks = runs.reduce((sum, run) => sum + run.marks.length, 0);
  return { samples: runs.reduce((sum, { rows }) => sum + rows.length, 0) - marks, marks };
}

function protocolsOf({ protobuf_message: message }: RemoteWriteSettings): Sink["protocols"] {
  return message === "auto" ? [version2, version1] : [message];
}

function knownProtocol(protocol: string): RemoteWriteProtocol {
  if (protocol === version1 || protocol === version2) return protocol;
  throw new Error(`unexpected protocol: got ${protocol}, want ${version1} or ${version2}`);
}

/** The headers that no user may override. */
function headersOf(protocol: RemoteWriteProtocol, agentVersion: string): Readonly<Record<string, string>> {
  const isFirst = protocol === version1;
  return {
    "content-encoding": "snappy",
    "content-type": isFirst ? "application/x-protobuf" : `application/x-protobuf;proto=${version2}`,
    "user-agent": `mac-powermetrics-agent/${agentVersion}`,
    "x-prometheus-remote-write-version": isFirst ? "0.1.0" : "2.0.0",
  };
}

/**
 * Splits a batch that is too much for one request by series, so that each request has the labels of its series once,
 * however many samples they have.
 *
 *             snapshots ─►          snapshots ─►
 *     series  a a a|a a a           a a a a a a
 *       │     b b b|b b b           b b b b b b
 *       ▼     c c c|c c c   not so, ───────────  but so
 *             d d d|d d d           c c c c c c
 *                                   d d d d d d
 *
 * As few portions as it takes, of about the same number of samples; none has more than `maxSamples` unless a single series has.
 */
function splitBySeries(runs: readonly Run[], maxSamples: number): readonly (readonly Run[])[] {
  const fewest = divide(runs, maxSamples, maxSamples).length;
  const total = runs.reduce((sum, { rows }) => sum + rows.length, 0);
  return divide(runs, total / fewest, maxSamples);
}

/** Each portion ends as soon as it has its share, or when one series more would be too much. */
function divide(runs: readonly Run[], share: number, maxSamples: number): readonly (readonly Run[])[] {
  const portions: Run[][] = [];
  let size = Infinity;
  for (const run of runs) {
    const more = run.rows.length;
    if (size >= share || size + more > maxSamples) {
      portions.push([]);
      size = 0;
    }
    portions.at(-1)?.push(run);
    size += more;
  }
  return portions;
}
