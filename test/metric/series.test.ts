/** Series sets share what stays the same, and forget what is not seen again. */
import assert from "node:assert/strict";
import test from "node:test";
import { createSeriesSets, labelPairs, type Series, type SeriesSet } from "../../src/metric/series.ts";
import { power } from "../journal/fixtures.ts";

function seriesOf(name: string, count: number): readonly Series[] {
  return Array.from({ length: count }, (_, at) => ({
    metric: power,
    name: power.name,
    labels: labelPairs({ part: `${name}${at}` }),
  }));
}

test("sets that alternate keep their identity", () => {
  const intern = createSeriesSets();
  const [first, second] = [intern(seriesOf("a", 10)), intern(seriesOf("b", 10))];
  assert.equal(intern(seriesOf("a", 10)), first);
  assert.equal(intern(seriesOf("b", 10)), second);
});

test("ever new sets of thousands of series are not kept", () => {
  const intern = createSeriesSets();
  const sets = Array.from({ length: 20 }, (_, at): [string, SeriesSet] => {
    const name = `set${at} `;
    return [name, intern(seriesOf(name, 2000))];
  });
  const kept = sets.reverse().filter(([name, set]) => intern(seriesOf(name, 2000)) === set);
  assert.ok(kept.length <= 5, `${kept.length} of 20 are kept`);
});
