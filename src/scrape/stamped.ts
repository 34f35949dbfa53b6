/**
 * Samples with a timestamp of their own, as snapshots. All samples of a snapshot have one time, and a source's times only rise; so
 * samples are grouped by their times, and where times of one scrape lie before those of an earlier one, another lane takes them:
 *
 *     scrape 1:  a@100  b@ 50          lane 0:  b@50  a@100         a@200
 *     scrape 2:  a@200  b@ 90   ──►    lane 1:                b@90
 *
 * What has not changed since the last scrape has its time still, and is not taken again.
 */
import { stampedSource, type Snapshot } from "../meter/snapshot.ts";
import { seriesSet, type Series } from "../metric/series.ts";

/** One of many containers whose times differ; more lanes than this no exporter needs. */
const mostLanes = 16;

export interface StampedSample {
  readonly series: Series;
  readonly value: number;
  /** Milliseconds since the Unix epoch. */
  readonly time: number;
}

export interface StampedLanes {
  /** The samples as snapshots; `late` of them came before what their series had already, or found no lane. */
  take(
    samples: readonly StampedSample[],
    starts: Snapshot["starts"],
  ): { readonly snapshots: readonly Snapshot[]; readonly late: number };
}

/**
 * One a target.
 *
 * @param target its name
 * @param lastTimeOf of a source, where an earlier process or configuration reported it: what is older would be refused
 */
export function createStampedLanes(
  target: string,
  lastTimeOf: (source: string) => number | undefined,
): StampedLanes {
  const lanes: { readonly source: string; time: number }[] = [];
  /** By series; forgotten with the series. */
  const lastTimes = new WeakMap<Series, number>();

  function laneFor(time: number): { readonly source: string; time: number } | undefined {
    const free = lanes.find((lane) => lane.time < time);
    if (free !== undefined || lanes.length === mostLanes) return free;
    const source = stampedSource(target, lanes.length);
    lanes.push({ source, time: lastTimeOf(source) ?? -Infinity });
    return laneFor(time);
  }

  return {
    take(samples, starts) {
      const snapshots: Snapshot[] = [];
      let late = 0;
      const fresh = samples.filter(({ series, time }) => {
        const last = lastTimes.get(series) ?? -Infinity;
        if (time < last) late++;
        return time > last;
      });
      const byTime = [...Map.groupBy(fresh, ({ time }) => time)].sort(([a], [b]) => a - b);
      for (const [time, group] of byTime) {
        const lane = laneFor(time);
        if (lane === undefined) {
          late += group.length;
          continue;
        }
        lane.time = time;
        for (const { series } of group) lastTimes.set(series, time);
        snapshots.push({
          source: lane.source,
          time,
          starts,
          set: seriesSet(group.map(({ series }) => series)),
          values: Float64Array.from(group, ({ value }) => value),
          ended: [],
        });
      }
      return { snapshots, late };
    },
  };
}
