import assert from "node:assert/strict";
import test from "node:test";
import { parseVmStat } from "../../src/parse/vm-stat.ts";
import type { VmStatSample } from "../../src/parse/sample.ts";
import { captureText, withCaptures } from "./captures.ts";

const header = "Mach Virtual Memory Statistics: (page size of 16384 bytes)";

function read(text: string | Buffer): VmStatSample {
  const result = parseVmStat(text);
  assert.ok(result.ok, result.ok ? "" : result.error.message);
  return result.value;
}

const machines = {
  m3ultra: { file: "m3ultra-macos26.3_25D2128-snapshot.txt", pageSize: 16384, lines: 22 },
  intel: { file: "intel_32gb-macos_wazuh_4.8_202402.txt", pageSize: 4096, lines: 22 },
  wide: { file: "applesilicon_32gb_nonmte-macos26plus_wide.txt", pageSize: 16384, lines: 22 },
  m5: { file: "m5_mte_macmini-macos27.0_26A428-1.txt", pageSize: 16384, lines: 22 },
  old: { file: "intel_16gb-macosx10.8_or_older-ohai.txt", pageSize: 4096, lines: 11 },
} as const;

for (const [machine, { file, pageSize, lines }] of Object.entries(machines))
  test(`every line of the ${machine} report is read or known`, withCaptures, () => {
    const { findings, pageSizeBytes, ...counts } = read(captureText(`vm_stat/${file}`));
    assert.equal(pageSizeBytes, pageSize);
    assert.equal(Object.keys(counts).length, lines);
    assert.deepEqual(findings, { unknown: [], implausible: [] });
  });

for (const machine of ["m3ultra", "intel", "wide", "m5"] as const)
  test(`the kinds of pages of the ${machine} report add up`, withCaptures, () => {
    const { file } = machines[machine];
    const { fileBacked, anonymous, active, inactive, speculative, throttled } = read(
      captureText(`vm_stat/${file}`),
    );
    assert.equal(
      Number(fileBacked) + Number(anonymous),
      Number(active) + Number(inactive) + Number(speculative) + Number(throttled),
    );
  });

test("known values of a report come out as they are", withCaptures, () => {
  const sample = read(captureText("vm_stat/m3ultra-macos26.3_25D2128-snapshot.txt"));
  const { faults, copyOnWrite, decompressions, compressions, compressor, compressorOccupied } = sample;
  assert.deepEqual([faults, copyOnWrite, decompressions], [5488725224, 99749569, 512]);
  assert.deepEqual([compressions, compressor, compressorOccupied], [3245, 2733, 610]);
});

test("columns of any width, CRLF, and values without their dot are read", () => {
  const text = `${header}\r\nPages free: 1.\r\n"Translation faults":${" ".repeat(60)}5488725224.\r\nSwapouts:\t3\r\n`;
  assert.deepEqual(read(Buffer.from(text)), {
    pageSizeBytes: 16384,
    free: 1,
    faults: 5488725224,
    swapOuts: 3,
    findings: { unknown: [], implausible: [] },
  });
});

test("a report with its header alone is a sample without counts", () => {
  assert.deepEqual(read(header), { pageSizeBytes: 16384, findings: { unknown: [], implausible: [] } });
});

test("unknown lines and values of another kind are found and cost nothing else", () => {
  const { free, active, findings } = read(
    `${header}\nPages free: 5.\nPages active: 1K.\nPages of the future: 7.\nnonsense\n`,
  );
  assert.deepEqual([free, active], [5, undefined]);
  assert.deepEqual(findings.unknown, ["Pages active: 1K.", "Pages of the future: 7.", "nonsense"]);
});

test("digits that no number of the kernel's has are another kind of value, not infinity", () => {
  const digits = "9".repeat(400);
  const { free, active, findings } = read(`${header}\nPages free: ${digits}.\nPages active: 1.\n`);
  assert.deepEqual([free, active, findings.unknown.length], [undefined, 1, 1]);
  assert.ok(!parseVmStat(`(page size of ${digits} bytes)\nPages free: 1.\n`).ok);
});

const gib = 2 ** 30;
/** Counts of pages of 16 KiB. */
const report = (rows: Readonly<Record<string, number | string>>): string =>
  [header, ...Object.entries(rows).map(([label, value]) => `${label}: ${value}.`)].join("\n");

function readOf(memoryBytes: number | undefined, rows: Parameters<typeof report>[0]): VmStatSample {
  const result = parseVmStat(report(rows), memoryBytes);
  assert.ok(result.ok);
  return result.value;
}

test("pages that the machine's memory has no room for are withheld and named, and cost nothing else", () => {
  const rows = {
    "Pages free": "18446744073709551000",
    "Pages active": 65_536,
    "Pages speculative": 65_537,
    "Anonymous pages": 65_537,
    "Pages purgeable": 65_536,
    "Translation faults": 99_999_999,
  };
  const { free, active, speculative, anonymous, purgeable, faults, findings } = readOf(gib, rows);
  assert.deepEqual([free, speculative, anonymous], [undefined, undefined, undefined]);
  assert.deepEqual([active, purgeable, faults], [65_536, 65_536, 99_999_999]);
  assert.deepEqual(findings.implausible, ["pages_free", "pages_speculative", "anonymous_pages"]);
});

test("kinds of pages that add up to more than the memory are withheld together", () => {
  const rows = { "Pages free": 30_000, "Pages active": 30_000, "Pages wired down": 9_000, Pageins: 1 };
  const { free, active, wired, pageIns, findings } = readOf(gib, rows);
  assert.deepEqual([free, active, wired, pageIns], [undefined, undefined, undefined, 1]);
  assert.deepEqual(findings.implausible, ["pages_free", "pages_active", "pages_wired_down"]);
  const moving = { ...rows, "Pages wired down": 6_000 };
  assert.equal(readOf(gib, moving).free, 30_000, "pages that move between two counters are counted twice");
});

test("the compressor may hold more pages than there is memory, but not without end", () => {
  assert.equal(readOf(gib, { "Pages stored in compressor": 600_000 }).compressor, 600_000);
  const { compressor, findings } = readOf(gib, { "Pages stored in compressor": 5_000_000 });
  assert.deepEqual([compressor, findings.implausible], [undefined, ["pages_stored_in_compressor"]]);
});

test("without the machine's memory the bound is the largest Mac's", () => {
  assert.equal(readOf(undefined, { "Pages active": 1.5 * 64 * 2 ** 20 }).active, 1.5 * 64 * 2 ** 20);
  assert.equal(readOf(undefined, { "Pages active": 3 * 64 * 2 ** 20 }).active, undefined);
});

test("the table of the interval mode is refused with what to do", () => {
  const result = parseVmStat(
    `${header}\n    free   active   specul inactive\n  26450   850962    24144   825913\n`,
  );
  assert.ok(!result.ok);
  assert.equal(result.error.kind, "content");
  assert.match(result.error.message, /run vm_stat without an interval/);
});

test("nothing, and a text without the page size, are errors", () => {
  for (const text of ["", "\n\n"]) {
    const result = parseVmStat(text);
    assert.ok(!result.ok && result.error.kind === "empty");
  }
  for (const text of ["Pages free: 5.", header.replace("16384", "0"), header.replace("16384", "many")]) {
    const result = parseVmStat(text);
    assert.ok(!result.ok && result.error.kind === "content");
    assert.match(result.error.message, /want \(page size of N bytes\)$/);
  }
});
