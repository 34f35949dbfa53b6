/** Counts what a batch leaves out, by reason. */

export interface Drops<Reason extends string> {
  /** Reasons with a count of zero are left out. */
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
