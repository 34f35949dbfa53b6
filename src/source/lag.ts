/**
 * Notices that documents arrive about an interval after their windows' ends. powermetrics writes through a buffer into a pipe, so the
 * end of a document may wait in it until the next document pushes it out; `-b 1` makes it write line by line.
 */

export interface LateDocuments {
  /** Of the document that settled it, milliseconds. */
  readonly lagMs: number;
}

/** Timestamps are whole seconds, truncated: half of one on average. */
const timestampShareMs = 500;
const nearAnInterval = 0.7;
/** Below this, lateness is neither told from the precision of timestamps nor worth a restart. */
const leastLagMs = 1400;
/** That one is late happens on a busy machine, and all that came while this process stood still are late together. */
const documentsInARow = 3;
const intervalsInARow = 1.5;

/** Returns what it noticed, else undefined. A document without a time says nothing. */
export function createLagWatch(
  intervalMs: number,
): (documentMs: number | undefined, receivedAt: number) => LateDocuments | undefined {
  const limit = Math.max(nearAnInterval * intervalMs, leastLagMs) + timestampShareMs;
  let late = 0;
  let since = 0;
  return (documentMs, receivedAt) => {
    if (documentMs === undefined) return undefined;
    const lagMs = receivedAt - documentMs;
    if (lagMs < limit) {
      late = 0;
      return undefined;
    }
    if (late === 0) since = receivedAt;
    late += 1;
    const settled = late >= documentsInARow && receivedAt - since >= intervalsInARow * intervalMs;
    return settled ? { lagMs } : undefined;
  };
}

const key = Buffer.from("<key>timestamp</key>");

/** The end of a document's window, found without reading it whole; milliseconds since the Unix epoch. */
export function documentTime(document: Buffer): number | undefined {
  const at = document.indexOf(key);
  if (at < 0) return undefined;
  const after = document.toString("latin1", at + key.length, at + key.length + 64);
  const date = /^\s{0,8}<date>([0-9TZ:-]{20})<\/date>/.exec(after)?.[1];
  const time = date === undefined ? NaN : Date.parse(date);
  return Number.isNaN(time) ? undefined : time;
}
