/** Batches that take several requests are divided by series. */
import assert from "node:assert/strict";
import test from "node:test";
import fc from "../../support/property.ts";
import { version1, version2 } from "../../../src/sink/remote-write/classify.ts";
import { remoteWriteSchema } from "../../../src/sink/remote-write/schema.ts";
import { createRemoteWriteSink } from "../../../src/sink/remote-write/sink.ts";
import type { EncodedBatch, Sink } from "../../../src/sink/sink.ts";
import { batches, frequency, series, snapshot } from "./batches.ts";
import { deadClient } from "./clients.ts";
import { decodeV1, decodeV2, type DecodedSeries } from "./messages.ts";
import { expectedPoints, pointsOf, type Points } from "./points.ts";

function sink(settings: object): Sink {
  const parsed = remoteWriteSchema.parse({ url: "http://receiver.test/api/v1/write", ...settings });
  const identity = { job: "mac-powermetrics", instance: "mac.local", externalLabels: {} };
  return createRemoteWriteSink(parsed, { client: deadClient, identity, version: "1.2.3" });
}

/** Of all bodies together; no series is in two of them. */
function pointsIn({ bodies }: EncodedBatch, decode: (bytes: Uint8Array) => readonly DecodedSeries[]): Points {
  const decoded = bodies.flatMap(({ bytes }) => decode(bytes));
  const points = pointsOf(decoded);
  assert.equal(Object.keys(points).length, decoded.length);
  return points;
}

test("a batch of many requests is as complete as one of a single request, and no series is in two of them", () => {
  const all = Array.from({ length: 300 }, (_, at) => series(frequency, { core: `cpu${at}` }));
  const snapshots = Array.from({ length: 60 }, (_, row) =>
    snapshot(
      row,
      all.map((one, column) => [one, row / (column + 1)] as const),
    ),
  );
  const expected = expectedPoints({ snapshots });
  for (const [protocol, decode] of [[version1, decodeV1] as const, [version2, decodeV2] as const]) {
    const encoded = sink({}).encode({ snapshots }, protocol);
    assert.deepEqual(pointsIn(encoded, decode), expected);
    const sizes = encoded.bodies.map(({ samples }) => samples);
    // 33 runs of 60 samples are the most that one request takes.
    assert.deepEqual(sizes, Array(10).fill(1800));
  }
});

test("no request has more samples than max_samples_per_send, unless a single series has", () => {
  fc.assert(
    fc.property(batches, fc.integer({ min: 1, max: 9 }), (batch, most) => {
      const through = sink({ queue_config: { max_samples_per_send: most } });
      for (const [protocol, decode] of [[version1, decodeV1] as const, [version2, decodeV2] as const]) {
        const encoded = through.encode(batch, protocol);
        assert.deepEqual(pointsIn(encoded, decode), expectedPoints(batch));
        for (const { bytes, samples, marks = 0 } of encoded.bodies) {
          const inIt = decode(bytes);
          assert.equal(inIt.flatMap((one) => one.samples).length, samples + marks);
          assert.ok(samples + marks <= most || inIt.length === 1);
        }
      }
    }),
  );
});
