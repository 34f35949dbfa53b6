/** Bytes as they are written, held against arithmetic that has the bits. */
import assert from "node:assert/strict";
import test from "node:test";
import fc from "../support/property.ts";
import { ByteWriter, varintLength } from "../../src/runtime/bytes.ts";

const writer = new ByteWriter();

/** The eight bytes that `fill` puts into a gap, as a number. */
function word(fill: (position: number) => void): bigint {
  writer.byte(0xff);
  fill(writer.bytes(new Uint8Array(8)));
  const bytes = writer.finish();
  assert.equal(bytes.length, 9);
  return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(1, true);
}

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

test("a varint has seven bits a byte, the lowest first, and its length is known before it is written", () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (value) => {
      writer.varint(value);
      const bytes = [...writer.finish()];
      assert.equal(bytes.length, varintLength(value));
      const read = bytes.reduceRight((rest, byte) => rest * 128n + BigInt(byte & 0x7f), 0n);
      assert.equal(read, BigInt(value));
      assert.deepEqual(
        bytes.map((byte) => byte >= 0x80),
        bytes.map((_, at) => at < bytes.length - 1),
      );
    }),
  );
});

test("what is written stays as it is while the buffer grows", () => {
  const pieces = Array.from({ length: 50 }, (_, at) => new Uint8Array(at * 100).fill(at));
  for (const piece of pieces) writer.bytes(piece);
  assert.deepEqual(Buffer.from(writer.finish()), Buffer.concat(pieces));
});
