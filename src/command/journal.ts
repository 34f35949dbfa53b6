/** `journal stats|export|forget`: what is on disk, read beside a running agent, and a request to it. */
import { openJournalReader, requestForget } from "../journal/reader.ts";
import type { JournalArchive, JournalStats } from "../journal/types.ts";
import { catalogue } from "../meter/catalogue.ts";
import type { Metric } from "../metric/metric.ts";
import { seriesKey } from "../metric/series.ts";
import { formatValue, openMetricsHead } from "../metric/text.ts";
import { formatSize } from "../runtime/quantity.ts";
import type { ConfigChoice } from "./load.ts";
import { formatLine } from "./format.ts";
import { prepare } from "./load.ts";
import { exitCode, type ExitCode, type CommandContext } from "./context.ts";

/** As on the command line. */
export interface JournalOptions extends ConfigChoice {
  /** Of `stats` and `export`: another database than the configured one. */
  readonly file?: string;
  readonly json?: boolean;
  /** Milliseconds back from now; absent exports everything. */
  readonly since?: number;
  readonly format: "jsonl" | "openmetrics";
}

export interface JournalChoice extends JournalOptions {
  readonly what: "stats" | "export" | "forget";
  /** To forget: an id as `stats` list it, or the name in it. */
  readonly sink?: string;
}

/** 1 when there is no journal that can be read. */
export async function journal(choice: JournalChoice, context: CommandContext): Promise<ExitCode> {
  const prepared = await prepare(choice, context);
  if (typeof prepared === "number") return prepared;
  const { path, max_age } = prepared.configuration.journal;
  const file = choice.what === "forget" ? path : (choice.file ?? path);
  const opened = openJournalReader(file, (name) => catalogue.get(name));
  if (opened.status === "unavailable") {
    context.stderr(`${opened.reason}\n`);
    return exitCode.failure;
  }
  using reader = opened.reader;
  const stats = reader.stats();
  switch (choice.what) {
    case "forget":
      return forget(choice.sink, path, stats, context);
    case "export":
      await exportSnapshots(reader, choice, context);
      return exitCode.ok;
    case "stats":
      await context.write(
        choice.json === true ? `${JSON.stringify(stats, undefined, 2)}\n` : describe(stats, max_age),
      );
      return exitCode.ok;
  }
}

/** The agent does it, and counts it: a journal has one writer. */
function forget(
  asked: string | undefined,
  path: string,
  stats: JournalStats,
  context: CommandContext,
): ExitCode {
  const orphans = stats.sinks.filter(({ goneMs }) => goneMs !== undefined);
  const candidates = orphans.map(({ sink }) => sink).join(", ") || "none";
  const wanted = stats.sinks.filter(
    ({ sink }) => sink === asked || sink.split("/").slice(1).join("/") === asked,
  );
  const [found, another] = wanted;
  const complaint =
    asked === undefined || found === undefined
      ? `unexpected sink: got ${asked ?? "none"}, want one that is configured no more: ${candidates}`
      : another !== undefined
        ? `sink must be one, got ${wanted.map(({ sink }) => sink).join(" and ")}`
        : found.goneMs === undefined
          ? `cannot forget ${found.sink}: it is configured; remove its block and reload first`
          : requestForget(path, found.sink);
  if (complaint !== undefined || found === undefined) {
    context.stderr(`${complaint ?? ""}\n`);
    return complaint?.startsWith("unexpected") === true ? exitCode.usage : exitCode.failure;
  }
  context.stdout(
    `${found.sink}: ${found.waiting} snapshots will be dropped and counted by the agent, ` +
      "at its next commit or its next start\n",
  );
  return exitCode.ok;
}

/** Stops when nobody reads any more. */
async function exportSnapshots(
  reader: JournalArchive,
  { since, format }: JournalOptions,
  context: CommandContext,
): Promise<void> {
  const fromMs = since === undefined ? 0 : context.clock.now() - since;
  const texts = format === "jsonl" ? lines(reader, fromMs) : openMetricsHistory(reader, fromMs);
  for (const text of texts) if (!(await context.write(text))) return;
}

function* lines(reader: JournalArchive, fromMs: number): Iterable<string> {
  for (const snapshot of reader.history({ fromMs, toMs: Infinity })) yield formatLine(snapshot);
}

interface Points {
  readonly times: number[];
  readonly values: number[];
}

/**
 * The history with timestamps, as `promtool tsdb create-blocks-from openmetrics` reads it, one text per family. OpenMetrics wants the points of a family, and in it of a series, side by side, so the history is read once
 * per family: memory holds one family, whatever the length of the history.
 */
function* openMetricsHistory(archive: JournalArchive, fromMs: number): Iterable<string> {
  for (const metric of familiesOf(archive, fromMs)) yield family(metric, pointsOf(archive, metric, fromMs));
  yield "# EOF\n";
}

function familiesOf(archive: JournalArchive, fromMs: number): Iterable<Metric> {
  const families = new Map<string, Metric>();
  for (const { set } of archive.history({ fromMs, toMs: Infinity })) {
    for (const { metric } of set.series) families.set(metric.name, metric);
  }
  return families.values();
}

function pointsOf(archive: JournalArchive, metric: Metric, fromMs: number): ReadonlyMap<string, Points> {
  const points = new Map<string, Points>();
  const series = (name: string): boolean => name.startsWith(metric.name);
  for (const { set, values, time } of archive.history({ fromMs, toMs: Infinity, series })) {
    for (const [index, one] of set.series.entries()) {
      if (one.metric.name !== metric.name) continue;
      const key = seriesKey(one);
      const known = points.get(key) ?? { times: [], values: [] };
      points.set(key, known);
      known.times.push(time);
      known.values.push(values[index] ?? NaN);
    }
  }
  return points;
}

function family(metric: Metric, points: ReadonlyMap<string, Points>): string {
  const lines = [...points].flatMap(([key, { times, values }]) =>
    times.map((time, index) => `${key} ${formatValue(values[index] ?? NaN)} ${time / 1000}\n`),
  );
  return openMetricsHead(metric) + lines.join("");
}

function describe(stats: JournalStats, maxAgeMs: number): string {
  const time = (ms: number | undefined): string => (ms === undefined ? "none" : new Date(ms).toISOString());
  const gone = (goneMs: number | undefined): string =>
    goneMs === undefined
      ? ""
      : `; ORPHANED, its block is gone since ${time(goneMs)}, kept until ${time(goneMs + maxAgeMs)}`;
  const perSample =
    stats.samples === 0 ? "" : ` (${(stats.bytes / stats.samples).toFixed(1)} bytes a sample)`;
  return [
    `journal      ${stats.path}`,
    `size         ${formatSize(stats.bytes)}${perSample}`,
    `snapshots    ${stats.snapshots}, ${stats.samples} samples in ${stats.seriesSets} series sets`,
    `oldest       ${time(stats.oldestTimeMs)}`,
    `newest       ${time(stats.newestTimeMs)}`,
    ...stats.sources.map(({ name, lastTimeMs }) => `source       ${name}, last ${time(lastTimeMs)}`),
    ...stats.sinks.map(
      ({ sink, waiting, address, goneMs }) =>
        `sink         ${sink}${address === undefined ? "" : ` ${address}`}, ${waiting} snapshots waiting${gone(goneMs)}`,
    ),
    ...stats.setAside.map(({ path, bytes }) => `set aside    ${path}, ${formatSize(bytes)}`),
    "",
  ].join("\n");
}
