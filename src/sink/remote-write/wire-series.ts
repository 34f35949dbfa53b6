/**
 * Turns a series into its labels on the wire: identity, relabelling, byte order, and the cache of it all.
 *
 *     Series ── identity ── relabel ── sort ──► WireSeries      once per series, however many samples it has
 *     SeriesSet ──────────────────────────────► columns         once per set, however many snapshots share it
 */
import type { Metric } from "../../metric/metric.ts";
import { seriesKey, type LabelPair, type Series, type SeriesSet } from "../../metric/series.ts";
import { createBoundedMap } from "../../runtime/bounded-map.ts";
import { identifiedLabels, type Identity } from "../identity.ts";
import { createKnownSeries } from "../known-series.ts";
import type { Relabel } from "../relabel/apply.ts";

export interface WireSeries {
  readonly metric: Metric;
  /** Identity before relabelling: two of them may end up with the same labels, which only one may use. */
  readonly origin: string;
  /** Identity on the wire. */
  readonly key: string;
  /** Sorted by the bytes of their names, `__name__` included, none empty. */
  readonly labels: readonly LabelPair[];
}

export interface SeriesIndex {
  /** One entry for each series of the set; undefined where relabelling dropped it. */
  columns(set: SeriesSet): readonly (WireSeries | undefined)[];
  find(series: Series): WireSeries | undefined;
}

/** Sets with ever new tasks must not fill the memory; a set that fell out costs a millisecond. */
const mostSets = 16;

export function createSeriesIndex(identity: Identity, relabel: Relabel): SeriesIndex {
  const sets = createBoundedMap<string, readonly (WireSeries | undefined)[]>(mostSets);
  const known = createKnownSeries<WireSeries | undefined>();

  function find(series: Series): WireSeries | undefined {
    const origin = `${series.metric.type} ${seriesKey(series)}`;
    return known.get(origin, () => toWire(series, origin, identity, relabel));
  }

  return {
    find,
    columns(set) {
      known.inUse(set.series.length);
      return sets.getOrMake(set.key, () => set.series.map(find));
    },
  };
}

function toWire(
  series: Series,
  origin: string,
  identity: Identity,
  relabel: Relabel,
): WireSeries | undefined {
  const relabelled = relabel(identifiedLabels(series, identity));
  if (relabelled === undefined) return undefined;
  const labels = [...relabelled].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return { metric: series.metric, origin, key: JSON.stringify(labels), labels };
}
