/** What `top` draws: lines that fit, with nothing in them that moves the cursor. */
import assert from "node:assert/strict";
import test from "node:test";
import fc from "../../support/property.ts";
import { extentOf, frameLines, plainLines, type Frame } from "../../../src/command/top/frame.ts";
import { firstView, type View } from "../../../src/command/top/view.ts";
import type { History } from "../../../src/status/history.ts";
import { lineText, widthOf } from "../../../src/command/top/line.ts";
import {
  laptopReadings,
  sinkStatus,
  statusOf,
  statusTime,
  targetDown,
  targetNotYet,
  targetStatus,
} from "../../support/status.ts";

const frame: Frame = { status: statusOf(), origin: "http://127.0.0.1:9127", view: firstView };
const textOf = (columns: number, rows: number, shown = frame): readonly string[] =>
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
  const text = textOf(120, 40).join("\n");
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
  assert.match(text, /POWER {2}a full bar is 12\.5 W\s+Whole machine\s+12\.5 W [\s\S]*CPU/);
  for (const words of ["Into the battery 22.3 W", "Energy today 50.0 Wh"])
    assert.ok(text.includes(words), words);
  assert.match(
    text,
    /APPS by energy now +now +CPU +last hour +last day *\nXcode +2\.10 W +150 % +2\.00 Wh +10\.0 Wh/,
  );
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

test("hostile text can't reach the terminal as control characters", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (host) => {
      const status = statusOf({ agent: { ...statusOf().agent, host: `\u001b]0;x\u0007${host}` } });
      for (const line of textOf(80, 24, { ...frame, status }))
        assert.ok(!/\p{Cc}|\p{Bidi_Control}/u.test(line));
    }),
  );
});

const tenMinutes = 600_000;
/** Ten minutes of a chip that draws 1 W and once 3 W, and of a machine that reports each minute. */
const history: History = {
  version: 1,
  range: "10m",
  fromMs: statusTime - tenMinutes,
  toMs: statusTime,
  origin: "journal",
  groups: [
    {
      source: "powermetrics",
      time: Array.from({ length: 601 }, (_, second) => statusTime - tenMinutes + second * 1000),
      columns: { "total.power": Array.from({ length: 601 }, (_, second) => (second > 540 ? 3 : 1)) },
      peaks: { "total.power": Array.from({ length: 601 }, (_, second) => (second === 300 ? 20 : 1)) },
    },
    {
      source: "ioreg",
      time: Array.from({ length: 3 }, (_, minute) => statusTime - 120_000 + minute * 60_000),
      columns: { "machine.power": [8, 8, 10] },
    },
  ],
};

test("the past has its mean, its course and its peak, of a young one what there is", () => {
  const lines = textOf(80, 40, { ...frame, history });
  const chip = lines.find((line) => line.startsWith("Chip 10 min")) ?? "";
  assert.match(chip, /^Chip 10 min {6}1\.20 W ▃+▇█{3} mean, peak 20\.0 W *$/);
  const whole = lines.find((line) => line.startsWith("Whole 10 min")) ?? "";
  assert.match(whole, /^Whole 10 min {5}9\.00 W +[▇█]+ mean, peak 10\.0 W *$/);
  const young = { ...history, groups: history.groups.slice(1) };
  const soFar = textOf(80, 40, { ...frame, history: young }).find((line) => line.startsWith("Whole so far"));
  assert.match(soFar ?? "", /^Whole so far {5}9\.00 W ▇+█+ mean, peak 10\.0 W *$/);
  assert.ok(!textOf(80, 40).join("\n").includes("Chip"));
});

test("apps come in the order that was chosen, and what has no name of its own last", () => {
  const status = statusOf({ readings: laptopReadings });
  const order = (sort: View["sort"], columns = 120): string => {
    const lines = textOf(columns, 50, { ...frame, status, view: { ...firstView, sort } });
    const from = lines.findIndex((line) => line.startsWith("APPS"));
    return lines.slice(from, from + 5).join("\n");
  };
  assert.match(order("now"), /APPS by energy now.*\nXcode.*\nMail.*\nSafari.*\neverything else/);
  assert.match(order("day"), /APPS by last day.*\nXcode.*\nSafari.*\nMail.*\neverything else/);
  assert.match(order("name"), /APPS by name.*\nMail.*\nSafari.*\nXcode.*\neverything else/);
  assert.match(
    order("cpu", 40),
    /^APPS by CPU now +CPU\nXcode +150 %\nMail +20 %\nSafari *\neverything else +160 %$/,
  );
});

