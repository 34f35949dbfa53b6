/** What lines are made of: spans with styles, bars, sparklines. */
import assert from "node:assert/strict";
import test from "node:test";
import { bar, fit, lineText, span, sparkline } from "../../../src/command/top/line.ts";

test("without colours no escape sequence is left but weight", () => {
  const line = [span("x", "failing"), span("y", "ok")];
  assert.equal(lineText(line, "none"), "xy");
  assert.equal(lineText(line, "mono"), "\u001b[1mx\u001b[0my");
  assert.equal(lineText(line, "colour"), "\u001b[31mx\u001b[0m\u001b[32my\u001b[0m");
});

test("a cut line says that there is more", () => {
  assert.equal(lineText(fit([span("abc"), span("def")], 5), "none"), "abcd…");
  assert.equal(lineText(fit([span("abc")], 5), "none"), "abc  ");
  assert.equal(lineText(fit([span("abc"), span("def"), span("ghi")], 5), "none"), "abcd…");
});

test("bars are as long as their ratio, to an eighth, and never longer than their room", () => {
  assert.equal(bar(0.5, 4), "██  ");
  assert.equal(bar(0.28125, 4), "█▏  ");
  assert.equal(bar(7, 4), "████");
  assert.equal(bar(-1, 4), "    ");
});

test("a sparkline is relative to its highest value, and blank where nothing is known", () => {
  assert.equal(sparkline([undefined, 0, 4, 8]), " ▁▅█");
  assert.equal(sparkline([0, 0]), "▁▁");
});
