/** Writes config/prometheus/runbooks.md out of the alerts' annotations: a section an alert, which its `runbook_url` leads to. */
import { parse } from "yaml";
import { z } from "zod";

const rulesSchema = z.object({
  groups: z.array(
    z.object({
      rules: z.array(
        z.object({
          alert: z.string(),
          expr: z.string(),
          for: z.string().optional(),
          labels: z.object({ severity: z.string() }),
          annotations: z.object({ description: z.string(), runbook: z.string() }),
        }),
      ),
    }),
  ),
});

type Alert = z.infer<typeof rulesSchema>["groups"][number]["rules"][number];

const head = `# What to do about each alert

The alerts are in [rules/alerts.yaml](rules/alerts.yaml), with the thresholds, and the addresses of this document and of Grafana, which are yours to set.
A desktop that is meant to sleep gets the label \`may_sleep="yes"\`: by \`global.external_labels\` of its agent where it pushes, by the labels of its target where it is scraped.

<!-- Written by scripts/docs.ts out of the alerts. -->
`;

/** @param alerts the text of alerts.yaml */
export function runbooks(alerts: string): string {
  const { groups } = rulesSchema.parse(parse(alerts));
  return [head, ...groups.flatMap(({ rules }) => rules.map(section))].join("\n");
}

function section({ alert, expr, for: pending, labels, annotations }: Alert): string {
  const since = pending === undefined ? "at once" : `after ${pending}`;
  return `## ${alert}

${annotations.description.trim()}

Severity \`${labels.severity}\`, ${since}:

\`\`\`promql
${expr.trim()}
\`\`\`

${withGap(annotations.runbook.trim())}
`;
}

/** A blank line between text and a list, as Markdown wants it. */
function withGap(text: string): string {
  const isItem = (line = ""): boolean => /^(?:\d+\.|-) /.test(line);
  const lines = text.split("\n");
  return lines
    .flatMap((line, index) => {
      const before = lines[index - 1];
      const starts = before !== undefined && isItem(line) && !isItem(before) && !before.startsWith(" ");
      const ends = isItem(before) && !isItem(line) && !line.startsWith(" ");
      return starts || ends ? ["", line] : [line];
    })
    .join("\n");
}
