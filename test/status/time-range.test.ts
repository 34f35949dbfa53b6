/** Ranges of the past as text, and what is kept of them. */
import assert from "node:assert/strict";
import test from "node:test";
import { boundsOf, parseTimeRange, timeRangeQuery, type TimeRange } from "../../src/status/time-range.ts";

const parse = (query: string) => parseTimeRange(new URLSearchParams(query));
const problemOf = (query: string): string | undefined => {
  const parsed = parse(query);
  return "problem" in parsed ? parsed.problem : undefined;
};

test("a range is a name, two moments with a zone, local times as forms have them, or milliseconds", () => {
  const at = Date.UTC(2026, 0, 31, 8);
  const own = { range: { fromMs: at, toMs: at + 60_000 } };
  assert.deepEqual(parse(""), { range: "10m" });
  assert.deepEqual(parse("range=1d"), { range: "1d" });
  assert.deepEqual(parse("from=2026-01-31T08:00:00Z&to=2026-01-31T08:01:00.000Z"), own);
  assert.deepEqual(parse("from=2026-01-31T09:00%2B01:00&to=2026-01-31T08:01Z"), own);
  assert.deepEqual(parse(`from=${at}&to=${at + 60_000}`), own);
  const local = {
    fromMs: new Date(2026, 0, 31, 8).getTime(),
    toMs: new Date(2026, 0, 31, 8, 0, 5).getTime(),
  };
  assert.deepEqual(parse("from=2026-01-31T08:00&to=2026-01-31T08:00:05"), { range: local });
});

test("what is no range says so", () => {
  assert.equal(problemOf("range=toString"), "range must be one of 10m, 1h, 1d");
  for (const query of [
    "from=1",
    "to=1",
    "from=&to=",
    "from=now&to=later",
    "from=2026-13-41T08:00&to=2",
    "from=-1&to=9",
  ])
    assert.match(problemOf(query) ?? "", /^from and to must be times/, query);
  assert.equal(problemOf("from=5000&to=5999"), "to must be a second or more after from");
});

test("the query of a range is read as the same range", () => {
  const ranges: readonly TimeRange[] = ["1h", { fromMs: 1_000_000, toMs: 2_000_001 }];
  for (const range of ranges) assert.deepEqual(parse(timeRangeQuery(range)), { range });
  assert.equal(
    timeRangeQuery({ fromMs: 0, toMs: 60_000 }),
    "from=1970-01-01T00:00:00Z&to=1970-01-01T00:01:00Z",
  );
});

test("an own range is cut to what is kept, and one of which nothing is kept stays", () => {
  const kept = { nowMs: 900_000, oldestMs: 100_000 };
  assert.deepEqual(boundsOf("10m", kept.nowMs, kept.oldestMs), { fromMs: 300_000, toMs: 900_000 });
  const cut = (fromMs: number, toMs: number) => boundsOf({ fromMs, toMs }, kept.nowMs, kept.oldestMs);
  assert.deepEqual(cut(0, 1e15), { fromMs: 100_000, toMs: 900_000 });
  assert.deepEqual(cut(200_000, 300_000), { fromMs: 200_000, toMs: 300_000 });
  assert.deepEqual(cut(0, 50_000), { fromMs: 0, toMs: 50_000 });
  assert.deepEqual(cut(1_000_000, 2_000_000), { fromMs: 1_000_000, toMs: 2_000_000 });
});
