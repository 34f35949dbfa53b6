/** Bytes as they are written, held against arithmetic that has the bits. */
import assert from "node:assert/strict";
import test from "node:test";
import fc from "../support/property.ts";
import { ByteWriter, varintLength } from "../../src/runtime/bytes.ts";

const writer = new ByteWriter();

test("a double keeps its bits, but every NaN becomes Prometheus' normal one", () => {
  fc.assert(
    fc.property(fc.double(), (value) => {
      const view = new DataView(new ArrayBuffer(8));
      view.setFloat64(0, value);
      const want = Number.isNaN(value) ? 0x7ff8000000000001n : view.getBigUint64(0);
      writer.byte(0xff);
      writer.doubleAt(writer.bytes(new Uint8Array(8)), value);
      const bytes = writer.finish();
      assert.equal(bytes.length, 9);
      assert.equal(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(1, true), want);
    }),
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
