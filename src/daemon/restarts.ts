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
  /** Whether powermetrics is to write line by line, as an earlier life found. */
  readonly lineBuffered: boolean;
  /** For the lives that follow; false when it cannot be kept. */
  remember(): boolean;
}

const firstPauseMs = 30_000;
const longestPauseMs = 10 * 60_000;
/** Who delivered for longer than the longest pause is not failing at its start. */
const goodStretchMs = longestPauseMs;

/** @param path of a file in a folder that the daemon's account may write */
export function openRestarts(path: string, log: Pick<Logger, "warn">): Restarts {
  function write(kept: Kept): string | undefined {
    try {
      writeAtomically(path, `${kept.ends}\n${kept.lineBuffered ? `${lineBufferedMark}\n` : ""}`, 0o640);
      return undefined;
    } catch (error) {
      return causeOf(error);
    }
  }

  return {
    next(deliveredMs) {
      const { ends, lineBuffered } = readKept(path);
      const before = deliveredMs >= goodStretchMs ? 0 : ends;
      const failure = write({ ends: before + 1, lineBuffered });
      if (failure !== undefined) log.warn(`${failure}; pauses between restarts do not grow`);
      const doublings = Math.min(before, 16) + (deliveredMs > 0 ? 0 : 1);
      return Math.min(firstPauseMs * 2 ** doublings, longestPauseMs);
    },
    get lineBuffered() {
      return readKept(path).lineBuffered;
    },
    remember: () => write({ ...readKept(path), lineBuffered: true }) === undefined,
  };
}

interface Kept {
  readonly ends: number;
  readonly lineBuffered: boolean;
}

const lineBufferedMark = "line buffered";

/** What cannot be read counts as nothing: the shortest pause is long enough to be harmless. */
function readKept(path: string): Kept {
  try {
    const [count = "", mark] = readBounded(path, 64).toString("latin1").split("\n");
    const ends = /^\d{1,9}$/.test(count) ? Number(count) : 0;
    return { ends, lineBuffered: mark === lineBufferedMark };
  } catch {
    return { ends: 0, lineBuffered: false };
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
