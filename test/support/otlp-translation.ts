/**
 * An oracle: the rules by which Prometheus names a metric that came by OTLP (its otlptranslator package), for
 * metrics without a unit, as ours are. Written from the documented behaviour of `otlp.translation_strategy`.
 */
import type { Metric } from "../../src/metric/metric.ts";

export const translationStrategies = [
  "UnderscoreEscapingWithSuffixes",
  "UnderscoreEscapingWithoutSuffixes",
  "NoUTF8EscapingWithSuffixes",
  "NoTranslation",
] as const;

type Strategy = (typeof translationStrategies)[number];

export function translateName(metric: Pick<Metric, "name" | "type">, strategy: Strategy): string {
  switch (strategy) {
    case "UnderscoreEscapingWithSuffixes":
      return withSuffixes(metric);
    case "UnderscoreEscapingWithoutSuffixes":
      return escapeInvalid(metric.name);
    case "NoUTF8EscapingWithSuffixes":
      return metric.type === "counter" && !metric.name.endsWith("_total")
        ? `${metric.name}_total`
        : metric.name;
    case "NoTranslation":
      return metric.name;
  }
}

/** Splits into tokens at everything that is no letter or digit, moves `total` to a counter's end, joins by one underscore. */
function withSuffixes({ name, type }: Pick<Metric, "name" | "type">): string {
  let tokens = name.split(/[^a-zA-Z0-9]+/).filter((token) => token !== "");
  if (type === "counter") tokens = [...tokens.filter((token) => token !== "total"), "total"];
  const joined = tokens.join("_");
  return /^[0-9]/.test(joined) ? `_${joined}` : joined;
}

/** Invalid characters become underscores, runs of underscores one. */
function escapeInvalid(name: string): string {
  const escaped = name.replace(/[^a-zA-Z0-9:_]/g, "_").replace(/_{2,}/g, "_");
  return /^[0-9]/.test(escaped) ? `_${escaped}` : escaped;
}
