/** Draws what `top` shows of scrape targets. */
import type { Status, TargetStatus } from "../../status/status.ts";
import { ago, count, duration, targetsText, targetWords } from "../../status/view.ts";
import { firstThatFits, span, titled, type Line } from "./line.ts";

/** A line each, or one for all where these would be too many. */
export function targetLines({ targets = [], time }: Status, columns: number, most: number): readonly Line[] {
  if (targets.length === 0) return [];
  if (targets.length > most) return [allTargetsLine(targets, columns)];
  const lines = targets.map((target) => targetLine(target, time, columns));
  return titled("TARGETS", lines);
}

/** How many are up, and of the others the first. */
function allTargetsLine(targets: readonly TargetStatus[], columns: number): Line {
  const all = `targets ${targetsText(targets)}`;
  const [first, ...others] = targets.filter(({ up }) => up === false);
  if (first === undefined) {
    const isKnown = targets.every(({ up }) => up === true);
    return [isKnown ? span("✓ ", "ok") : span("… ", "starting"), span(all)];
  }
  const name = `${first.job} at ${first.instance}`;
  const more = others.length === 0 ? "" : ` (and ${others.length} more)`;
  const reason = first.lastFailure?.reason ?? "down";
  const cause = reason.split(": ").at(-1) ?? reason;
  const lines = [
    `: ${name} ${reason}${more}`,
    `: ${name} ${cause}${more}`,
    `: ${name}${more}`,
    `: ${first.job}${more}`,
    "",
  ].map((rest) => [span("! ", "warning"), span(`${all}${rest}`)]);
  return firstThatFits(lines, columns);
}

/** Figures give way to the name, and they to why it is down. */
function targetLine(target: TargetStatus, now: number, columns: number): Line {
  const { job, instance, lastScrape, durationMs, series, lastFailure } = target;
  const { sign, words, level } = targetWords(target);
  const figures = [
    ...(level === "failing" && lastFailure ? [lastFailure.reason] : []),
    ...(level === "ok" && series !== undefined ? [`${count(series)} series`] : []),
    ...(level === "ok" && durationMs !== undefined ? [duration(durationMs)] : []),
    ...(lastScrape === undefined ? [] : [ago(lastScrape, now)]),
  ];
  const lines = figures
    .map((_, index) => figures.slice(0, figures.length - index))
    .concat([[]])
    .map((some) => [
      span(`${sign} ${words}  `, level),
      span(`${job} `),
      span(`${instance}  `, "dim"),
      span(some.join(" · ")),
    ]);
  return firstThatFits(lines, columns);
}
