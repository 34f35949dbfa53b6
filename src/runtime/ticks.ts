/**
 * Common ticks: timers that may be a little early or late share one wakeup, in the order of their ranks.
 *
 *     early:  |····due at the tick before····x|        late:  |x····due at the tick after····|
 */
import type { Clock, Timer, TimerOptions } from "./clock.ts";

interface Entry {
  readonly tick: number;
  readonly background: boolean;
  readonly rank: number;
  /** Absent once it was called, or is not to be. */
  callback: (() => void) | undefined;
}

export interface Ticks {
  /** Undefined for a timer that wants its own time, or has no tick before it. */
  after(ms: number, callback: () => void, options?: TimerOptions): Timer | undefined;
}

/** @param clock exact; ticks are where its `monotonic` is a multiple of `tickMs` */
export function createTicks(clock: Pick<Clock, "monotonic" | "after">, tickMs: number): Ticks {
  /** No map: of one that changes with each request V8 keeps all that was ever in it until a full collection. */
  let waiting: Entry[] = [];
  let timer: { readonly tick: number; readonly background: boolean; readonly own: Timer } | undefined;

  /** One real timer, for the next tick that somebody waits for; it keeps the process alive where one of them does. */
  function arm(): void {
    let tick = Infinity;
    let background = true;
    for (const entry of waiting) {
      tick = Math.min(tick, entry.tick);
      background &&= entry.background;
    }
    if (timer?.tick === tick && timer.background === background) return;
    timer?.own[Symbol.dispose]();
    timer =
      tick === Infinity
        ? undefined
        : { tick, background, own: clock.after(tick * tickMs - clock.monotonic(), fire, { background }) };
  }

  function fire(): void {
    const now = clock.monotonic();
    timer = undefined;
    // A timer may come a moment before its time.
    const last = Math.floor((now + earlyMs) / tickMs);
    const due = waiting.filter(({ tick }) => tick <= last);
    waiting = waiting.filter(({ tick }) => tick > last);
    callByRank(due, clock);
    arm();
  }

  return {
    after(ms, callback, { align, background = false, rank = 0 } = {}) {
      const tick = tickOf(clock.monotonic(), ms, align);
      if (tick === undefined) return undefined;
      const entry: Entry = { tick, background, rank, callback };
      waiting.push(entry);
      // A limit of a request joins a later tick at first, thousands of times in a drain: nothing is to be done then.
      if (timer === undefined || tick < timer.tick || (timer.background && !background)) arm();
      return {
        [Symbol.dispose]() {
          entry.callback = undefined;
          const at = waiting.indexOf(entry);
          if (at < 0) return;
          waiting.splice(at, 1);
          if (timer?.tick === tick || !background) arm();
        },
      };
    },
  };

  function tickOf(now: number, ms: number, align: TimerOptions["align"]): number | undefined {
    switch (align) {
      case undefined:
        return undefined;
      case "late":
        return Math.ceil((now + ms) / tickMs);
      case "early": {
        const tick = Math.floor((now + ms + earlyMs) / tickMs);
        return tick * tickMs > now + earlyMs ? tick : undefined;
      }
    }
  }
}

/** The lowest rank; the others once the promises that it settles have gone on. */
function callByRank(due: readonly Entry[], clock: Pick<Clock, "after">): void {
  const lowest = Math.min(...due.map(({ rank }) => rank));
  for (const entry of due) {
    if (entry.rank > lowest) continue;
    entry.callback?.();
    entry.callback = undefined;
  }
  const left = due.filter(({ callback }) => callback !== undefined);
  if (left.length > 0) clock.after(0, () => callByRank(left, clock));
}

/** A tick this close is the present one. */
const earlyMs = 5;
