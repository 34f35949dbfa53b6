/**
 * What a metric is. A metric of our own is declared beside the code that computes it, and everything else derives from the
 * declaration; one of a scraped target is what the target says of it.
 */

/** The types of our own metrics; a histogram only ever measures the agent itself. */
type DeclaredType = "gauge" | "counter" | "histogram";

/** The types that OpenMetrics 1.0 has; `unknown` is "untyped" in Prometheus' text format. Other types than ours are only scraped. */
export type MetricType = DeclaredType | "summary" | "unknown" | "info" | "stateset" | "gaugehistogram";

/**
 * What a counter counts from: the kernel's boot; the moment the agent began to add up windows, or of what is scraped the start of the
 * target's process; or a moment that nobody reports.
 */
export type CountedSince = "boot" | "agent" | "unknown";

export interface Metric<Label extends string = string> {
  /** Full name, unit included. */
  readonly name: string;
  readonly type: MetricType;
  /** One sentence, no final full stop; becomes HELP, the table in METRICS.md and every sink's metadata. */
  readonly help: string;
  readonly labels: readonly Label[];
  readonly since: CountedSince;
  /** Absent in our own, where the name has it. */
  readonly unit?: string;
  /** Set where a scraped target declares it, and the catalogue does not. */
  readonly scraped?: true;
}

/** Without labels the third argument is left out; NoInfer keeps the call site's context from widening the label type. */
type Declare<Name extends string = string> = <const Label extends string = never>(
  name: Name,
  help: string,
  labels?: readonly Label[],
) => Metric<NoInfer<Label>>;

function declare<Name extends string>(type: DeclaredType, since: CountedSince): Declare<Name> {
  return (name, help, labels = []) => ({ name, type, help, labels, since });
}

export const gauge: Declare = declare("gauge", "boot");

/** Whether its values grow from a start on: what the start of a counter is sent for. */
export function isCumulative({ type }: Pick<Metric, "type">): boolean {
  return type === "counter" || type === "histogram" || type === "summary";
}

/** A metric as a scraped target declares it; its counters count from the start of the target's process. */
export function scrapedMetric(declared: Pick<Metric, "name" | "type" | "help"> & { unit: string }): Metric {
  return { ...declared, labels: [], since: "agent", scraped: true };
}

/** A cumulative count that the kernel keeps since boot. */
export const bootCounter: Declare<`${string}_total`> = declare("counter", "boot");

/** A cumulative count of a device that says nothing of when it began; some outlive a boot. */
export const deviceCounter: Declare<`${string}_total`> = declare("counter", "unknown");

/** A cumulative sum that the agent keeps since it started: of windows, or of its own events. */
export const agentCounter: Declare<`${string}_total`> = declare("counter", "agent");

/** A distribution of the agent's own durations. */
export const histogram: Declare = declare("histogram", "agent");
