import assert from "node:assert/strict";
import test from "node:test";
import fc from "../support/property.ts";
import { logLines, splitLines } from "../../src/source/lines.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { collectLog } from "./events.ts";

function split(chunks: readonly Buffer[], maxLength?: number): string[] {
  const lines: string[] = [];
  const splitter = splitLines((line) => lines.push(line), maxLength);
  for (const chunk of chunks) splitter.push(chunk);
  splitter.end();
  return lines;
}

test("lines come out the same wherever the stream is cut", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "é", "🍎", " ", "\n", "\r", "\u0007"), maxLength: 60 });
  fc.assert(
    fc.property(text, fc.array(fc.nat(60)), (content, cuts) => {
      const bytes = Buffer.from(content);
      const edges = [
        0,
        ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b),
        bytes.length,
      ];
      const chunks = edges.slice(1).map((edge, index) => bytes.subarray(edges[index], edge));
      assert.deepEqual(split(chunks, 10), split([bytes], 10));
    }),
  );
});

test("blank lines are left out, control characters are escaped, and a last line needs no newline", () => {
  assert.deepEqual(split([Buffer.from("one\n\n  \r\ntwo\u001b[31m\nthree")]), [
    "one",
    "two\\u001b[31m",
    "three",
  ]);
});

test("a line without end keeps its beginning and no more", () => {
  const endless = Array<Buffer>(1000).fill(Buffer.from("x".repeat(1000)));
  assert.deepEqual(split([...endless, Buffer.from("\nnext\n")], 20), [`${"x".repeat(20)}…`, "next"]);
});

test("lines beyond the rate are held back, and their number is told when the minute is over", async () => {
  const clock = fakeClock();
  const log = collectLog();
  const lineLog = logLines(log, clock, "tool said", 2);
  for (const line of ["a", "b", "c", "d"]) lineLog.line(line);
  await clock.advance(60_000);
  lineLog.line("e");
  lineLog.flush();
  assert.deepEqual(log.lines, [
    'warn tool said {"line":"a"}',
    'warn tool said {"line":"b"}',
    'warn tool said: lines held back {"lines":2}',
    'warn tool said {"line":"e"}',
  ]);
});
