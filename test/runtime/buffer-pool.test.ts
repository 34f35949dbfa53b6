import assert from "node:assert/strict";
import test from "node:test";
import { keepSlabsSmall, slabBytes } from "../../src/runtime/buffer-pool.ts";

test("a small buffer keeps no more than a small slab", (t) => {
  const before = Buffer.poolSize;
  t.after(() => (Buffer.poolSize = before));
  keepSlabsSmall();
  // The slab in use is cut to its end first.
  const sizes = Array.from({ length: 200 }, () => Buffer.from("x".repeat(1000)).buffer.byteLength);
  assert.equal(sizes.at(-1), slabBytes);
});
