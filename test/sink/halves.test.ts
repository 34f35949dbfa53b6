/** A body that is divided: each sample of it is in one half, in the order it had, down to single samples, with the same bytes each time. */
import assert from "node:assert/strict";
import test from "node:test";
import type { Body, Sink } from "../../src/sink/sink.ts";
import { otlpJson, otlpProtobuf, remoteWrite1, remoteWrite2 } from "../conformance/subjects.ts";
import { power, series, snapshot } from "./remote-write/batches.ts";
import { deadClient } from "./remote-write/clients.ts";

const values = Array.from({ length: 13 }, (_, at) => at);
const wide = {
  snapshots: [
    snapshot(
      0,
      values.map((value) => [series(power, { core: `cpu${value}` }), value] as const),
    ),
  ],
};

/** All the way down, first half first. */
function leaves(sink: Sink, body: Body): readonly Body[] {
  const halves = sink.halves?.(body);
  if (halves === undefined) return [body];
  const [first, second] = halves;
  const points = ({ samples, marks = 0 }: Body): number => samples + marks;
  assert.equal(points(first) + points(second), points(body));
  assert.ok(Math.abs(points(first) - points(second)) <= 1);
  return [...leaves(sink, first), ...leaves(sink, second)];
}

for (const subject of [remoteWrite1, remoteWrite2, otlpProtobuf, otlpJson])
  test(`${subject.name}: a body of a single snapshot is divided by series, down to one sample each`, () => {
    const sink = subject.open("http://receiver.test", {}, () => deadClient);
    const [protocol] = sink.protocols;
    const partsOf = (): readonly Body[] => {
      const [body] = sink.encode(wide, protocol).bodies;
      assert.ok(body !== undefined);
      return leaves(sink, body);
    };
    const parts = partsOf();
    assert.equal(parts.length, values.length);
    const read = parts.flatMap(({ bytes }) => subject.read(Buffer.from(bytes)));
    assert.deepEqual(read, values);
    const again = partsOf().map(({ bytes }) => Buffer.from(bytes).toString("base64"));
    assert.deepEqual(
      again,
      parts.map(({ bytes }) => Buffer.from(bytes).toString("base64")),
    );
  });
