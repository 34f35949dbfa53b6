/** Owns how work inside this process is timed: CPU of all threads, so that what the collector of garbage does counts. */

/** CPU microseconds a call, over at least `ms` milliseconds of them. */
export function cpuMicros(work: () => unknown, ms: number): number {
  const before = process.cpuUsage();
  const until = performance.now() + ms;
  let calls = 0;
  do {
    work();
    calls++;
  } while (performance.now() < until);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / calls;
}

/** Each subject in every round, in turns, after one round that does not count. */
export function interleaved<Subject extends string>(
  subjects: Readonly<Record<Subject, () => unknown>>,
  { rounds, ms }: { readonly rounds: number; readonly ms: number },
): Readonly<Record<Subject, readonly number[]>> {
  const names = Object.keys(subjects) as Subject[];
  const found = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Subject, number[]>;
  for (const name of names) cpuMicros(subjects[name], ms / 2);
  for (let round = 0; round < rounds; round++) {
    for (const name of names) found[name].push(cpuMicros(subjects[name], ms));
  }
  return found;
}
