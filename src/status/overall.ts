/** The overall state: is the machine measured, and does what was measured arrive. */
import type {
  JournalStatus,
  Overall,
  OverallLevel,
  SinkStatus,
  SourceStatus,
  Status,
} from "../endpoint/api/status.ts";
import { stalenessLimit } from "../meter/latest.ts";

type Judged = readonly [level: Exclude<OverallLevel, "ok">, problem: string];
type Parts = Pick<Status, "time" | "sources" | "sinks" | "journal">;

/** From the least to the most urgent. */
const order: readonly OverallLevel[] = ["ok", "starting", "warning", "failing"];

export function overallOf({ time, sources, sinks, journal }: Parts): Overall {
  const judged: readonly Judged[] = [
    ...sources.flatMap((source) => judgeSource(source, time)),
    ...sinks.flatMap(judgeSink),
    ...(journal === undefined ? [] : judgeJournal(journal, time)),
  ];
  const level = order[Math.max(0, ...judged.map(([each]) => order.indexOf(each)))] ?? "ok";
  return { level, problems: judged.map(([, problem]) => problem) };
}

/** A database that was set aside stays so: after a day it no longer counts as a warning. */
const newsMs = 86_400_000;

function judgeJournal({ durable, reason, lastSetAside, orphans = [] }: JournalStatus, now: number): Judged[] {
  const memory = `the journal works from memory: ${reason ?? "its disk fails"}`;
  const aside = "the journal's database could not be used and was set aside: see the log and journal stats";
  const isNews = lastSetAside !== undefined && now - lastSetAside < newsMs;
  return [
    ...(durable ? [] : [["warning", memory] as const]),
    ...(isNews ? [["warning", aside] as const] : []),
    ...orphans.map(
      ({ id }) => ["warning", `a backlog waits for ${id}, which is configured no more`] as const,
    ),
  ];
}

function judgeSource({ name, up, lastSample, intervalMs, lastFailure }: SourceStatus, now: number): Judged[] {
  if (up === false) return [["failing", `${name} fails${lastFailure ? `: ${lastFailure.reason}` : ""}`]];
  if (lastSample === undefined) return [["starting", `no sample yet of ${name}`]];
  const silentMs = now - lastSample;
  if (silentMs <= stalenessLimit(intervalMs)) return [];
  return [["failing", `no sample of ${name} for ${Math.round(silentMs / 1000)} s`]];
}

function judgeSink({ target, type, state, lastFailure }: SinkStatus): Judged[] {
  const because = lastFailure ? `: ${lastFailure.reason}` : "";
  switch (state) {
    case "ok":
    case "draining":
    case "stopped":
      return [];
    case "starting":
      return [["starting", `${type} to ${target} has not answered yet`]];
    case "retrying":
      return [["warning", `cannot deliver by ${type} to ${target}, data waits${because}`]];
    case "refused":
      return [["failing", `${target} refuses ${type}, data waits${because}`]];
    case "holding":
      return [["warning", `this machine's clock is ahead of ${target}'s, data waits`]];
  }
}
