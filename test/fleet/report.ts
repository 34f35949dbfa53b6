/** Owns the words for what a phase showed: one table for all of them, and what it means for a fleet of another size. */
import type { PhaseResult } from "./phase.ts";
import { percentile } from "./tally.ts";

const rows: readonly (readonly [string, (result: PhaseResult) => string])[] = [
  ["Macs", ({ phase }) => String(phase.hosts)],
  ["seconds", ({ seconds }) => seconds.toFixed(0)],
  ["requests/s", ({ tallies, seconds }) => (tallies.requests / seconds).toFixed(1)],
  ["samples/s", (result) => count(samplesPerSecond(result))],
  ["bytes/sample", ({ tallies }) => (tallies.bytes / tallies.samples).toFixed(1)],
  ["request p50 · p90 · p99, ms", ({ tallies }) => percentiles(tallies.latencies, 1)],
  ["age of live data at delivery p50 · p90 · p99, s", ({ tallies }) => percentiles(tallies.ages, 1000)],
  ["requests that delivered nothing", ({ tallies }) => errors(tallies.errors)],
  ["went to sleep and came back", ({ sleeps }) => String(sleeps)],
  ["backlog at the start, samples", ({ backlogSamples }) => count(backlogSamples)],
  [
    "of it delivered",
    ({ backlogSamples, backlogLeft }) => share(backlogSamples - backlogLeft, backlogSamples),
  ],
  [
    "receiver: samples stored, as it says",
    ({ stored }) => (stored === undefined ? "unknown" : count(stored)),
  ],
  ["samples delivered, as we say", ({ tallies }) => count(tallies.samples)],
  ["receiver: cores · RSS at most, MB", ({ receiver }) => cost(receiver)],
  ["all Macs here: cores · RSS, MB", ({ own }) => cost(own)],
];

/** Markdown, one column a phase. */
export function phaseTable(results: readonly PhaseResult[]): string {
  const head = ["", ...results.map(({ phase }) => phase.title)];
  const body = rows.map(([name, tell]) => [name, ...results.map(tell)]);
  return [head, head.map(() => "---"), ...body].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

export function samplesPerSecond({ tallies, seconds }: PhaseResult): number {
  return tallies.samples / seconds;
}

/** What is left of a backlog at the rate so far. */
export function timeToFinish(result: PhaseResult): string {
  const { backlogSamples, backlogLeft, seconds } = result;
  const rate = (backlogSamples - backlogLeft) / seconds;
  if (backlogLeft * 1000 < backlogSamples) return `all of it in ${seconds.toFixed(0)} s`;
  return rate > 0
    ? `${count(rate)} a second, so ${count(backlogSamples)} / ${count(rate)} = ${(backlogSamples / rate / 60).toFixed(1)} minutes`
    : "nothing of it";
}

function percentiles(values: readonly number[], unit: number): string {
  if (values.length === 0) return "none";
  return [0.5, 0.9, 0.99].map((one) => (percentile(values, one) / unit).toFixed(1)).join(" · ");
}

function errors(codes: ReadonlyMap<string, number>): string {
  return codes.size === 0 ? "0" : [...codes].map(([code, times]) => `${code}: ${times}`).join(", ");
}

function share(part: number, whole: number): string {
  return whole === 0 ? "none" : `${((100 * part) / whole).toFixed(1)} %`;
}

function cost(measured: PhaseResult["receiver"]): string {
  if (measured === undefined) return "unknown";
  return `${(measured.cpuSecondsPerHour / 3600).toFixed(2)} · ${measured.rssMb.toFixed(0)}`;
}

export function count(value: number): string {
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)} M`;
  return value >= 1e4 ? `${(value / 1e3).toFixed(1)} k` : value.toFixed(0);
}
