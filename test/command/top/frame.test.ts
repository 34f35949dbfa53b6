/** What `top` draws: lines that fit, with nothing in them that moves the cursor. */
import assert from "node:assert/strict";
import test from "node:test";
import fc from "../../support/property.ts";
import { bar, sparkline } from "../../../src/command/top/line.ts";
import { frameLines } from "../../../src/command/top/frame.ts";
import { fit, lineText, span, widthOf } from "../../../src/command/top/line.ts";
import {
  laptopReadings,
  sinkStatus,
  statusOf,
  statusTime,
  targetDown,
  targetNotYet,
  targetStatus,
} from "../../support/status.ts";

const frame = { status: statusOf(), past: [1, 2, 3], origin: "http://127.0.0.1:9127" };
const textOf = (columns: number, rows?: number, shown = frame): readonly string[] =>
  frameLines(shown, columns, rows).map((line) => lineText(line, "none"));

test("a frame has exactly the rows and columns of its terminal", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 250 }), fc.integer({ min: 2, max: 80 }), (columns, rows) => {
      const lines = frameLines(frame, columns, rows);
      assert.equal(lines.length, rows);
      for (const line of lines) assert.equal(widthOf(line), columns);
    }),
  );
});

test("power, cores, memory, sinks and sources are told in text", () => {
  const text = textOf(120).join("\n");
  for (const words of [
    "studio.lan",
    "✓ All well",
    "1.25 W",
    "cpu0",
    "1.00 GHz",
    "3.0 GiB of 16.0 GiB used",
    "delivering",
    "http://desk:9090",
    "powermetrics 1 s",
    "q quit",
  ])
    assert.ok(text.includes(words), words);
  assert.ok(!text.includes("SIMULATED"));
});

test("the whole machine leads where it is known, with its battery, its GPU's memory and its apps", () => {
  const text = textOf(120, 40, { ...frame, status: statusOf({ readings: laptopReadings }) }).join("\n");
  assert.match(text, /POWER\s+Whole machine\s+12\.5 W [\s\S]*CPU/);
  for (const words of [
    "Into the battery 22.3 W",
    "Energy today 50.0 Wh",
    "Last hour by app  Xcode 2.00 Wh",
    "Last day by app  Xcode 10.0 Wh · Safari",
  ])
    assert.ok(text.includes(words), words);
});

test("memory and sinks stay in sight of eighty by twenty-four, whatever the number of cores", () => {
  const cores = Array.from({ length: 32 }, (_, index) => ({ core: `cpu${index}`, activePercent: index }));
  const status = statusOf({ readings: { ...statusOf().readings, cores } });
  const text = textOf(80, 24, { ...frame, status }).join("\n");
  assert.match(text, /… \d+ more lines/);
  for (const words of ["MEMORY", "SINKS", "delivering", "SOURCES", "q quit"])
    assert.ok(text.includes(words), words);
});

test("a laptop's figures wrap where there is room, and give way to memory and sinks in twenty-four lines", () => {
  const status = statusOf({ readings: laptopReadings });
  const words = [
    "Battery 80 %",
    "Into the battery",
    "Energy today",
    "GPU memory",
    "Full battery 7.66 Ah",
    "Xcode",
  ];
  const roomy = textOf(80, 40, { ...frame, status });
  for (const word of words) assert.ok(roomy.join("\n").includes(word), word);
  for (let columns = 80; columns < 200; columns++)
    assert.ok(!textOf(columns, 40, { ...frame, status }).some((line) => line.includes("…")), String(columns));
  const small = textOf(80, 24, { ...frame, status }).join("\n");
  for (const word of ["Energy today", "Thermal", "Battery 80 %", "MEMORY", "SINKS", "SOURCES", "q quit"])
    assert.ok(small.includes(word), word);
});

test("names and addresses give way to the state where it is narrow, and no word is cut", () => {
  const simulated = statusOf({
    readings: laptopReadings,
    machine: {
      simulated: true,
      model: "MacBookPro16,1",
      chip: "Intel(R) Core(TM) i9-9880H CPU @ 2.30GHz",
      osVersion: "12.6",
    },
  });
  const text = (columns: number, rows: number): string =>
    textOf(columns, rows, { ...frame, status: simulated, origin: "http://127.0.0.1:9127" }).join("\n");
  assert.match(text(120, 40), /^studio\.lan {2}MacBookPro16,1 · Intel\(R\).*✓ All well {2}SIMULATED/);
  assert.match(text(80, 24), /^studio\.lan {2}MacBookPro16,1 · macOS 12\.6 {2}✓ All well {2}SIMULATED/);
  assert.match(text(40, 15), /^studio\.lan {2}✓ All well {2}SIMULATED/);
  for (const words of [
    "Whole machine",
    "Energy today",
    "Thermal",
    "3.0 GiB",
    "delivering  desk:9090",
    "powermetrics",
  ])
    assert.ok(text(40, 15).includes(words), words);
  for (const small of [text(80, 24), text(40, 15)]) assert.doesNotMatch(small, /[^ ]…/);
});

