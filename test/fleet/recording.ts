/**
 * Records what an imitated Mac measures: a minute of the simulator for each kind of Mac, repeated for as long as it takes.
 * Gauges come back each minute; counters go on from where the minute before left them.
 */
import type { SeriesSet } from "../../src/metric/series.ts";
import type { Snapshot } from "../../src/meter/snapshot.ts";
import { pipelinesTo, simulated } from "../bench/workload.ts";

export interface Recording {
  readonly set: SeriesSet;
  /** Values at one step from the start; a step is one interval. */
  valuesAt(step: number): Float64Array;
}

const steps = 60;
/** As many of each as a company might have; 96 series of powermetrics on their mean. */
const kinds = ["m4", "m1", "m4max", "m4", "m3ultra", "intel"] as const;

/** One recording for each kind; host N is of kind N modulo their number. */
export function recordings(intervalMs: number): readonly Recording[] {
  const made = new Map([...new Set(kinds)].map((chip) => [chip, record(chip, intervalMs)]));
  return kinds.flatMap((chip) => made.get(chip) ?? []);
}

function record(chip: string, intervalMs: number): Recording {
  const rows: Snapshot[] = [];
  const pipelines = pipelinesTo((snapshot) => void rows.push(snapshot));
  const start = Date.UTC(2026, 0, 5, 9);
  for (let step = 0; step <= steps; step++) {
    const receivedAt = start + step * intervalMs;
    pipelines.powermetrics.frame({ bytes: simulated({ chip }, receivedAt, step + 1), receivedAt });
  }
  return repeated(rows);
}

/** The last row closes the circle: it is the first one a round later. */
function repeated(rows: readonly Snapshot[]): Recording {
  const [first] = rows;
  const last = rows.at(-1);
  if (first === undefined || last?.set.key !== first.set.key)
    throw new Error("unexpected recording: got another set of series at its end, want one for all of it");
  const { set } = first;
  const rises = Float64Array.from(set.series, ({ metric }, at) =>
    metric.type === "counter" ? (last.values[at] ?? 0) - (first.values[at] ?? 0) : 0,
  );
  return {
    set,
    valuesAt(step) {
      const row = rows[step % steps] ?? first;
      const round = Math.floor(step / steps);
      return row.values.map((value, at) => value + round * (rises[at] ?? 0));
    },
  };
}
