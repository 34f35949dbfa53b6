import assert from "node:assert/strict";
import test from "node:test";
import { parsePmset } from "../../src/parse/pmset.ts";
import type { PmsetSample } from "../../src/parse/sample.ts";
import { captureText, withCaptures } from "./captures.ts";

function read(...texts: string[]): PmsetSample {
  const result = parsePmset(...texts);
  assert.ok(result.ok, result.ok ? "" : result.error.message);
  return result.value;
}

const nothingFound = { unknown: [], implausible: [] };
const battery = (rest: string): string =>
  `Now drawing from 'Battery Power'\n -InternalBattery-0 (id=4653155)\t${rest}\n`;

test("source, state and charge of a laptop are read", () => {
  assert.deepEqual(read(battery("30%; discharging; 7:06 remaining present: true")), {
    powerSource: "Battery Power",
    batteryState: "discharging",
    chargePercent: 30,
    findings: nothingFound,
  });
});

test("every state is taken up to the next semicolon, verbatim", () => {
  const states: [rest: string, state: string][] = [
    ["97%; charged; 0:00 remaining present: true", "charged"],
    ["99%; finishing charge; 0:10 remaining present: true", "finishing charge"],
    ["80%; AC attached; not charging present: true", "AC attached"],
    ["97%; discharging; (no estimate) present: true", "discharging"],
    ["97%; charging present: true", "charging"],
  ];
  for (const [rest, state] of states) assert.equal(read(battery(rest)).batteryState, state);
});

test("a desktop has a source and no battery", () => {
  assert.deepEqual(read("Now drawing from 'AC Power'\n"), {
    powerSource: "AC Power",
    findings: nothingFound,
  });
});

test("the internal battery goes before a UPS, a UPS stands in for none, and an absent one is none", () => {
  const ups = " -Back-UPS ES 850G2 FW:938.a2 .I USB FW:a2 (id=-5000)\t100%; charging present: true\n";
  assert.equal(read(ups + battery("30%; discharging; 7:06 remaining present: true")).chargePercent, 30);
  assert.deepEqual(read(`Now drawing from 'UPS Power'\n${ups}`), {
    powerSource: "UPS Power",
    batteryState: "charging",
    chargePercent: 100,
    findings: nothingFound,
  });
  assert.equal(read(battery("0%; discharging; present: false")).chargePercent, undefined);
});

test("a charge above 100 is withheld", () => {
  const { chargePercent, batteryState, findings } = read(
    battery("6325%; charged; 0:00 remaining present: true"),
  );
  assert.deepEqual(
    [chargePercent, batteryState, findings.implausible],
    [undefined, "charged", ["battery_percent"]],
  );
});

test("settings with blanks in their names, notes and paths are known, and low power mode is read", () => {
  const settings = (mode: string): string =>
    `System-wide power settings:\nCurrently in use:\n Sleep On Power Button 1\n hibernatefile        /var/vm/sleepimage\n sleep                0 (sleep prevented by powerd, coreaudiod)\n lowpowermode         ${mode}\n`;
  assert.deepEqual(read(settings("1")), { powerMode: "low", findings: nothingFound });
  assert.equal(read(settings("0")).powerMode, "automatic");
});

test("a Mac with High Power Mode prints powermode instead of lowpowermode", () => {
  const modes = ["0", "1", "2"].map((value) => read(`Currently in use:\n powermode            ${value}\n`));
  assert.deepEqual(
    modes.map(({ powerMode }) => powerMode),
    ["automatic", "low", "high"],
  );
  assert.equal(read("Currently in use:\n lowpowermode 0\n powermode 2\n").powerMode, "high");
});

test("a power mode of an unknown number is withheld and counted", () => {
  for (const setting of ["lowpowermode", "powermode"]) {
    const { powerMode, findings } = read(`Currently in use:\n ${setting} 7\n`);
    assert.deepEqual([powerMode, findings.implausible], [undefined, [setting]]);
  }
});

test("both outputs may come as two texts or as one", () => {
  const batt = battery("30%; charging; 1:06 remaining present: true");
  const settings = "Currently in use:\n lowpowermode 1\n";
  assert.deepEqual(read(batt, settings), read(batt + settings));
  assert.deepEqual(read(batt, settings).powerMode, "low");
});

test("remarks are let be, and what is not known is found", () => {
  const { findings } = read("No adapter attached.\nNow drawing from 'AC Power'\nsomething new; and odd\n");
  assert.deepEqual(findings.unknown, ["something new; and odd"]);
});

test("nothing, and something else altogether, are errors", () => {
  const empty = parsePmset("", "\n");
  assert.ok(!empty.ok && empty.error.kind === "empty");
  const other = parsePmset("Usage: pmset <options>");
  assert.ok(!other.ok && other.error.kind === "content");
});

test("the outputs of real machines are read whole", withCaptures, () => {
  assert.deepEqual(read(captureText("other/pmset-batt-m1air-macos11.txt")), {
    powerSource: "AC Power",
    batteryState: "charged",
    chargePercent: 100,
    findings: nothingFound,
  });
  assert.deepEqual(read(captureText("other/pmset-g-m4mini-macos26.6_25G229.txt")), {
    powerMode: "automatic",
    findings: nothingFound,
  });
});
