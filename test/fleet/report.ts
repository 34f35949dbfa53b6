/** Prints the table of what the phases showed, a column each. */
import type { PhaseResult } from "./phase.ts";
import { percentile } from "./tally.ts";
import { count, counts, digits, exact, megabytes } from "./words.ts";

const rows: readonly (readonly [string, (result: PhaseResult) => string])[] = [
  ["Macs", ({ phase }) => String(phase.hosts)],
  ["seconds", ({ seconds }) => seconds.toFixed(0)],
  ["requests/s", ({ tallies, seconds }) => (tallies.requests / seconds).toFixed(1)],
  ["samples/s", (result) => count(samplesPerSecond(result))],
  ["bytes/sample", ({ tallies }) => (tallies.bytes / tallies.answered).toFixed(1)],
  ["request p50 · p90 · p99, ms", ({ tallies }) => percentiles(tallies.latencies, 1)],
  ["age of live data at delivery p50 · p90 · p99, s", ({ tallies }) => percentiles(tallies.ages, 1000)],
  [
    "requests that delivered nothing",
    ({ tallies }) => (tallies.errors.size === 0 ? "0" : counts(tallies.errors)),
  ],
  ["went to sleep and came back", ({ sleeps }) => String(sleeps)],
  ["backlog at the start, samples", ({ backlog }) => count(backlog.all)],
  ["of it still waiting at the end", ({ backlog }) => share(backlog.left, backlog.all)],
  ["samples delivered, each counted once", ({ tallies }) => exact(tallies.sent)],
  ["receiver: samples stored, as it says", ({ receiver }) => told(receiver.stored, exact)],
  ["receiver: cores", ({ receiver }) => told(receiver.cores, digits)],
  ["receiver: memory at most", ({ receiver }) => told(receiver.rssBytes, megabytes)],
  ["all Macs here: cores · memory", ({ own }) => `${own.cores.toFixed(2)} · ${megabytes(own.rssBytes)}`],
];

/** Markdown. */
export function phaseTable(results: readonly PhaseResult[]): string {
  const head = ["", ...results.map(({ phase }) => phase.title)];
  const body = rows.map(([name, tell]) => [name, ...results.map(tell)]);
  return [head, head.map(() => "---"), ...body].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

export function samplesPerSecond({ tallies, seconds }: Pick<PhaseResult, "tallies" | "seconds">): number {
  return tallies.answered / seconds;
}

function percentiles(values: readonly number[], unit: number): string {
  if (values.length === 0) return "none";
  return [0.5, 0.9, 0.99].map((one) => (percentile(values, one) / unit).toFixed(1)).join(" · ");
}

function share(part: number, whole: number): string {
  return whole === 0 ? "none" : `${((100 * part) / whole).toFixed(1)} %`;
}

function told(value: number | undefined, tell: (value: number) => string): string {
  return value === undefined ? "unknown" : tell(value);
}
