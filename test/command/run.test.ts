/** Where SIGHUP goes while one agent follows another. */
import assert from "node:assert/strict";
import test from "node:test";
import { createHangup } from "../../src/command/run.ts";

test("a SIGHUP goes to the agent that runs, and one that comes while none does to the next, once", () => {
  const hangup = createHangup();
  const heard: string[] = [];
  hangup.signal();
  hangup.signal();
  {
    using _first = hangup.listen(() => heard.push("first"));
    assert.deepEqual(heard, ["first"]);
    hangup.signal();
  }
  assert.deepEqual(heard, ["first", "first"]);
  hangup.signal();
  assert.deepEqual(heard, ["first", "first"]);
  {
    using _second = hangup.listen(() => heard.push("second"));
    assert.deepEqual(heard, ["first", "first", "second"]);
  }
  using _third = hangup.listen(() => heard.push("third"));
  assert.deepEqual(heard, ["first", "first", "second"]);
});
