/** Counts what a batch leaves out, by reason. */

export interface Drops<Reason extends string> {
  /** Nothing for a count of 0: a reason that never was is not told. */
  add(reason: Reason, count: number): void;
  counts(): Readonly<Record<string, number>>;
}

export function createDrops<Reason extends string>(): Drops<Reason> {
  const dropped = new Map<Reason, number>();
  return {
    add(reason, count) {
      if (count > 0) dropped.set(reason, (dropped.get(reason) ?? 0) + count);
    },
    counts: () => Object.fromEntries(dropped),
  };
}
