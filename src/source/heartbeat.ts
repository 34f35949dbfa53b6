/** The agent's heartbeat: one background timer for everything that must notice sleep, a stalled process or a clock that was set. */
import { type Clock, type Timer, tickMs } from "../runtime/clock.ts";
import { type Argv, type Spawn, runTool } from "./child.ts";

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

/** `periodMs` is at most 5 s, so that sleep is noticed soon after it ends. */
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

export type TimeJump =
  /** The machine slept. */
  | { readonly kind: "woke"; readonly asleepMs: number }
  /** The wall clock was set; negative is backwards. */
  | { readonly kind: "stepped"; readonly byMs: number };

export interface WakeOptions {
  readonly heartbeat: Heartbeat;
  /** The longest interval between frames. */
  readonly intervalMs: number;
  /** Some text that changes with every wake; undefined where the machine has none. */
  readonly readWakeTime?: () => Promise<string | undefined>;
  readonly onJump: (jump: TimeJump) => void;
}

/** Below this, sleep makes no difference to anyone. */
const shortestSleepMs = 30_000;
/** NTP slews smaller differences, and a busy machine makes them. */
const shortestStepMs = 1000;

/**
 * Watches until disposed of. libuv's clock runs on through sleep on macOS and stands still on Linux, so no difference of two clocks shows sleep;
 * a beat that comes much too late does, together with a wake time of the kernel's that has changed.
 */
export function watchTime(options: WakeOptions): Disposable {
  const { heartbeat, onJump } = options;
  const readWakeTime = options.readWakeTime ?? (() => Promise.resolve(undefined));
  const shortestMs = Math.max(3 * options.intervalMs, shortestSleepMs);
  let watching = true;
  let known = readWakeTime();

  async function look(beat: Beat): Promise<void> {
    const before = known;
    known = readWakeTime();
    const [earlier, later] = await Promise.all([before, known]);
    const moved = earlier === undefined || later === undefined ? "unknown" : earlier === later ? "no" : "yes";
    const jump = judgeGap(beat, heartbeat.periodMs, moved);
    if (watching && jump !== undefined) onJump(jump);
  }

  const beats = heartbeat.onBeat((beat) => {
    const stepMs = stepOf(beat);
    if (gapOf(beat) > shortestMs) void look(beat);
    else if (Math.abs(stepMs) >= shortestStepMs) onJump({ kind: "stepped", byMs: stepMs });
  });
  return {
    [Symbol.dispose]() {
      watching = false;
      beats[Symbol.dispose]();
    },
  };
}

/** The longer of both clocks: which of them ran through sleep depends on the system. */
function gapOf(beat: Beat): number {
  return Math.max(beat.wallElapsedMs, beat.elapsedMs);
}

function stepOf(beat: Beat): number {
  return Math.round(beat.wallElapsedMs - beat.elapsedMs);
}

/**
 * What a long gap means. `wakeTimeMoved` is what the kernel says; without it the gap alone is taken for sleep, for a step
 * forwards of the clock looks the same where the other clock stands still in sleep. Undefined: the process stood still.
 */
function judgeGap(
  beat: Beat,
  periodMs: number,
  wakeTimeMoved: "yes" | "no" | "unknown",
): TimeJump | undefined {
  if (wakeTimeMoved !== "no") return { kind: "woke", asleepMs: Math.round(gapOf(beat) - periodMs) };
  const stepMs = stepOf(beat);
  return Math.abs(stepMs) >= shortestStepMs ? { kind: "stepped", byMs: stepMs } : undefined;
}

interface WakeTimeOptions {
  readonly clock: Clock;
  readonly environment: Readonly<Record<string, string>>;
  readonly spawn?: Spawn;
}

/** Asks `sysctl -n kern.waketime`; the text is compared and never read. */
export function wakeTimeReader(command: Argv, options: WakeTimeOptions): () => Promise<string | undefined> {
  return async () => {
    const run = await runTool([...command, "-n", "kern.waketime"], {
      ...options,
      timeoutMs: 5000,
      maxBytes: 1024,
    });
    if (run.status !== "ended" || run.exit.kind !== "exited" || run.exit.code !== 0) return undefined;
    return run.stdout.length > 0 ? run.stdout.toString("latin1").trim() : undefined;
  };
}
