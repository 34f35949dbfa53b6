import assert from "node:assert/strict";
import { test } from "node:test";
import { isLoopback } from "../../src/runtime/address.ts";

test("loopback is known in every spelling of its addresses", () => {
  const here = ["localhost", "127.0.0.1", "127.3.2.1", "::1", "0:0:0:0:0:0:0:1", "::ffff:7f00:1"];
  assert.deepEqual(here.filter(isLoopback), here);
  assert.deepEqual(
    ["", "0.0.0.0", "::", "10.0.0.1", "::ffff:10.0.0.1", "localhost.evil"].filter(isLoopback),
    [],
  );
});
