/**
 * Owns the start of what runs tools: one a turn of the event loop. To start a process stops this one for some 5 ms, and who asks
 * the agent meanwhile is answered between two.
 */
import type { Clock } from "../runtime/clock.ts";

/** Calls each in order, and gives what they gave; promises among it are not waited for. */
export async function startInTurn<T>(
  starts: readonly (() => T)[],
  clock: Pick<Clock, "sleep">,
  signal: AbortSignal,
): Promise<readonly T[]> {
  const started: T[] = [];
  for (const start of starts) {
    await clock.sleep(0, signal);
    started.push(start());
  }
  return started;
}
