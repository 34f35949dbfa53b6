/** Waits for what another process, server or thread does. */
import { setTimeout as wait } from "node:timers/promises";

/** Far above what any of it takes on a busy machine: only what hangs gets there. Below the limit of `npm test` for a test. */
export const patienceMs = 120_000;

/** Asks again and again until there is an answer: anything but undefined and false. */
export async function until<T>(
  ask: () => T | undefined | false | Promise<T | undefined | false>,
  complaint: () => string = () => `waited in vain for: ${ask.toString()}`,
): Promise<T> {
  const end = performance.now() + patienceMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > end) throw new Error(complaint());
    await wait(25);
  }
}
