/** Builds the catalogue: every declared metric by name, checked against the rules of the contract. */
import type { Metric } from "./metric.ts";

export type Catalogue = ReadonlyMap<string, Metric>;

/** Throws for a broken rule or a repeated name: a catalogue is code, so a fault in it is a bug. */
export function buildCatalogue(metrics: readonly Metric[]): Catalogue {
  const catalogue = new Map<string, Metric>();
  for (const metric of metrics) {
    const problems = namingProblems(metric);
    if (problems.length > 0) throw new Error(`metric ${metric.name} ${problems.join(", ")}`);
    if (catalogue.has(metric.name)) throw new Error(`metric ${metric.name} must be declared once, got two`);
    catalogue.set(metric.name, metric);
  }
  return catalogue;
}

/** What is wrong with a metric's name, labels or help; empty when it may be published. */
export function namingProblems({ name, type, help, labels }: Metric): readonly string[] {
  const problems: string[] = [];
  if (!/^[a-z][a-z0-9_]*$/.test(name)) problems.push("must be lower snake case");
  if (name.includes("__")) problems.push("must not contain __");
  if (type === "counter" && !name.endsWith("_total")) problems.push("must end in _total, being a counter");
  // Prometheus' OTLP translation removes every token "total" of a counter before it appends one; gauges keep theirs.
  if (type === "counter" && name.split("_").indexOf("total") !== name.split("_").length - 1) {
    problems.push("must have the token total at its end only");
  }
  if (type !== "counter" && name.endsWith("_total"))
    problems.push("must not end in _total, being no counter");
  if (help === "" || help.endsWith(".") || help.includes("\n")) {
    problems.push("must have one sentence of help without a full stop");
  }
  for (const label of labels) {
    if (!/^[a-z][a-z0-9_]*$/.test(label) || label === "job" || label === "instance" || label === "le") {
      problems.push(`must not have a label ${label}`);
    }
  }
  return problems;
}
