/** What a metric is. A metric is declared beside the code that computes it; everything else derives from the declaration. */

/** The Prometheus types the agent uses; a histogram only ever measures the agent itself. */
export type MetricType = "gauge" | "counter" | "histogram";

/** What a counter counts from: the kernel's boot, the moment the agent began to add up windows, or a moment that nobody reports. */
export type CountedSince = "boot" | "agent" | "unknown";

export interface Metric<Label extends string = string> {
  /** Full name, unit included. */
  readonly name: string;
  readonly type: MetricType;
  /** One sentence, no final full stop; becomes HELP, the README's table and every sink's metadata. */
  readonly help: string;
  readonly labels: readonly Label[];
  readonly since: CountedSince;
}

/** Without labels the third argument is left out; NoInfer keeps the call site's context from widening the label type. */
type Declare<Name extends string = string> = <const Label extends string = never>(
  name: Name,
  help: string,
  labels?: readonly Label[],
) => Metric<NoInfer<Label>>;

function declare<Name extends string>(type: MetricType, since: CountedSince): Declare<Name> {
  return (name, help, labels = []) => ({ name, type, help, labels, since });
}

export const gauge: Declare = declare("gauge", "boot");

/** A cumulative count that the kernel keeps since boot. */
export const bootCounter: Declare<`${string}_total`> = declare("counter", "boot");

/** A cumulative count of a device that says nothing of when it began; some outlive a boot. */
export const deviceCounter: Declare<`${string}_total`> = declare("counter", "unknown");

/** A cumulative sum that the agent keeps since it started: of windows, or of its own events. */
export const agentCounter: Declare<`${string}_total`> = declare("counter", "agent");

/** A distribution of the agent's own durations. */
export const histogram: Declare = declare("histogram", "agent");
