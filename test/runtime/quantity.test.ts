/** Durations and sizes as people write them. */
import assert from "node:assert/strict";
import test from "node:test";
import fc from "../support/property.ts";
import { parseDuration, formatSize, parseSize } from "../../src/runtime/quantity.ts";
import { durationSetting, sizeSetting } from "../../src/runtime/setting.ts";

test("a Prometheus duration becomes milliseconds", () => {
  const cases: readonly (readonly [string, number])[] = [
    ["0", 0],
    ["0s", 0],
    ["100ms", 100],
    ["30s", 30_000],
    ["1m30s", 90_000],
    ["5m", 300_000],
    ["1h30m5s7ms", 5_405_007],
    ["7d", 604_800_000],
    ["2w", 1_209_600_000],
    ["1y", 31_536_000_000],
  ];
  for (const [text, ms] of cases) assert.equal(parseDuration(text), ms, text);
});

test("anything else than a Prometheus duration is refused", () => {
  for (const text of [
    "",
    "5",
    "-5s",
    "1.5s",
    "5 s",
    " 5s",
    "5S",
    "30s1m",
    "1s1s",
    "1e3s",
    "s",
    "ms",
    "5ms3s",
    "infinity",
    "99999999999y",
  ]) {
    assert.equal(parseDuration(text), undefined, text);
  }
});

test("a size counts in powers of 1024, as Prometheus' sizes do", () => {
  const cases: readonly (readonly [string, number])[] = [
    ["0", 0],
    ["512B", 512],
    ["1KB", 1024],
    ["256MB", 268_435_456],
    ["1MiB", 1_048_576],
    ["2GB", 2_147_483_648],
    ["1TiB", 1_099_511_627_776],
  ];
  for (const [text, bytes] of cases) assert.equal(parseSize(text), bytes, text);
});

test("anything else than a size is refused", () => {
  for (const text of ["", "5", "-1MB", "1.5MB", "1 MB", "1mb", "1M", "1BiB", "1iB", "99999999999TB"]) {
    assert.equal(parseSize(text), undefined, text);
  }
});

test("formatting and parsing of sizes agree for every whole number", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), (value) => {
      assert.equal(parseSize(formatSize(value)), value);
    }),
  );
  assert.equal(formatSize(268_435_456), "256MB");
  assert.equal(formatSize(1000), "1000B");
});

test("a setting turns text into a number and says the rule and the value when it can't", () => {
  assert.equal(durationSetting().parse("1m30s"), 90_000);
  assert.equal(durationSetting().prefault("15s").parse(undefined), 15_000);
  assert.equal(sizeSetting().parse("1MB"), 1_048_576);
  assert.deepEqual(
    durationSetting()
      .safeParse("1.5s")
      .error?.issues.map(({ message }) => message),
    ['must be a duration such as 30s, 1m30s or 100ms, got "1.5s"'],
  );
  assert.deepEqual(
    sizeSetting()
      .safeParse(7)
      .error?.issues.map(({ message }) => message),
    ["must be a size such as 256MB or 512KB, got 7"],
  );
  assert.equal(durationSetting().safeParse("99999999999y").success, false);
});
