/** Caches what sinks make of series. Programs come and go all day, so what is unused is dropped. */
import type { SeriesSet } from "../metric/series.ts";
import { createBoundedMap } from "../runtime/bounded-map.ts";

export interface SeriesCache<OfSeries, OfSet> {
  /** What was made of a series before, or makes it. */
  ofSeries(key: string, make: () => OfSeries): OfSeries;
  /** The same for a set, whose series are in use from here on. */
  ofSet(set: SeriesSet, make: () => OfSet): OfSet;
}

/** Kept whatever is in use: a few hundred take a hundred kilobytes. */
const leastSeries = 500;
/** For each that is in use. Beyond that all are dropped, and those in use are made again, which takes a millisecond. */
const seriesForEachInUse = 4;
/** Sets with ever new tasks must not fill the memory; one that was dropped costs a millisecond. */
const mostSets = 16;
/** Of all sets together, where targets have tens of thousands. */
const mostInSets = 100_000;

export function createSeriesCache<OfSeries, OfSet extends object>(): SeriesCache<OfSeries, OfSet> {
  const series = new Map<string, { readonly made: OfSeries }>();
  const sets = createBoundedMap<string, { readonly made: OfSet; readonly size: number }>(
    mostInSets,
    ({ size }) => Math.max(size, mostInSets / mostSets),
  );
  let mostSeries = leastSeries;
  return {
    ofSeries(key, make) {
      const known = series.get(key);
      if (known !== undefined) return known.made;
      if (series.size >= mostSeries) series.clear();
      const made = make();
      series.set(key, { made });
      return made;
    },
    ofSet(set, make) {
      mostSeries = Math.max(mostSeries, seriesForEachInUse * set.series.length);
      return sets.getOrMake(set.key, () => ({ made: make(), size: set.series.length })).made;
    },
  };
}

/** What was made of an object before, or makes it; for as long as the object lives. */
export function remembered<Key extends object, Made>(make: (key: Key) => Made): (key: Key) => Made {
  const known = new WeakMap<Key, Made>();
  return (key) => {
    const before = known.get(key);
    if (before !== undefined) return before;
    const made = make(key);
    known.set(key, made);
    return made;
  };
}