test("what goes on at a sink is seen at eighty columns, without its whole address", () => {
  const target = "https://metrics.example.com/a/rather/long/path/api/v1/write";
  const waiting = { ...sinkStatus, target, backlog: { snapshots: 1, bytes: 700, oldest: statusTime - 4000 } };
  const [, text = ""] =
    /^(✓ delivering.*)$/m.exec(
      textOf(80, 24, { ...frame, status: statusOf({ sinks: [waiting] }) }).join("\n"),
    ) ?? [];
  assert.equal(text.trim(), "✓ delivering  metrics.example.com  waiting 1 snapshot, 700 B, oldest 4 s ago");
});

test("a sink that fails says why, when it goes on and what waits", () => {
  const sink = {
    ...sinkStatus,
    state: "retrying" as const,
    backlog: { snapshots: 12, bytes: 2048, oldest: statusTime - 60_000 },
    nextAttempt: statusTime + 7000,
    lastFailure: { time: statusTime, code: "connect", reason: "connection refused" },
  };
  const text = textOf(200, 50, { ...frame, status: statusOf({ sinks: [sink] }) }).join("\n");
  assert.match(
    text,
    /! trying again .* waiting 12 snapshots, 2\.0 KiB, oldest 60 s ago · next in 7 s · connection refused/,
  );
});

test("targets have a line each where there is room, and one for all where there is little", () => {
  const targets = [targetStatus, targetDown, targetNotYet];
  const shown = { ...frame, status: statusOf({ targets }) };
  const roomy = textOf(120, 40, shown).join("\n");
  assert.match(roomy, /TARGETS +\n✓ up {2}node 127\.0\.0\.1:9100 {2}1\u202f234 series · 23 ms · 5 s ago/);
  assert.match(
    roomy,
    /✕ down {2}macmon 127\.0\.0\.1:9090 {2}cannot connect to 127\.0\.0\.1:9090: connection refused · 5 s ago/,
  );
  assert.match(roomy, /… not yet {2}llama 127\.0\.0\.1:8080 /);
  const all = "! targets 1 of 3 up, 1 not yet: macmon at 127.0.0.1:9090 connection refused";
  assert.ok(textOf(80, 24, shown).some((line) => line.trim() === all));
  assert.ok(textOf(40, 15, shown).some((line) => line.trim() === "! targets 1 of 3 up, 1 not yet: macmon"));
  assert.ok(!textOf(120, 40).join("\n").includes("TARGETS"));
});

test("many targets are counted in one line, which says how many are down", () => {
  const targets = Array.from({ length: 32 }, (_, index) => (index < 20 ? targetStatus : targetDown));
  const lines = textOf(120, 40, { ...frame, status: statusOf({ targets }) });
  const all =
    "! targets 20 of 32 up: macmon at 127.0.0.1:9090 cannot connect to 127.0.0.1:9090: connection refused (and 11 more)";
  assert.ok(lines.some((line) => line.trim() === all));
  const well = statusOf({ targets: targets.slice(0, 20) });
  assert.ok(
    textOf(80, 24, { ...frame, status: well }).some((line) => line.trim() === "✓ targets 20 of 20 up"),
  );
});

test("without colours no escape sequence is left but weight", () => {
  const line = [span("x", "failing"), span("y", "ok")];
  assert.equal(lineText(line, "none"), "xy");
  assert.equal(lineText(line, "mono"), "\u001b[1mx\u001b[0my");
  assert.equal(lineText(line, "colour"), "\u001b[31mx\u001b[0m\u001b[32my\u001b[0m");
});

test("hostile text can't reach the terminal as control characters", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (host) => {
      const status = statusOf({ agent: { ...statusOf().agent, host: `\u001b]0;x\u0007${host}` } });
      for (const line of textOf(80, 24, { ...frame, status }))
        assert.ok(!/\p{Cc}|\p{Bidi_Control}/u.test(line));
    }),
  );
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

test("a sparkline ends with the newest value, relative to the highest", () => {
  assert.equal(sparkline([0, 4, 8], 5), "  ▁▅█");
  assert.equal(sparkline([9, 0, 0], 2), "▁▁");
});
