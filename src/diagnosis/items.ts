/**
 * What a diagnosis consists of: items that run one after the other, each within its own time, whatever the others do.
 *
 *     item ──► result ─────────────────────────────► entry
 *       └─ its time is over ──► aborted ──► entry: fail
 *
 * To read on: machine.ts (what items see of the Mac), facts.ts, stream.ts, processes.ts with probe.ts, directory.ts, launchd.ts;
 * identities.ts and redact.ts hide what identifies the machine.
 */
import { causeOf } from "../runtime/cause.ts";
import type { Clock } from "../runtime/clock.ts";
import { seconds } from "./machine.ts";

export interface Result {
  readonly status: "ok" | "warn" | "fail" | "skipped";
  /** In one line, beside what was expected. */
  readonly got: string;
  /** Whatever else may help the reader of the file. */
  readonly details?: unknown;
}

export interface Item {
  readonly name: string;
  readonly expected: string;
  readonly limitMs: number;
  run(signal: AbortSignal): Promise<Result>;
}

export interface Entry extends Result {
  readonly name: string;
  readonly expected: string;
  readonly durationMs: number;
}

interface RunOptions {
  readonly clock: Clock;
  /** Ends what is under way; the items that follow are skipped. */
  readonly signal: AbortSignal;
  readonly onStart: (name: string, position: number) => void;
}

/** How long an item may take to clean up behind itself. */
const graceMs = 30_000;

export const skipped = (reason: string): Result => ({ status: "skipped", got: `skipped: ${reason}` });

export async function runItems(items: readonly Item[], options: RunOptions): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  for (const [index, item] of items.entries()) {
    const { name, expected } = item;
    const start = options.clock.monotonic();
    if (!options.signal.aborted) options.onStart(name, index + 1);
    const result = options.signal.aborted ? skipped("interrupted") : await runItem(item, options);
    const durationMs = Math.round(options.clock.monotonic() - start);
    entries.push({ name, expected, ...result, durationMs });
  }
  return entries;
}

async function runItem(item: Item, { clock, signal }: RunOptions): Promise<Result> {
  const late = new AbortController();
  const result = attempt(item, AbortSignal.any([signal, late.signal]));
  const { promise: over, resolve } = Promise.withResolvers<Result>();
  const why = `took longer than ${seconds(item.limitMs)}`;
  const giveUp = (ms: number, then: () => void): Disposable => clock.after(ms, then);
  let grace: Disposable | undefined;
  const end = (): void => {
    grace ??= giveUp(graceMs, () => resolve({ status: "fail", got: "did not end when told to" }));
  };
  using _limit = giveUp(item.limitMs, () => {
    late.abort();
    end();
  });
  signal.addEventListener("abort", end, { once: true });
  const first = await Promise.race([result, over]);
  signal.removeEventListener("abort", end);
  grace?.[Symbol.dispose]();
  if (signal.aborted) return { ...first, ...skipped("interrupted") };
  if (late.signal.aborted) return { ...first, status: "fail", got: `${why}; ${first.got}` };
  return first;
}

async function attempt(item: Item, signal: AbortSignal): Promise<Result> {
  try {
    return await item.run(signal);
  } catch (error) {
    return { status: "fail", got: `cannot look: ${causeOf(error)}` };
  }
}

export function formatEntry({ name, status, expected, got }: Entry): string {
  const mark = { ok: "ok     ", warn: "WARNING", fail: "FAILURE", skipped: "skipped" }[status];
  const text = got.replace(/^skipped: /, "");
  return `${mark} ${name}: ${text}${status === "warn" || status === "fail" ? `; expected ${expected}` : ""}\n`;
}

/** `12 ok, 1 warning, 0 failures, 5 skipped`. */
export function summarize(entries: readonly Entry[]): string {
  const count = (status: Result["status"]): number => entries.filter((one) => one.status === status).length;
  const plural = (number: number, word: string): string => `${number} ${word}${number === 1 ? "" : "s"}`;
  return [
    `${count("ok")} ok`,
    plural(count("warn"), "warning"),
    plural(count("fail"), "failure"),
    `${count("skipped")} skipped`,
  ].join(", ");
}
