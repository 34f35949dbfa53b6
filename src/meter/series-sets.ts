/** Interns series sets: while a source reports the same series, every snapshot shares one object. */
import { seriesSet, type Series, type SeriesSet } from "../metric/series.ts";
import { createBoundedMap } from "../runtime/bounded-map.ts";

/** Sets that alternate (a core that parks, a thermal state that comes and goes) keep their identity up to this many. */
const remembered = 64;

export interface SeriesSets {
  /** The set of these series; the same object while their content is the same. */
  of(series: readonly Series[]): SeriesSet;
}

export function createSeriesSets(): SeriesSets {
  const byKey = createBoundedMap<string, SeriesSet>(remembered);
  let last: SeriesSet | undefined;

  function intern(series: readonly Series[]): SeriesSet {
    const fresh = seriesSet(series);
    return byKey.getOrMake(fresh.key, () => fresh);
  }

  return {
    of(series) {
      if (last === undefined || !sameSeries(last.series, series)) last = intern(series);
      return last;
    },
  };
}

function sameSeries(a: readonly Series[], b: readonly Series[]): boolean {
  return a.length === b.length && a.every((series, index) => series === b[index]);
}
