/** Randomness that is a pure function of (seed, channel, time), so that separate processes agree. */

/** A number in [0, 1) that depends on nothing but its arguments. */
export function chance(seed: number, channel: number, index: number): number {
  let mixed = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(channel + 1, 0xc2b2ae35);
  mixed = Math.imul(mixed ^ (mixed >>> 15) ^ (index >>> 0), 0x2c1b3c6d);
  mixed = Math.imul(mixed ^ (mixed >>> 12) ^ Math.floor(index / 2 ** 32), 0x297a2d39);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x1b873593);
  return ((mixed ^ (mixed >>> 13)) >>> 0) / 2 ** 32;
}

/** Smooth noise in [0, 1): lattice points every `period` ms, eased in between. */
export function noise(seed: number, channel: number, timeMs: number, period: number): number {
  const cell = Math.floor(timeMs / period);
  const within = timeMs / period - cell;
  const eased = within * within * (3 - 2 * within);
  const from = chance(seed, channel, cell);
  return from + (chance(seed, channel, cell + 1) - from) * eased;
}

/**
 * A sum that only grows, by `perSecond` on average. It is the integral of a rate between 0 and twice the mean, known in
 * closed form: the lattice point of cell k lies at k plus a chance in [0, 1), so points never change places.
 */
export function accrued(seed: number, channel: number, timeMs: number, perSecond: number): number {
  const slow = latticeTime(seed, channel, timeMs, 300_000);
  const fast = latticeTime(seed, channel + 1000, timeMs, 7_000);
  return ((slow * 0.6 + fast * 0.4) / 1000) * perSecond;
}

function latticeTime(seed: number, channel: number, timeMs: number, period: number): number {
  const cell = Math.floor(timeMs / period);
  const from = cell + chance(seed, channel, cell);
  const to = cell + 1 + chance(seed, channel, cell + 1);
  return (from + (to - from) * (timeMs / period - cell)) * period;
}

export function clamp(value: number, low = 0, high = 1): number {
  return Math.min(high, Math.max(low, value));
}
