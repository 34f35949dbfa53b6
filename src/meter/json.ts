/** Writes a snapshot as JSON, for scripts: `--format json` and `jsonl`, the journal's export. */
import type { Snapshot } from "./snapshot.ts";

export interface JsonSnapshot {
  readonly source: string;
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly samples: readonly JsonSample[];
}

interface JsonSample {
  readonly name: string;
  readonly type: string;
  readonly labels: Readonly<Record<string, string>>;
  /** A number; NaN and the infinities, which JSON lacks, as Prometheus writes them. */
  readonly value: number | "NaN" | "+Inf" | "-Inf";
}

export function jsonSnapshot({ source, time, set, values }: Snapshot): JsonSnapshot {
  return {
    source,
    time: new Date(time).toISOString(),
    samples: set.series.map(({ name, metric, labels }, index) => ({
      name,
      type: metric.type,
      labels: Object.fromEntries(labels),
      value: jsonValue(values[index] ?? NaN),
    })),
  };
}

function jsonValue(value: number): JsonSample["value"] {
  if (Number.isFinite(value)) return value;
  if (Number.isNaN(value)) return "NaN";
  return value > 0 ? "+Inf" : "-Inf";
}
