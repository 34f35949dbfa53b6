import assert from "node:assert/strict";
import test from "node:test";
import { createBoundedMap } from "../../src/runtime/bounded-map.ts";

test("what was used last stays, and the others are forgotten", () => {
  const map = createBoundedMap<string, number>(2);
  map.set("a", 1);
  map.set("b", 2);
  assert.equal(map.get("a"), 1, "looking counts as use");
  map.set("c", 3);
  assert.deepEqual(
    ["a", "b", "c"].map((key) => map.get(key)),
    [1, undefined, 3],
  );
});

test("a value is made once while it is kept", () => {
  const map = createBoundedMap<string, number>(1);
  let made = 0;
  const make = (): number => ++made;
  assert.equal(map.getOrMake("a", make), 1);
  assert.equal(map.getOrMake("a", make), 1);
  assert.equal(map.getOrMake("b", make), 2);
  assert.equal(map.getOrMake("a", make), 3, "it was forgotten for b");
});
