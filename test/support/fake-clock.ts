/** A clock for tests: no time passes until a test moves it. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { sleepOn, tickMs, type Clock, type Timer } from "../../src/runtime/clock.ts";
import { createTicks } from "../../src/runtime/ticks.ts";

interface Pending {
  readonly at: number;
  readonly callback: () => void;
}

export interface FakeClock extends Clock {
  /** Moves both clocks on, firing what falls due in order, and lets promises settle after each. */
  advance(ms: number): Promise<void>;
  /** Steps the wall clock alone, as a user or NTP would, or as sleep does. */
  step(ms: number): void;
  /** How many timers wait. */
  readonly pending: number;
}

export function fakeClock(start = Date.UTC(2026, 0, 1)): FakeClock {
  const timers = new Set<Pending>();
  let elapsed = 0;
  let offset = start;

  function nextDue(until: number): Pending | undefined {
    let due: Pending | undefined;
    for (const timer of timers)
      if (timer.at <= until && (due === undefined || timer.at < due.at)) due = timer;
    return due;
  }

  const clock: FakeClock = {
    now: () => offset + elapsed,
    monotonic: () => elapsed,
    after(ms, callback): Timer {
      const timer = { at: elapsed + Math.max(0, ms), callback };
      timers.add(timer);
      return { [Symbol.dispose]: () => void timers.delete(timer) };
    },
    sleep: (ms, signal) => sleepOn(clock, ms, signal),
    async advance(ms) {
      const until = elapsed + ms;
      await settle();
      for (let timer = nextDue(until); timer !== undefined; timer = nextDue(until)) {
        timers.delete(timer);
        elapsed = Math.max(elapsed, timer.at);
        timer.callback();
        await settle();
      }
      elapsed = until;
      await settle();
    },
    step(ms) {
      offset += ms;
    },
    get pending() {
      return timers.size;
    },
  };
  return clock;
}

/** The same with common ticks, as the system's clock has them. */
export function withTicks(clock: FakeClock): Clock {
  const ticks = createTicks(clock, tickMs);
  const ticking: Clock = {
    ...clock,
    after: (ms, callback, options) =>
      ticks.after(ms, callback, options) ?? clock.after(ms, callback, options),
    sleep: (ms, signal, options) => sleepOn(ticking, ms, signal, options),
  };
  return ticking;
}

/** Lets microtasks and a few turns of the event loop run, so that awaited promises go on. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await nextTurn();
}
