import assert from "node:assert/strict";
import test from "node:test";
import { parseSysctl } from "../../src/parse/sysctl.ts";
import type { SysctlSample } from "../../src/parse/sample.ts";
import { captureText, withCaptures } from "./captures.ts";

function read(text: string): SysctlSample {
  const result = parseSysctl(text);
  assert.ok(result.ok, result.ok ? "" : result.error.message);
  return result.value;
}

const nothingFound = { unknown: [], implausible: [] };

test("memory, swap, boot time and pressure are read", () => {
  const text = [
    "vm.swapusage: total = 2048.00M  used = 554.62M  free = 1493.38M  (encrypted)",
    "hw.memsize: 34359738368",
    "kern.boottime: { sec = 978307216, usec = 500000 } Sun Dec 31 19:00:16 2000",
    "kern.memorystatus_vm_pressure_level: 2",
  ].join("\n");
  assert.deepEqual(read(text), {
    swapTotalBytes: 2 ** 31,
    swapUsedBytes: Math.round(554.62 * 2 ** 20),
    swapFreeBytes: Math.round(1493.38 * 2 ** 20),
    memoryBytes: 34359738368,
    bootTimeMs: 978307216500,
    memoryPressureLevel: 2,
    findings: nothingFound,
  });
});

test("load averages, chip and version of macOS are read", () => {
  const text = [
    "vm.loadavg: { 1.41 1.52 1.60 }",
    "machdep.cpu.brand_string: Apple M4 Pro",
    "kern.osproductversion: 15.5",
  ].join("\n");
  assert.deepEqual(read(text), {
    loadAverages: { one: 1.41, five: 1.52, fifteen: 1.6 },
    chip: "Apple M4 Pro",
    osVersion: "15.5",
    findings: nothingFound,
  });
});

test("load averages of another shape are reported as unknown", () => {
  assert.deepEqual(read("vm.loadavg: { many }\nhw.memsize: 8589934592").findings.unknown, ["vm.loadavg"]);
});

test("a name that the system does not have leaves the others", () => {
  assert.deepEqual(read("hw.memsize: 8589934592\n"), { memoryBytes: 2 ** 33, findings: nothingFound });
});

test("swap in any unit, and a decimal comma, are bytes", () => {
  const { swapTotalBytes, swapUsedBytes, swapFreeBytes } = read(
    "vm.swapusage: total = 1.50G  used = 1024,00K  free = 0.00T",
  );
  assert.deepEqual([swapTotalBytes, swapUsedBytes, swapFreeBytes], [1.5 * 2 ** 30, 2 ** 20, 0]);
});

test("memory beyond any Mac's, and swap beyond its own total, are withheld", () => {
  const { memoryBytes, swapTotalBytes, swapUsedBytes, swapFreeBytes, findings } = read(
    "hw.memsize: 18446744073709551615\nvm.swapusage: total = 2.00G  used = 3.00G  free = 17592186044416.00M",
  );
  assert.deepEqual(
    [memoryBytes, swapTotalBytes, swapUsedBytes, swapFreeBytes],
    [undefined, 2 ** 31, undefined, undefined],
  );
  assert.deepEqual(findings, { unknown: [], implausible: ["memory_size", "swap_used", "swap_free"] });
});

test("a pressure that the kernel does not have is withheld", () => {
  assert.deepEqual(read("kern.memorystatus_vm_pressure_level: 3").findings, {
    unknown: [],
    implausible: ["memory_pressure_level"],
  });
});

test("values of another shape and other names are found", () => {
  assert.deepEqual(read("hw.memsize: 1\nhw.memsize: plenty\nvm.swapusage: none\nkern.ostype: Darwin\n???"), {
    memoryBytes: 1,
    findings: { unknown: ["hw.memsize", "vm.swapusage", "kern.ostype", "???"], implausible: [] },
  });
});

test("digits that no number of the kernel's has are another shape, not infinity", () => {
  const digits = "9".repeat(400);
  const text = [
    `vm.swapusage: total = 1.00M  used = ${digits}  free = 0.${digits}G`,
    `hw.memsize: ${digits}`,
    `kern.boottime: { sec = ${digits}, usec = 0 }`,
  ].join("\n");
  assert.deepEqual(read(text), {
    swapTotalBytes: 2 ** 20,
    findings: { unknown: ["hw.memsize", "kern.boottime"], implausible: [] },
  });
  assert.deepEqual(read(`hw.memsize: ${2n ** 64n - 1n}`).findings.implausible, ["memory_size"]);
});

test("the front of a number, and a number behind the end of another name, are not taken for it", () => {
  const text = [
    "vm.swapusage: total = 4.00M  un-used = 3.00M  free = 1.00Mx",
    "kern.boottime: { sec = 1767209152, usec = 2A99561 } Wed",
    "kern.boottime: { usec = 5, usec = 299561 } Wed",
  ].join("\n");
  assert.deepEqual(read(text), {
    swapTotalBytes: 4 * 2 ** 20,
    findings: { unknown: ["kern.boottime"], implausible: [] },
  });
});

test("nothing, and something else altogether, are errors", () => {
  const empty = parseSysctl("");
  assert.ok(!empty.ok && empty.error.kind === "empty");
  const other = parseSysctl("usage: sysctl [-bdehiNnoqx]");
  assert.ok(!other.ok && other.error.kind === "content");
});

test("swap of a real machine is read", withCaptures, () => {
  const [line = ""] = captureText("other/sysctl-swapusage_top-macos27.0_26A428.txt").split("\n");
  const { swapTotalBytes = NaN, swapUsedBytes = NaN, swapFreeBytes = NaN } = read(line);
  assert.equal(swapTotalBytes, 10240 * 2 ** 20);
  assert.ok(Math.abs(swapUsedBytes + swapFreeBytes - swapTotalBytes) <= 1);
});
