/** The random number generator: a number in [0, 1), injected so that jitter and simulation are repeatable in tests. */
export type Random = () => number;

export const systemRandom: Random = () => Math.random();
