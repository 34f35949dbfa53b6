/** Times work inside this process: CPU of all threads, so that the garbage collector's counts. */

/** CPU microseconds a call, over at least `ms` milliseconds of them. A promise is waited for. */
export async function cpuMicros(work: () => unknown, ms: number): Promise<number> {
  const before = process.cpuUsage();
  const until = performance.now() + ms;
  let calls = 0;
  do {
    const result = work();
    if (result instanceof Promise) await result;
    calls++;
  } while (performance.now() < until);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / calls;
}

/** Each subject in every round, in turns, after one round that does not count. */
export async function interleaved<Subject extends string>(
  subjects: Readonly<Record<Subject, () => unknown>>,
  { rounds, ms }: { readonly rounds: number; readonly ms: number },
): Promise<readonly { readonly subject: Subject; readonly rounds: readonly number[] }[]> {
  const names = Object.keys(subjects) as Subject[];
  const figures = names.map((subject) => ({ subject, rounds: [] as number[] }));
  for (const name of names) await cpuMicros(subjects[name], ms / 2);
  for (let round = 0; round < rounds; round++) {
    for (const figure of figures) figure.rounds.push(await cpuMicros(subjects[figure.subject], ms));
  }
  return figures;
}
