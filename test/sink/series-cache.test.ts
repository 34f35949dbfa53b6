/** What was made of series is kept while it is used, and does not pile up. */
import assert from "node:assert/strict";
import test from "node:test";
import { gauge } from "../../src/metric/metric.ts";
import { labelPairs, seriesSet, type SeriesSet } from "../../src/metric/series.ts";
import { createSeriesCache } from "../../src/sink/series-cache.ts";

const metric = gauge("test_power_watts", "Power of the test", ["core"]);

function setOf(count: number, first = 0): SeriesSet {
  const cores = Array.from({ length: count }, (_, at) => labelPairs({ core: String(first + at) }));
  return seriesSet(cores.map((labels) => ({ metric, name: metric.name, labels })));
}

test("what is in use is made once, whatever its number", () => {
  const cache = createSeriesCache<number, object>();
  const names = Array.from({ length: 3000 }, (_, at) => String(at));
  const set = setOf(names.length);
  let made = 0;
  for (let round = 0; round < 3; round++) {
    cache.ofSet(set, () => ({}));
    for (const name of names) cache.ofSeries(name, () => ++made);
  }
  assert.equal(made, names.length);
});

test("ever new series are forgotten before they are many", () => {
  const cache = createSeriesCache<string | undefined, object>();
  cache.ofSet(setOf(100), () => ({}));
  const kept = new Set<string>();
  for (let at = 0; at < 10_000; at++) cache.ofSeries(String(at), () => undefined);
  for (let at = 0; at < 10_000; at++)
    cache.ofSeries(String(at), () => {
      kept.add(String(at));
      return undefined;
    });
  assert.ok(kept.size >= 9500, String(kept.size));
});

test("a set in use is made once, while ever new ones are forgotten", () => {
  const cache = createSeriesCache<undefined, { readonly turn: number }>();
  const [used, other] = [setOf(1), setOf(1, 1)];
  let made = 0;
  const make = (): { readonly turn: number } => ({ turn: ++made });
  cache.ofSet(other, make);
  for (let at = 2; at < 100; at++) {
    cache.ofSet(setOf(1, at), () => ({ turn: 0 }));
    assert.equal(cache.ofSet(used, make).turn, 2);
  }
  assert.equal(cache.ofSet(other, make).turn, 3);
});

test("of large sets few are kept", () => {
  const cache = createSeriesCache<undefined, object>();
  const sets = [0, 1, 2].map((at) => setOf(40_000, at));
  let made = 0;
  for (const set of sets) cache.ofSet(set, () => ({ made: ++made }));
  for (const set of sets.toReversed()) cache.ofSet(set, () => ({ made: ++made }));
  assert.equal(made, 4);
});
