/**
 * Sinks whose block is configured no more: what they wait for stays for as long as the journal keeps anything, and is dropped and
 * counted after that, or when `journal forget` asks for it.
 */
import { defined } from "../runtime/defined.ts";
import type { Logger } from "../runtime/log.ts";
import type { Position, Positions } from "./positions.ts";
import { sizeOf } from "./ranges.ts";
import type { Orphan, SinkAssignment } from "./types.ts";

/** Logs every backlog that goes over to another id or address, or that has no block any more. */
export function assignSinks(
  positions: Positions,
  assignments: readonly SinkAssignment[],
  nowMs: number,
  { log, maxAgeMs }: { readonly log: Logger; readonly maxAgeMs: number },
): void {
  const before = positions.all().map((position) => ({ ...position }));
  positions.assign(assignments, nowMs);
  for (const old of before) {
    const next = assignments.find(({ was }) => was === old.sink);
    if (next !== undefined) logChange(old, next, log);
    else if (old.goneMs === undefined) logGone(old.sink, positions.of(old.sink), maxAgeMs, log);
  }
}

function logChange(old: Position, { sink, block }: SinkAssignment, log: Logger): void {
  if (old.goneMs !== undefined) log.info(`${sink} is configured again and goes on with its backlog`);
  if (old.sink !== sink) log.info(`sink ${old.sink} is called ${sink} now, its backlog stays`);
  if (old.block !== undefined && old.block.address !== block.address)
    log.info(`${sink} goes on at another address, its backlog stays`, {
      from: old.block.address,
      to: block.address,
    });
}

function logGone(sink: string, orphan: Position | undefined, maxAgeMs: number, log: Logger): void {
  if (orphan === undefined) log.info(`${sink} is configured no more, and nothing waits for it`);
  else
    log.warn(`${sink} is configured no more: its backlog is kept for journal.max_age`, {
      snapshots: sizeOf(orphan.waiting),
      until: new Date((orphan.goneMs ?? 0) + maxAgeMs).toISOString(),
      to_give_it_up: `mac-powermetrics-agent journal forget ${sink}`,
    });
}

/** Drops an orphan and all that it waits for; false for a sink that is none. */
export function forget(
  positions: Positions,
  sink: string,
  reason: "forgotten" | "max_age",
  log: Logger,
): boolean {
  const position = positions.of(sink);
  if (position?.goneMs === undefined) return false;
  const { snapshots, samples } = positions.remove(position, reason);
  if (snapshots === 0) log.info(`nothing waits any more for ${sink}, which is configured no more`);
  else
    log.warn(`dropped the backlog of ${sink}, which is configured no more`, { snapshots, samples, reason });
  return true;
}

/** Forgets what `journal forget` asks for. */
export function forgetRequested(positions: Positions, requests: readonly string[], log: Logger): void {
  for (const sink of requests)
    if (positions.of(sink) === undefined) log.info(`nothing waits for ${sink}, which was to be forgotten`);
    else if (!forget(positions, sink, "forgotten", log))
      log.warn(`cannot forget ${sink}: it is configured; remove its block first`);
}

/** Drops orphans that wait for nothing, or have for too long; for neither where the time is not known. */
export function forgetOld(
  positions: Positions,
  nowMs: number | undefined,
  maxAgeMs: number,
  log: Logger,
): void {
  for (const { sink, goneMs, waiting } of positions.all()) {
    if (goneMs === undefined) continue;
    if (waiting.length === 0 || (nowMs !== undefined && nowMs - goneMs > maxAgeMs))
      forget(positions, sink, "max_age", log);
  }
}

export function orphansOf(positions: Positions, maxAgeMs: number): readonly Orphan[] {
  return positions.all().flatMap(({ sink, block, goneMs, waiting }) => {
    if (goneMs === undefined) return [];
    const untilMs = goneMs + maxAgeMs;
    return [defined({ sink, waiting: sizeOf(waiting), goneMs, untilMs, address: block?.address })];
  });
}
