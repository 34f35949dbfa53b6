/** Owns what a metric is. A metric is declared beside the code that computes it; everything else derives from the declaration. */

/** The Prometheus types the agent uses; a histogram only ever measures the agent itself. */
export type MetricType = "gauge" | "counter" | "histogram";

/** What a counter counts from: the kernel's boot, or the moment the agent began to add up windows. */
export type CountedSince = "boot" | "agent";

export interface Metric<Label extends string = string> {
  /** Full name, unit included (METRICS.md). */
  readonly name: string;
  readonly type: MetricType;
  /** One sentence, no final full stop; becomes HELP, the README's table and every sink's metadata. */
  readonly help: string;
  readonly labels: readonly Label[];
  readonly since: CountedSince;
}

export function gauge<const Label extends string = never>(
  name: string,
  help: string,
  labels: readonly Label[] = [],
): Metric<Label> {
  return { name, type: "gauge", help, labels, since: "boot" };
}

/** A cumulative count that the kernel keeps since boot. */
export function bootCounter<const Label extends string = never>(
  name: `${string}_total`,
  help: string,
  labels: readonly Label[] = [],
): Metric<Label> {
  return { name, type: "counter", help, labels, since: "boot" };
}

/** A cumulative sum that the agent keeps since it started: of windows, or of its own events. */
export function agentCounter<const Label extends string = never>(
  name: `${string}_total`,
  help: string,
  labels: readonly Label[] = [],
): Metric<Label> {
  return { name, type: "counter", help, labels, since: "agent" };
}

/** A distribution of the agent's own durations. */
export function histogram<const Label extends string = never>(
  name: string,
  help: string,
  labels: readonly Label[] = [],
): Metric<Label> {
  return { name, type: "histogram", help, labels, since: "agent" };
}
