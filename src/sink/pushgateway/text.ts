/** Writes the body of a push: the latest snapshots in the text format 0.0.4, each family in one piece. */
import type { Metric } from "../../metric/metric.ts";
import { escapeLabelValue, type LabelPair, type Series } from "../../metric/series.ts";
import { familyHead, formatValue } from "../../metric/text.ts";
import { isScraped, type Snapshot } from "../../meter/snapshot.ts";

interface Text {
  readonly text: string;
  readonly samples: number;
  /** Samples whose series another source has too. */
  readonly duplicates: number;
}

/** Labels of the group are not repeated: the Pushgateway adds them to every series. */
interface TextLabels {
  readonly group: ReadonlySet<string>;
  readonly external: readonly LabelPair[];
}

/** Without timestamps, which a Pushgateway refuses. Empty when there is nothing to push. */
export function pushText(snapshots: readonly Snapshot[], labels: TextLabels): Text {
  const families = new Map<string, Family>();
  let duplicates = 0;
  for (const { source, set, values } of snapshots) {
    // A group is one machine's latest values: what was scraped has a job of its own, and a history that a Pushgateway can't keep.
    if (isScraped(source)) continue;
    for (const [index, series] of set.series.entries()) {
      const key = wireKey(series, labels);
      const family = familyOf(series.metric, families);
      if (family.lines.has(key)) duplicates++;
      else family.lines.set(key, formatValue(values[index] ?? NaN));
    }
  }
  let text = "";
  let samples = 0;
  for (const { metric, lines } of families.values()) {
    text += familyHead(metric);
    for (const [key, value] of lines) text += `${key} ${value}\n`;
    samples += lines.size;
  }
  return { text, samples, duplicates };
}

interface Family {
  readonly metric: Metric;
  readonly lines: Map<string, string>;
}

function familyOf(metric: Metric, families: Map<string, Family>): Family {
  const family = families.get(metric.name) ?? { metric, lines: new Map<string, string>() };
  families.set(metric.name, family);
  return family;
}

/** A series' own label wins over an external one, and the group's over both. */
function wireKey({ name, labels }: Series, { group, external }: TextLabels): string {
  const own = new Set(labels.map(([label]) => label));
  const all = [...labels, ...external.filter(([label]) => !own.has(label))].filter(
    ([label, value]) => value !== "" && !group.has(label),
  );
  if (all.length === 0) return name;
  return `${name}{${all.map(([label, value]) => `${label}="${escapeLabelValue(value)}"`).join(",")}}`;
}
