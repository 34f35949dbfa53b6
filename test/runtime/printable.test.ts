import assert from "node:assert/strict";
import test from "node:test";
import { printable } from "../../src/runtime/printable.ts";

test("whatever could begin a line, move a cursor or turn the text is spelled out, and all else stays", () => {
  assert.equal(
    printable("a\n\r\t\u001b[2J\u007f\u009b\u200b\u202e\u2028\u{e0001}é🚀"),
    String.raw`a\n\u000d\u0009\u001b[2J\u007f\u009b\u200b\u202e\u2028\udb40\udc01é🚀`,
  );
});
