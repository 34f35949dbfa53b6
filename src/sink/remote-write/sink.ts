/** Remote write as a sink: one receiver, two protocols, one request at a time. */
import { compress } from "snappyjs";
import type { HttpClient } from "../../runtime/http/http.ts";
import { skewOf } from "../answer.ts";
import { targetOf } from "../target.ts";
import type { Identity } from "../identity.ts";
import type { Relabel } from "../relabel/apply.ts";
import type { Batch, Body, EncodedBatch, SendResult, Sink } from "../sink.ts";
import { classify } from "./classify.ts";
import { createEncoderV1 } from "./encode-v1.ts";
import { createEncoderV2 } from "./encode-v2.ts";
import { gather, type Run } from "./gather.ts";
import { portionsOf } from "./portions.ts";
import {
  isRemoteWriteProtocol,
  protocolHeaders,
  version1,
  version2,
  type RemoteWriteProtocol,
} from "./protocol.ts";
import type { RemoteWriteSettings } from "./schema.ts";
import { createSeriesIndex } from "./wire-series.ts";

interface RemoteWriteWorld {
  /** Of its cursor; the type alone where no other sink is near. */
  readonly id?: string;
  /** Of this sink alone; it ends with the sink. */
  readonly client: HttpClient;
  readonly identity: Identity;
  /** The agent's, for User-Agent. */
  readonly version: string;
  /** What `write_relabel_configs` asks for; apart, since its engine is loaded only where there are rules. */
  readonly relabel?: Relabel;
}

/** Receivers refuse larger bodies, and a failed one costs as much again. */
const mostBytes = 1_000_000;

/** Many, since each series then has its labels in one request of so many; few, since live samples wait for the batch before them. */
const mostBodies = 8;

export function createRemoteWriteSink(settings: RemoteWriteSettings, world: RemoteWriteWorld): Sink {
  const { client, identity, version } = world;
  const url = new URL(settings.url);
  const protocols = protocolsOf(settings);
  const index = createSeriesIndex(identity, world.relabel ?? ((labels) => labels));
  const encoders = { [version1]: createEncoderV1(), [version2]: createEncoderV2() };

  /** Of the latest batch. */
  let encodeRuns = encoders[version1]([]);
  const portions = new Map<Body, readonly Run[]>();

  function bodyOf(portion: readonly Run[]): Body {
    const body = { bytes: compress(encodeRuns(portion)), ...countOf(portion) };
    portions.set(body, portion);
    return body;
  }

  async function send(body: Body, protocol: string, signal: AbortSignal): Promise<SendResult> {
    const spoken = known(protocol);
    const reply = await client.send({
      method: "POST",
      url,
      headers: protocolHeaders(spoken, version),
      body: body.bytes,
      timeoutMs: settings.remote_timeout,
      signal,
    });
    const outcome = classify(reply, {
      protocol: spoken,
      negotiable: protocols.length > 1,
      retryOn429: settings.queue_config.retry_on_http_429,
      sent: body.samples + (body.marks ?? 0),
    });
    return { outcome, durationMs: reply.durationMs, ...skewOf(reply) };
  }

  return {
    id: world.id ?? "remote_write",
    type: "remote_write",
    target: targetOf(url, settings),
    history: true,
    maxSamples: settings.queue_config.max_samples_per_send,
    maxBodies: mostBodies,
    maxBytes: mostBytes,
    protocols,
    encode(batch: Batch, protocol: string): EncodedBatch {
      const { snapshots, runs, dropped } = gather(batch, index);
      encodeRuns = encoders[known(protocol)](snapshots);
      portions.clear();
      return { bodies: portionsOf(runs, settings.queue_config.max_samples_per_send).map(bodyOf), dropped };
    },
    halves(body) {
      const portion = portions.get(body) ?? [];
      if (portion.length < 2) return undefined;
      const middle = Math.ceil(portion.length / 2);
      return [bodyOf(portion.slice(0, middle)), bodyOf(portion.slice(middle))];
    },
    send,
    probe(protocol, signal) {
      // A message without series, which receivers answer and forget.
      const bytes = compress(encoders[known(protocol)]([])([]));
      return send({ bytes, samples: 0 }, protocol, signal);
    },
    renew: () => client.renew(),
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

function countOf(runs: readonly Run[]): Pick<Body, "samples" | "marks"> {
  const marks = runs.reduce((sum, run) => sum + run.marks.length, 0);
  return { samples: runs.reduce((sum, { rows }) => sum + rows.length, 0) - marks, marks };
}

function protocolsOf({ protobuf_message: message }: RemoteWriteSettings): Sink["protocols"] {
  return message === "auto" ? [version2, version1] : [message];
}

function known(protocol: string): RemoteWriteProtocol {
  if (isRemoteWriteProtocol(protocol)) return protocol;
  throw new Error(`unexpected protocol: got ${protocol}, want ${version1} or ${version2}`);
}
