/** Reads a snapshot in tests by the series' text, as a scrape would show it. */
import { seriesKey } from "../../src/metric/series.ts";
import type { Snapshot } from "../../src/meter/snapshot.ts";

/** `{ 'name{a="b"}': value }` */
export function valuesOf({ set, values }: Pick<Snapshot, "set" | "values">): Record<string, number> {
  return Object.fromEntries(set.series.map((series, index) => [seriesKey(series), values[index] ?? NaN]));
}

export function endedOf({ ended }: Snapshot): readonly string[] {
  return ended.map(seriesKey);
}
