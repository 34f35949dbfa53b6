/** Times as 64 bits and the three kinds of "not a number", held against arithmetic that has the bits. */
import assert from "node:assert/strict";
import test from "node:test";
import fc from "../support/property.ts";
import { createByteWriter, varintLength } from "../../src/sink/byte-writer.ts";

const writer = createByteWriter();

/** The eight bytes that `fill` puts into a gap, as a number. */
function word(fill: (position: number) => void): bigint {
  writer.reserve(9);
  writer.byte(0xff);
  fill(writer.bytes(new Uint8Array(8)));
  const bytes = writer.finish();
  assert.equal(bytes.length, 9);
  return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(1, true);
}

test("milliseconds become nanoseconds without losing a bit, up to the last that fit", () => {
  const latest = Math.floor(2 ** 63 / 1e6) - 1;
  const times = fc.oneof(
    fc.integer({ min: 0, max: latest }),
    fc.constantFrom(0, 1, latest, 2 ** 20 - 1, 2 ** 32),
  );
  fc.assert(
    fc.property(times, (ms) => {
      assert.equal(
        word((position) => writer.nanosecondsAt(position, ms)),
        BigInt(ms) * 1_000_000n,
      );
    }),
    { numRuns: 1000 },
  );
});

test("a double keeps its bits, but every NaN becomes Prometheus' normal one", () => {
  fc.assert(
    fc.property(fc.double(), (value) => {
      const view = new DataView(new ArrayBuffer(8));
      view.setFloat64(0, value);
      const want = Number.isNaN(value) ? 0x7ff8000000000001n : view.getBigUint64(0);
      assert.equal(
        word((position) => writer.doubleAt(position, value)),
        want,
      );
    }),
  );
});

test("the stale marker is the one NaN that Prometheus knows as such", () => {
  assert.equal(
    word((position) => writer.staleMarkerAt(position)),
    0x7ff0000000000002n,
  );
});

test("the length of a length is told before it is written", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 31 - 1 }), (value) => {
      writer.reserve(5);
      writer.varint(value);
      assert.equal(writer.finish().length, varintLength(value));
    }),
  );
});
