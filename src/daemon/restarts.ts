/**
 * How long a daemon that gave up root goes on without a source before it ends, to be started again with root.
 *
 *     powermetrics ends ──► 30 s, 1, 2, 4, 8, 10 min with everything else ──► exit 75 ──► launchd starts it
 *       └─ without having delivered: from 1 min on, for the next start will hardly do better so soon
 *
 * The number of such ends in a row lies in a file, since each is a process of its own.
 */
import type { Clock } from "../runtime/clock.ts";
import { readBounded, writeAtomically } from "../runtime/files.ts";
import { causeOf } from "../runtime/cause.ts";
import type { Logger } from "../runtime/log.ts";

export interface Restarts {
  /** Counts one more end of a source that had delivered for so long, 0 for not at all, and gives the pause before the restart; milliseconds. */
  next(deliveredMs: number): number;
}

const firstPauseMs = 30_000;
const longestPauseMs = 10 * 60_000;
/** Who delivered for longer than the longest pause is not failing at its start. */
const goodStretchMs = longestPauseMs;

/** @param path of a file in a folder that the daemon's account may write */
export function openRestarts(path: string, log: Pick<Logger, "warn">): Restarts {
  return {
    next(deliveredMs) {
      const before = deliveredMs >= goodStretchMs ? 0 : endsIn(path);
      try {
        writeAtomically(path, `${before + 1}\n`, 0o640);
      } catch (error) {
        log.warn(`${causeOf(error)}; pauses between restarts do not grow`);
      }
      const doublings = Math.min(before, 16) + (deliveredMs > 0 ? 0 : 1);
      return Math.min(firstPauseMs * 2 ** doublings, longestPauseMs);
    },
  };
}

/** What cannot be read counts as none: the shortest pause is long enough to be harmless. */
function endsIn(path: string): number {
  try {
    const text = readBounded(path, 16).toString("latin1").trim();
    return /^\d{1,9}$/.test(text) ? Number(text) : 0;
  } catch {
    return 0;
  }
}

interface Ended {
  readonly reason: string;
  readonly message: string;
}

/** Resolves when the agent is to end for the sake of this source, early when the signal aborts. */
export async function pauseBeforeRestart(
  { reason, message }: Ended,
  pauseMs: number,
  { clock, log }: { readonly clock: Clock; readonly log: Logger },
  signal: AbortSignal,
): Promise<void> {
  log.error(`${message}; all else goes on, and the agent asks to be started again with root`, {
    reason,
    restart_in_s: Math.round(pauseMs / 1000),
  });
  await clock.sleep(pauseMs, signal);
}
