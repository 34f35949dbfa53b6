/** Counts what goes into a sink without history and what becomes of its requests, outside of the sink and its delivery. */
import type { Body, Sink } from "../../src/sink/sink.ts";

/**
 * Samples of every snapshot that was encoded for a push:
 *
 *     encoded ─┬─ concluded ─► told as sent or dropped
 *              ├─ superseded: the request failed, and a later push tells what it would have told
 *              └─ under way
 */
export interface Pushes {
  encoded: number;
  superseded: number;
  underWay: number;
}

/** The sink as it is; one with history is left alone, since the journal knows what it is owed. */
export function counted(sink: Sink, pushes: Pushes): Sink {
  if (sink.type !== "pushgateway") return sink;
  const sizes = new WeakMap<Body, number>();
  return {
    ...sink,
    encode(batch, protocol) {
      const encoded = sink.encode(batch, protocol);
      const samples = batch.snapshots.reduce((sum, { values }) => sum + values.length, 0);
      for (const body of encoded.bodies) sizes.set(body, samples);
      return encoded;
    },
    async send(body, protocol, signal) {
      const samples = sizes.get(body) ?? 0;
      pushes.encoded += samples;
      pushes.underWay += samples;
      const result = await sink.send(body, protocol, signal);
      pushes.underWay -= samples;
      const { status } = result.outcome;
      if (signal.aborted || status === "retry" || status === "refused") pushes.superseded += samples;
      return result;
    },
  };
}
