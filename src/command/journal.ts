/** Owns `journal stats|export`: what is on disk, read beside a running agent. */
import { openJournalReader } from "../journal/reader.ts";
import type { JournalArchive, JournalStats } from "../journal/types.ts";
import { catalogue } from "../meter/catalogue.ts";
import { formatSize } from "../runtime/size.ts";
import type { ConfigChoice } from "./config.ts";
import { exitCode, type ExitCode } from "./exit.ts";
import { openMetricsHistory } from "./export.ts";
import { formatLine } from "./format.ts";
import { prepare } from "./load.ts";
import type { World } from "./world.ts";

export type JournalChoice = ConfigChoice &
  (
    | { readonly what: "stats"; readonly json: boolean }
    /** `sinceMs` back from now; absent exports everything. */
    | { readonly what: "export"; readonly format: "jsonl" | "openmetrics"; readonly sinceMs?: number }
  );

/** 1 when there is no journal that can be read. */
export async function journal(choice: JournalChoice, world: World): Promise<ExitCode> {
  const prepared = await prepare(choice, world);
  if (typeof prepared === "number") return prepared;
  const opened = openJournalReader(prepared.configuration.journal.path, (name) => catalogue.get(name));
  if (opened.status === "unavailable") {
    world.stderr(`${opened.reason}\n`);
    return exitCode.failure;
  }
  using reader = opened.reader;
  if (choice.what === "export") {
    const fromMs = choice.sinceMs === undefined ? 0 : world.clock.now() - choice.sinceMs;
    await exportSnapshots(reader, fromMs, choice.format, world);
  } else {
    const stats = reader.stats();
    await world.write(choice.json ? `${JSON.stringify(stats, undefined, 2)}\n` : describe(stats));
  }
  return exitCode.ok;
}

/** Stops when nobody reads any more. */
async function exportSnapshots(
  reader: JournalArchive,
  fromMs: number,
  format: "jsonl" | "openmetrics",
  world: World,
): Promise<void> {
  const texts = format === "jsonl" ? lines(reader, fromMs) : openMetricsHistory(reader, fromMs);
  for (const text of texts) if (!(await world.write(text))) return;
}

function* lines(reader: JournalArchive, fromMs: number): Iterable<string> {
  for (const snapshot of reader.history({ fromMs, toMs: Infinity })) yield formatLine(snapshot);
}

function describe(stats: JournalStats): string {
  const time = (ms: number | undefined): string => (ms === undefined ? "none" : new Date(ms).toISOString());
  const perSample =
    stats.samples === 0 ? "" : ` (${(stats.bytes / stats.samples).toFixed(1)} bytes a sample)`;
  return [
    `journal      ${stats.path}`,
    `size         ${formatSize(stats.bytes)}${perSample}`,
    `snapshots    ${stats.snapshots}, ${stats.samples} samples in ${stats.seriesSets} series sets`,
    `oldest       ${time(stats.oldestTimeMs)}`,
    `newest       ${time(stats.newestTimeMs)}`,
    ...stats.sources.map(({ name, lastTimeMs }) => `source       ${name}, last ${time(lastTimeMs)}`),
    ...stats.sinks.map(({ sink, waiting }) => `sink         ${sink}, ${waiting} snapshots waiting`),
    ...stats.setAside.map(({ path, bytes }) => `set aside    ${path}, ${formatSize(bytes)}`),
    "",
  ].join("\n");
}