test("a core that does not run is off", () => {
  assert.match(textOf(120, 40).join("\n"), /cpu1 +P +0 % +off/);
});

test("the list scrolls below its head, down to its last line", () => {
  const cores = Array.from({ length: 32 }, (_, index) => ({ core: `cpu${index}`, activePercent: index }));
  const status = statusOf({ readings: { ...statusOf().readings, cores } });
  const at = (offset: number): readonly string[] =>
    textOf(40, 15, { ...frame, status, view: { ...firstView, offset } });
  const { lines, room } = extentOf({ ...frame, status }, 40, 15);
  assert.equal(room, 13);
  for (const text of [at(0), at(1), at(lines - room)])
    assert.match(text[0] ?? "", /^studio\.lan.* ✓ All well/);
  assert.match(at(1)[1] ?? "", /^CPU +1\.25 W/);
  assert.match(at(lines - room).join("\n"), /SINKS[^]*SOURCES[^]*EVENTS *\n.*listening/);
  assert.match(at(lines - room).at(-1) ?? "", new RegExp(`jk ${lines - room + 1}–${lines} of ${lines}`));
  assert.deepEqual(at(1000).slice(0, -1), at(lines - room).slice(0, -1));
});

test("help names every key and its present value, in the smallest terminal too", () => {
  const view = { ...firstView, help: true, intervalMs: 500, range: "1d" as const };
  for (const [columns, rows] of [
    [40, 15],
    [120, 40],
  ] as const) {
    const text = textOf(columns, rows, { ...frame, view }).join("\n");
    assert.match(
      text,
      /KEYS *\nq +quit.*\n\? .*\n\+ - .*every 0\.5 s.*\nr .*1 d.*\ns .*energy now.*\nj k .*\nspace b .*\ng G .*\n/,
    );
    assert.match(text, /✓ All well/);
  }
});

test("keys give way to where the status comes from, and what was lost to nothing", () => {
  const last = (columns: number, shown = frame): string => textOf(columns, 24, shown).at(-1)?.trim() ?? "";
  assert.equal(
    last(120),
    "q quit  ? keys  +- 1 s  r 10 min  sample 1 s ago  agent 1.2.3  http://127.0.0.1:9127",
  );
  assert.equal(last(40), "q quit  ? keys  http://127.0.0.1:9127");
  assert.equal(last(20), "q quit  ? keys");
  assert.equal(last(40, { ...frame, lost: "connection refused" }), "q quit  LOST: connection refused");
});

test("a heading is never without a line below it, and state and SIMULATED are whole, at any size", () => {
  const machine = { simulated: true, model: "Mac16,8", chip: "Apple M4 Pro", osVersion: "15.5" };
  const sinks = Array.from({ length: 5 }, () => sinkStatus);
  const targets = Array.from({ length: 7 }, () => targetStatus);
  const overall = { level: "warning" as const, problems: ["one", "two"] };
  fc.assert(
    fc.property(
      fc.integer({ min: 40, max: 130 }),
      fc.integer({ min: 8, max: 50 }),
      fc.nat(5),
      (columns, rows, count) => {
        const some = { sinks: sinks.slice(0, count), targets: targets.slice(0, count + 2), overall };
        const status = statusOf({ readings: laptopReadings, machine, ...some });
        const lines = textOf(columns, rows, { ...frame, history, status }).map((line) => line.trimEnd());
        assert.match(lines[0] ?? "", /! Needs attention {2}SIMULATED$/);
        const isHeading = (line = ""): boolean =>
          /^(?:POWER|APPS|CORES|MEMORY|SINKS|SOURCES|TARGETS|EVENTS)\b/.test(line);
        for (const [index, line] of lines.entries())
          if (isHeading(line))
            assert.ok(!isHeading(lines[index + 1]) && index < rows - 2 && lines[index + 1] !== "", line);
      },
    ),
  );
});

test("without a terminal all of it is printed, and no keys", () => {
  const text = plainLines({ ...frame, history }, 80).map((line) => lineText(line, "none").trimEnd());
  assert.ok(text.some((line) => line.startsWith("Chip 10 min")));
  assert.ok(text.some((line) => line.includes("listening")));
  assert.ok(!text.some((line) => line.includes("q quit")));
});
