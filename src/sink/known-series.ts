/** Caches what was made of each series. Programs come and go all day, so entries that are not used any more are dropped. */

export interface KnownSeries<Made> {
  /** What was made of it before, or makes it. */
  get(key: string, make: () => Made): Made;
  /** So many are in use at once. */
  inUse(count: number): void;
}

/** Whatever is in use: a few hundred are worth a hundred kilobytes. */
const least = 500;
/** Of what is in use; then all is forgotten, and what is in use made again, which takes a millisecond. */
const most = 4;

export function createKnownSeries<Made>(): KnownSeries<Made> {
  const known = new Map<string, { readonly made: Made }>();
  let room = least;
  return {
    get(key, make) {
      const before = known.get(key);
      if (before !== undefined) return before.made;
      if (known.size >= room) known.clear();
      const made = make();
      known.set(key, { made });
      return made;
    },
    inUse(count) {
      room = Math.max(room, most * count);
    },
  };
}
