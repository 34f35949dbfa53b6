import assert from "node:assert/strict";
import test from "node:test";
import { parseSamplers } from "../../src/parse/powermetrics.ts";
import { captureText, withCaptures } from "./captures.ts";

test("names come in order, without descriptions, continuation lines or groups", () => {
  const help = [
    "The following sort orders are supported by --order:",
    "",
    "    pid         process identifier",
    "",
    "The following samplers are supported by --samplers:",
    "",
    "    tasks             per task cpu usage",
    "    cpu_power         c-state residency",
    "    ane_power",
    "",
    "and the following sampler groups are supported by --samplers:",
    "",
    "    all           tasks,cpu_power,ane_power",
  ];
  for (const end of ["\n", "\r\n"])
    assert.deepEqual(parseSamplers(help.join(end)), ["tasks", "cpu_power", "ane_power"]);
});

test("a text without the list has no samplers", () => {
  for (const text of [
    "",
    "powermetrics: unrecognized option",
    "The following samplers are supported by --samplers:",
  ])
    assert.deepEqual(parseSamplers(text), []);
});

test("the lists of real machines are those that --help groups as all", withCaptures, () => {
  for (const file of ["powermetrics-help-m1-macos11.2.txt", "powermetrics-help-intel-2021.txt"]) {
    const help = captureText(`other/${file}`);
    const all = /^ +all +(\S+)$/m.exec(help)?.[1]?.split(",");
    assert.deepEqual(parseSamplers(help), all);
    assert.equal(parseSamplers(help).includes("smc"), file.includes("intel"));
  }
});
