/**
 * Owns the guard against a wrong clock here. A sample far in the receiver's future would be accepted by some and make
 * every healthy host's samples "out of bounds" afterwards (WIRE.md, section 1), so such samples are held.
 */

/** Samples this far ahead of the receiver are held; Prometheus itself refuses from 10 minutes on. */
const aheadLimitMs = 5 * 60_000;

/** The newest sample time that may be sent now; unlimited while the receiver has not told its time. */
export function newestSendable(nowMs: number, skewMs: number | undefined): number {
  return skewMs === undefined ? Infinity : nowMs + skewMs + aheadLimitMs;
}

/** The first run of snapshots that may be sent: held ones before it are stepped over, held ones behind it wait. */
export function firstSendable<S extends { readonly time: number }>(
  snapshots: readonly S[],
  newest: number,
): readonly S[] {
  const start = snapshots.findIndex(({ time }) => time <= newest);
  if (start < 0) return [];
  const rest = snapshots.slice(start);
  const end = rest.findIndex(({ time }) => time > newest);
  return end < 0 ? rest : rest.slice(0, end);
}
