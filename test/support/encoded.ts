/** Encodes batches that one request can carry, for tests. */
import assert from "node:assert/strict";
import type { Batch, Body, EncodedBatch, Sink } from "../../src/sink/sink.ts";

export type OnlyBody = Body & Pick<EncodedBatch, "dropped">;

/** The one body of the batch, with what was left out of it; undefined when nothing is left to send. */
export function encodeAlone(
  sink: Pick<Sink, "encode">,
  batch: Batch,
  protocol: string,
): OnlyBody | undefined {
  const { bodies, dropped } = sink.encode(batch, protocol);
  assert.ok(bodies.length <= 1);
  const [body] = bodies;
  // The same object: a sink may know its bodies again.
  return body && Object.assign(body, { dropped });
}
