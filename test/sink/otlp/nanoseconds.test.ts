/** Times in 64 bits, held against arithmetic that has the bits. */
import assert from "node:assert/strict";
import test from "node:test";
import fc from "../../support/property.ts";
import { ByteWriter } from "../../../src/runtime/bytes.ts";
import { writeNanoseconds } from "../../../src/sink/otlp/encode-protobuf.ts";

test("milliseconds become nanoseconds without losing a bit, up to the last that fit", () => {
  const writer = new ByteWriter();
  const latest = Math.floor(2 ** 63 / 1e6) - 1;
  const times = fc.oneof(
    fc.integer({ min: 0, max: latest }),
    fc.constantFrom(0, 1, latest, 2 ** 20 - 1, 2 ** 32),
  );
  fc.assert(
    fc.property(times, (ms) => {
      writeNanoseconds(writer, writer.bytes(new Uint8Array(8)), ms);
      const bytes = writer.finish();
      assert.equal(
        new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true),
        BigInt(ms) * 1_000_000n,
      );
    }),
    { numRuns: 1000 },
  );
});
