/** Owns the agent's pulse: one background timer for everything that must notice that time went by otherwise than expected. */
import { tickMs, type Clock, type Timer } from "../runtime/clock.ts";

export interface Beat {
  readonly now: number;
  readonly monotonic: number;
  /** Since the beat before, by the wall clock; negative after a step back. */
  readonly wallElapsedMs: number;
  /** Since the beat before, by the monotonic clock. */
  readonly elapsedMs: number;
  /** The beat came so late that the machine slept, or the process stood still. */
  readonly late: boolean;
}

export interface Heartbeat {
  readonly periodMs: number;
  /** Calls back with every beat until disposed of; without listeners no timer runs. */
  onBeat(listener: (beat: Beat) => void): Disposable;
}

/** A timer on an awake machine is not this late. */
const lateMs = 1000;

/** `periodMs` is at most 5 s (WIRE.md, section 6). */
export function createHeartbeat(clock: Clock, periodMs = tickMs): Heartbeat {
  const listeners = new Set<(beat: Beat) => void>();
  let timer: Timer | undefined;
  let last = { now: 0, monotonic: 0 };

  function schedule(): void {
    last = { now: clock.now(), monotonic: clock.monotonic() };
    timer = clock.after(periodMs, beat, { background: true, align: "early" });
  }
  function beat(): void {
    const before = last;
    schedule();
    const elapsedMs = last.monotonic - before.monotonic;
    const wallElapsedMs = last.now - before.now;
    const late = Math.max(elapsedMs, wallElapsedMs) > periodMs + lateMs;
    for (const listener of [...listeners]) listener({ ...last, wallElapsedMs, elapsedMs, late });
  }

  return {
    periodMs,
    onBeat(listener) {
      const own = (beatNow: Beat): void => listener(beatNow);
      if (listeners.size === 0) schedule();
      listeners.add(own);
      return {
        [Symbol.dispose]() {
          listeners.delete(own);
          if (listeners.size === 0) timer?.[Symbol.dispose]();
        },
      };
    },
  };
}
