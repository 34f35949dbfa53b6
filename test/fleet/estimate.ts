/** Computes from the measurements what a fleet must be set to, and how long it takes; pure. */

/** The longest random delay between wake and the first request, see src/delivery/loop.ts. */
export const jitterSeconds = 30;

/** The part of its capacity that a herd may take; the rest is for queries, and for live data that comes meanwhile. */
export const herdShare = 1 / 2;

/** Samples a second of a fleet that is awake. */
export function liveRate(series: number, intervalMs: number): number {
  return (series * 1000) / intervalMs;
}

/**
 * Samples a second and Mac; absent when live data alone takes as much.
 *
 * @param capacity samples a second that the receiver carries
 * @param live samples a second of all Macs together
 */
export function fittingRate(capacity: number, live: number, hosts: number): number | undefined {
  const rate = Math.floor((capacity * herdShare - live) / hosts);
  return rate >= 1 ? rate : undefined;
}

/** At most: who waits longest before the first request, and sends at its drain rate from then on. */
export function secondsToDrain(backlogOfOne: number, drainRate: number): number {
  return backlogOfOne / drainRate + jitterSeconds;
}

/** A Mac's newest snapshots go as live ones, and the drain rate tells it to wait after a batch of the oldest, not before. */
export const freeBatches = 2;

/** Samples a second while the jitter lasts, as large as its drain rate lets a batch be. */
export function firstRush(hosts: number, batch: number): number {
  return (hosts * freeBatches * batch) / jitterSeconds;
}

/** Macs whose live data costs as much as `cores`, when `hosts` of them cost `dayCores`; absent when that is too little to tell. */
export function hostsOn(cores: number, hosts: number, dayCores: number): number | undefined {
  return dayCores > 0 && cores > 0 ? (hosts * cores) / dayCores : undefined;
}
