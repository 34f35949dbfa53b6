/** Reads the points of each series out of messages, bit for bit, for tests to compare. */
import { seriesKey, type Series } from "../../../src/metric/series.ts";
import type { Batch } from "../../../src/sink/sink.ts";
import { bitsOf, nanBits, staleBits, type DecodedSeries } from "./messages.ts";

/** Labels as text, with what the sink adds taken away, so that they compare with a series' key. */
function keyOf({ labels }: DecodedSeries): string {
  const added = new Set(["__name__", "instance", "job", "team"]);
  const name = labels.find(([label]) => label === "__name__")?.[1] ?? "";
  return seriesKey({ name, labels: labels.filter(([label]) => !added.has(label)) });
}

export type Points = Record<string, (readonly [time: number, bits: bigint])[]>;

export function pointsOf(decoded: readonly DecodedSeries[]): Points {
  return Object.fromEntries(
    decoded.map((one) => [
      keyOf(one),
      one.samples.map(({ timestamp, value }) => [timestamp, value] as const),
    ]),
  );
}

/** What the batch holds, read in the simplest way. */
export function expectedPoints({ snapshots }: Batch): Points {
  const points: Points = {};
  const add = (one: Series, time: number, bits: bigint): void => {
    (points[seriesKey(one)] ??= []).push([time, bits]);
  };
  for (const { set, values, time, ended } of snapshots) {
    set.series.forEach((one, at) => {
      const value = values[at] ?? NaN;
      add(one, time, Number.isNaN(value) ? nanBits : bitsOf(value));
    });
    for (const one of ended) add(one, time, staleBits);
  }
  return points;
}
