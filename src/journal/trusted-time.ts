/**
 * The time by which the journal deletes what is old: a wall clock that has agreed with the monotonic clock for ten minutes.
 *
 * A wall clock that is days ahead for a few seconds must not delete a backlog, and nothing on the machine tells at once which of two
 * times is right: files and rows carry times of the same clock, and receivers may be wrong or out of reach. So a new time has to last.
 * Until then the time before it goes on, by the monotonic clock; in the first ten minutes after a start nothing is deleted for its age.
 */
import type { Clock } from "../runtime/clock.ts";

export interface TrustedTime {
  /** Milliseconds since the Unix epoch; absent before any time has lasted. To be asked at least as often as the journal commits. */
  now(): number | undefined;
}

const trialMs = 10 * 60_000;
/** A clock is slewed all the time, and set by a little now and then. */
const toleranceMs = 60_000;

export function createTrustedTime(clock: Pick<Clock, "now" | "monotonic">): TrustedTime {
  /** Wall clock minus monotonic clock, as it is now and since when, and as it was trusted last. */
  let candidate = { offset: clock.now() - clock.monotonic(), since: clock.monotonic() };
  let trusted: number | undefined;

  return {
    now() {
      const monotonic = clock.monotonic();
      const offset = clock.now() - monotonic;
      const since = Math.abs(offset - candidate.offset) > toleranceMs ? monotonic : candidate.since;
      candidate = { offset, since };
      if (monotonic - since >= trialMs) trusted = offset;
      return trusted === undefined ? undefined : monotonic + trusted;
    },
  };
}
