/** Draws the activity of cores in a grid. */
import type { CoreReading } from "../../status/status.ts";
import { hertz, percent } from "../../status/view.ts";
import { bar, fit, span, title, type Line } from "./line.ts";

export const coresTitle: Line = [...title("CORES"), span("  a full bar is 100 %", "dim")];

export interface CoreLayout {
  readonly width: number;
  readonly line: (core: CoreReading) => Line;
}

/** With its frequency. */
export const roomy: CoreLayout = {
  width: 38,
  line: (core) => [
    ...briefLine(core),
    span((core.frequencyHz === undefined ? "" : hertz(core.frequencyHz)).padStart(10), "dim"),
  ],
};
export const brief: CoreLayout = {
  width: 24,
  line: (core) => [...briefLine(core)].filter((_, index) => index !== 1),
};

/** In as many columns as fit, downwards first, as people count. */
export function gridLines(
  cores: readonly CoreReading[],
  columns: number,
  { width, line }: CoreLayout,
): readonly Line[] {
  const across = Math.max(1, Math.floor((columns + 2) / (width + 2)));
  const down = Math.ceil(cores.length / across);
  return Array.from({ length: down }, (_, row): Line =>
    Array.from({ length: across }, (__, column) => cores[column * down + row]).flatMap((core) =>
      core === undefined ? [] : [...fit(line(core), width), span("  ")],
    ),
  );
}

function briefLine({ core, cluster, activePercent }: CoreReading): Line {
  const active = activePercent ?? 0;
  return [
    span(core.padEnd(6)),
    span(
      (cluster ?? "")
        .replace(/-Cluster$/, "")
        .slice(0, 3)
        .padEnd(4),
      "dim",
    ),
    span(bar(active / 100, 10), active > 80 ? "warning" : "ok"),
    span((activePercent === undefined ? "–" : percent(active)).padStart(7), "strong"),
  ];
}
