/**
 * Sinks whose block is configured no more: what they wait for stays for as long as the journal keeps anything, and is dropped and
 * counted after that, or when `journal forget` asks for it.
 */
import type { Logger } from "../runtime/log.ts";
import type { Account, Ledger } from "./ledger.ts";
import { sizeOf } from "./ranges.ts";
import type { Tail } from "./tail.ts";
import type { Orphan, SinkAssignment } from "./types.ts";
import type { Volume } from "./volume.ts";

interface OrphanParts {
  readonly options: { readonly maxAgeMs: number; readonly log: Logger };
  readonly recent: Tail;
  readonly book: Ledger;
}

/** Tells of every backlog that goes over to another id or address, or that has no block any more. */
export function assignSinks(
  { options, recent, book }: OrphanParts,
  assignments: readonly SinkAssignment[],
  nowMs: number,
): void {
  const { log, maxAgeMs } = options;
  const before = book.accounts().map((account) => ({ ...account }));
  book.assign(assignments, recent.next, nowMs);
  for (const old of before) {
    const next = assignments.find(({ was }) => was === old.sink);
    if (next !== undefined) tellChange(old, next, log);
    else if (old.goneMs === undefined) tellGone(old.sink, book.account(old.sink), maxAgeMs, log);
  }
}

function tellChange(old: Account, { sink, block }: SinkAssignment, log: Logger): void {
  if (old.goneMs !== undefined) log.info(`${sink} is configured again and goes on with its backlog`);
  if (old.sink !== sink) log.info(`sink ${old.sink} is called ${sink} now, its backlog stays`);
  if (old.block !== undefined && old.block.address !== block.address)
    log.info(`${sink} goes on at another address, its backlog stays`, {
      from: old.block.address,
      to: block.address,
    });
}

function tellGone(sink: string, orphan: Account | undefined, maxAgeMs: number, log: Logger): void {
  if (orphan === undefined) log.info(`${sink} is configured no more, and nothing waits for it`);
  else
    log.warn(`${sink} is configured no more: its backlog is kept for journal.max_age`, {
      snapshots: sizeOf(orphan.waiting),
      until: new Date((orphan.goneMs ?? 0) + maxAgeMs).toISOString(),
      to_give_it_up: `mac-powermetrics-agent journal forget ${sink}`,
    });
}

/** True for an orphan. */
export function forget(
  { options: { log }, recent, book }: OrphanParts,
  account: Account,
  reason: "forgotten" | "max_age",
): boolean {
  if (account.goneMs === undefined) return false;
  const { snapshots, samples } = book.remove(account, reason, recent.next);
  if (snapshots === 0) log.info(`nothing waits any more for ${account.sink}, which is configured no more`);
  else
    log.warn(`dropped the backlog of ${account.sink}, which is configured no more`, {
      snapshots,
      samples,
      reason,
    });
  return true;
}

/** Heeds requests of `journal forget`, and lets go of orphans that wait for nothing, or have for too long. */
export function tendOrphans(parts: OrphanParts & { readonly place: Volume }, now: number | undefined): void {
  const { options, book, place } = parts;
  for (const sink of place.read((store) => store.hasForgetRequests()) === true
    ? (place.write((store) => store.forgetRequests()) ?? [])
    : []) {
    const account = book.account(sink);
    if (account === undefined) options.log.info(`nothing waits for ${sink}, which was to be forgotten`);
    else if (!forget(parts, account, "forgotten"))
      options.log.warn(`cannot forget ${sink}: it is configured; remove its block first`);
  }
  for (const account of book.accounts()) {
    if (account.goneMs === undefined) continue;
    if (account.waiting.length === 0 || (now !== undefined && now - account.goneMs > options.maxAgeMs))
      forget(parts, account, "max_age");
  }
}

export function orphansOf({ options, book }: OrphanParts): readonly Orphan[] {
  return book.accounts().flatMap(({ sink, block, goneMs, waiting }) =>
    goneMs === undefined
      ? []
      : [
          {
            sink,
            waiting: sizeOf(waiting),
            goneMs,
            untilMs: goneMs + options.maxAgeMs,
            ...(block !== undefined && { address: block.address }),
          },
        ],
  );
}
