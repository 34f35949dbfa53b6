/** Sends one request, and the identical one again until it is decided. */
import type { Clock, TimerOptions } from "../runtime/clock.ts";
import type { Outcome, SendResult } from "../sink/sink.ts";
import type { Accounting } from "./accounting.ts";
import type { ClockGuard, ReceiverHealth } from "./receiver-health.ts";

export type Send = (signal: AbortSignal) => Promise<SendResult>;

/** An outcome that ends the attempt; `aborted` when there was no time to get one, or no need. */
export type Decided = Exclude<Outcome, { status: "retry" }> | { readonly status: "aborted" };

/** @param isWanted asked before every further try: false ends the attempt, as when nobody waits for the batch any more */
export type SendChain = (send: Send, signal: AbortSignal, isWanted?: () => boolean) => Promise<Decided>;

interface SendChainDeps {
  readonly guard: ClockGuard;
  readonly accounting: Accounting;
  readonly health: ReceiverHealth;
  readonly interrupts: Interrupts;
}

/**
 * The timeout is the innermost, in the sink's HTTP client. The clock guard sees each answer before it is counted, so that an
 * impossible time is not reported. The retry is the outermost, so that every try is seen and counted.
 */
export function createSendChain({ guard, accounting, health, interrupts }: SendChainDeps): SendChain {
  async function attempt(send: Send, signal: AbortSignal): Promise<Outcome> {
    const { skewMs, ...answer } = await send(signal);
    const isPossible = skewMs !== undefined && guard.observe(skewMs);
    accounting.requested(isPossible ? { ...answer, skewMs } : answer);
    return answer.outcome;
  }

  return async (send, signal, isWanted = () => true) => {
    const { wakes } = interrupts;
    const isAborted = (): boolean => signal.aborted;
    const isWorthwhile = (): boolean => !interrupts.lastTryMade && interrupts.wakes === wakes && isWanted();
    while (!isAborted()) {
      interrupts.requesting();
      const outcome = await attempt(send, signal);
      if (outcome.status !== "retry") return outcome;
      // A request that was called off is no failure of the receiver.
      if (isAborted()) break;
      const waitMs = health.failed(outcome);
      if (!isWorthwhile()) break;
      await interrupts.wait(waitMs, signal);
      if (!isWorthwhile()) break;
    }
    return { status: "aborted" };
  };
}

/** Waits for the receiver's sake, which a wake of the machine cuts short, and the end, which allows one last try. */
export interface Interrupts {
  readonly finishing: boolean;
  /** A request began since `finish`: there is none after it while the receiver fails. */
  readonly lastTryMade: boolean;
  /** How often the machine woke. */
  readonly wakes: number;
  requesting(): void;
  /** Not at all once the end has come. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
  woke(): void;
  finish(): void;
}

export function createInterrupts(clock: Clock, accounting: Accounting): Interrupts {
  const timer = createWakeableTimer(clock);
  let finishing = false;
  let lastTryMade = false;
  let wakes = 0;
  return {
    get finishing() {
      return finishing;
    },
    get lastTryMade() {
      return lastTryMade;
    },
    get wakes() {
      return wakes;
    },
    requesting() {
      lastTryMade = finishing;
    },
    async wait(ms, signal) {
      if (finishing) return;
      accounting.expectAttempt(clock.now() + ms);
      await timer.wait(signal, ms);
      accounting.expectAttempt();
    },
    woke() {
      wakes++;
      timer.wake();
    },
    finish() {
      finishing = true;
      timer.wake();
    },
  };
}

export interface WakeableTimer {
  /** Resolves after `ms`, on `wake`, or when the signal aborts. Without `ms` only the latter two. */
  wait(signal: AbortSignal, ms?: number, options?: TimerOptions): Promise<void>;
  /** Ends the present wait. Without one it does nothing: who is about to wait looks first whether there is a reason to. */
  wake(): void;
}

/** A wait that ends when its time is over, or when there is something better to do: new snapshots, wake, the request to finish. */
export function createWakeableTimer(clock: Clock): WakeableTimer {
  let end: (() => void) | undefined;

  return {
    async wait(signal, ms, options) {
      if (signal.aborted) return;
      await new Promise<void>((resolve) => {
        const timer = ms === undefined ? undefined : clock.after(ms, finish, options);
        function finish(): void {
          timer?.[Symbol.dispose]();
          signal.removeEventListener("abort", finish);
          end = undefined;
          resolve();
        }
        signal.addEventListener("abort", finish, { once: true });
        end = finish;
      });
    },
    wake: () => end?.(),
  };
}
