/**
 * Common ticks: timers that may be a little early or late share one wakeup.
 *
 *     early:  |····due at the tick before····x|        late:  |x····due at the tick after····|
 */
import type { Clock, Timer, TimerOptions } from "./clock.ts";

interface Entry {
  readonly callback: () => void;
  readonly background: boolean;
}

export interface Ticks {
  /** Undefined for a timer that wants its own time, or has no tick before it. */
  after(ms: number, callback: () => void, options?: TimerOptions): Timer | undefined;
}

/** @param clock exact; ticks are where its `monotonic` is a multiple of `tickMs` */
export function createTicks(clock: Pick<Clock, "monotonic" | "after">, tickMs: number): Ticks {
  const waiting = new Map<number, Set<Entry>>();
  let timer: { readonly tick: number; readonly background: boolean; readonly own: Timer } | undefined;

  /** One real timer, for the next tick that somebody waits for; it keeps the process alive where one of them does. */
  function arm(): void {
    let tick = Infinity;
    let background = true;
    for (const [at, entries] of waiting) {
      tick = Math.min(tick, at);
      for (const entry of entries) background &&= entry.background;
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
    for (const [tick, entries] of [...waiting]) {
      // A timer may come a moment before its time.
      if (tick * tickMs > now + earlyMs) continue;
      waiting.delete(tick);
      for (const { callback } of entries) callback();
    }
    arm();
  }

  return {
    after(ms, callback, { align, background = false } = {}) {
      const now = clock.monotonic();
      const tick = tickOf(now, ms, align);
      if (tick === undefined) return undefined;
      const entry: Entry = { callback, background };
      const entries = waiting.get(tick) ?? new Set();
      waiting.set(tick, entries.add(entry));
      // A limit of a request joins a later tick, thousands of times in a drain: nothing is to be done then.
      if (timer === undefined || tick < timer.tick || (timer.background && !background)) arm();
      return {
        [Symbol.dispose]() {
          if (!entries.delete(entry) || waiting.get(tick) !== entries) return;
          if (entries.size === 0) waiting.delete(tick);
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

/** A tick this close is the present one. */
const earlyMs = 5;
