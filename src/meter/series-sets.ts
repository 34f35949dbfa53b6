/** Interns series sets: while a source reports the same series, every snapshot shares one object. */
import { seriesSet, type Series, type SeriesSet } from "../metric/series.ts";

/** Sets that alternate (a core that parks, a thermal state that comes and goes) keep their identity up to this many. */
const remembered = 64;

export interface SeriesSets {
  /** The set of these series; the same object while their content is the same. */
  of(series: readonly Series[]): SeriesSet;
}

export function createSeriesSets(): SeriesSets {
  const byKey = new Map<string, SeriesSet>();
  let last: SeriesSet | undefined;

  function intern(series: readonly Series[]): SeriesSet {
    const fresh = seriesSet(series);
    const known = byKey.get(fresh.key) ?? fresh;
    byKey.delete(known.key);
    byKey.set(known.key, known);
    const [oldest] = byKey.keys();
    if (byKey.size > remembered && oldest !== undefined) byKey.delete(oldest);
    return known;
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
