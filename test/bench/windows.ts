/** Measures processes side by side: all run at once, warm up together, and are read at the borders of each round. */
import { setTimeout as wait } from "node:timers/promises";
import { costBetween, readProcess, type Cost, type Reading, type Started } from "./process.ts";
import { amount, median, ratioOf, withSpread, type Plan, type Table } from "./report.ts";

export interface Subject {
  readonly name: string;
  readonly process: Started;
  /** Bytes and samples that reached the receiver so far; absent for what pushes nothing. */
  readonly received?: () => Promise<Received>;
}

export interface Received {
  readonly bytes: number;
  readonly samples: number;
  readonly requests: number;
}

export interface Measured {
  readonly name: string;
  readonly costs: readonly Cost[];
  /** Length of all rounds together. */
  readonly seconds: number;
  /** In all rounds together, since requests are few. */
  readonly received?: Received;
}

export async function measureAll(subjects: readonly Subject[], plan: Plan): Promise<readonly Measured[]> {
  plan.tell(
    `  ${subjects.length} processes: ${plan.warmupSeconds} s and ${plan.rounds} rounds of ${plan.seconds} s`,
  );
  await wait(plan.warmupSeconds * 1000);
  const costs = subjects.map((): Cost[] => []);
  const first = await receivedOf(subjects);
  const start = performance.now();
  for (let round = 0; round < plan.rounds; round++) {
    const began = performance.now();
    const before = subjects.map(readSubject);
    await wait(plan.seconds * 1000);
    const seconds = (performance.now() - began) / 1000;
    subjects.forEach((subject, at) => {
      const reading = before[at];
      if (reading !== undefined) costs[at]?.push(costBetween(reading, readSubject(subject), seconds));
    });
  }
  const seconds = (performance.now() - start) / 1000;
  const last = await receivedOf(subjects);
  return subjects.map(({ name }, at) => ({
    name,
    costs: costs[at] ?? [],
    seconds,
    ...since(first[at], last[at]),
  }));
}

/** At once: one after the other, fifteen agents take half a minute. */
export async function endAll(subjects: readonly Subject[]): Promise<void> {
  await Promise.all(subjects.map(({ process }) => process[Symbol.asyncDispose]()));
}

function readSubject({ name, process: { pid, child, complaint } }: Subject): Reading {
  if (child.exitCode === null && child.signalCode === null) return readProcess(pid);
  throw new Error(`cannot measure ${name}: it has ended; ${complaint()}`);
}

function receivedOf(subjects: readonly Subject[]): Promise<readonly (Received | undefined)[]> {
  return Promise.all(subjects.map(async ({ received }) => received?.()));
}

function since(first: Received | undefined, last: Received | undefined): Pick<Measured, "received"> {
  if (first === undefined || last === undefined) return {};
  return {
    received: {
      bytes: last.bytes - first.bytes,
      samples: last.samples - first.samples,
      requests: last.requests - first.requests,
    },
  };
}

export function costsOf(
  measured: readonly Measured[],
  name: string,
  key: keyof Cost,
): readonly number[] | undefined {
  return measured.find((one) => one.name === name)?.costs.map((cost) => cost[key]);
}

export function costTable(
  title: string,
  measured: readonly Measured[],
  notes: readonly string[] = [],
): Table {
  return {
    title,
    columns: ["", "CPU s/h", "% of a core", "wakeups/s", "RSS MB", "private MB", "B/sample on the wire"],
    rows: measured.map(({ name, costs, received }) => [
      name,
      withSpread(costs.map(({ cpuSecondsPerHour }) => cpuSecondsPerHour)),
      (median(costs.map(({ cpuSecondsPerHour }) => cpuSecondsPerHour)) / 36).toFixed(3),
      withSpread(costs.map(({ wakeupsPerSecond }) => wakeupsPerSecond)),
      withSpread(costs.map(({ rssMb }) => rssMb)),
      withSpread(costs.map(({ privateMb }) => privateMb)),
      wire(received),
    ]),
    notes,
  };
}

function wire(received: Received | undefined): string {
  if (received === undefined) return "";
  return received.samples === 0 ? "nothing came" : (received.bytes / received.samples).toFixed(1);
}

/** What these cost together, round by round; undefined where one of them was not measured. */
export function together(
  measured: readonly Measured[],
  name: string,
  parts: readonly string[],
): Measured | undefined {
  const found = parts.flatMap((part) => measured.filter((one) => one.name === part));
  const [first, ...others] = found;
  if (first === undefined || found.length < parts.length) return undefined;
  return others.reduce((sum, one) => ({ ...sum, ...added(sum, one) }), { ...first, name });
}

function added(some: Measured, other: Measured): Pick<Measured, "costs" | "received"> {
  const costs = some.costs.flatMap((cost, round) => {
    const more = other.costs[round];
    return more === undefined ? [] : [addedCost(cost, more)];
  });
  const received = addedReceived(some.received, other.received);
  return { costs, ...(received && { received }) };
}

function addedCost(some: Cost, more: Cost): Cost {
  return {
    cpuSecondsPerHour: some.cpuSecondsPerHour + more.cpuSecondsPerHour,
    wakeupsPerSecond: some.wakeupsPerSecond + more.wakeupsPerSecond,
    rssMb: some.rssMb + more.rssMb,
    privateMb: some.privateMb + more.privateMb,
  };
}

function addedReceived(some: Received | undefined, more: Received | undefined): Received | undefined {
  if (some === undefined || more === undefined) return some ?? more;
  return {
    bytes: some.bytes + more.bytes,
    samples: some.samples + more.samples,
    requests: some.requests + more.requests,
  };
}

/**
 * One subject divided by each of the others; the title says by "divided by" that these are ratios.
 *
 * @param onTheWire whose bytes a sample are compared, where not its own
 */
export function ratioTable(
  title: string,
  measured: readonly Measured[],
  mine: string,
  others: readonly string[],
  onTheWire = mine,
): Table {
  const ratio = (name: string, key: keyof Cost): string =>
    amount(ratioOf(costsOf(measured, mine, key), costsOf(measured, name, key)));
  return {
    title,
    columns: ["", "CPU", "wakeups", "RSS", "private", "wire"],
    rows: others.map((name) => [
      name,
      ratio(name, "cpuSecondsPerHour"),
      ratio(name, "wakeupsPerSecond"),
      ratio(name, "rssMb"),
      ratio(name, "privateMb"),
      amount(wireRatio(measured, onTheWire, name)),
    ]),
  };
}

/** Of bytes a sample. */
export function wireRatio(measured: readonly Measured[], mine: string, other: string): number | undefined {
  const [own, theirs] = [perSample(measured, mine), perSample(measured, other)];
  return own === undefined || theirs === undefined ? undefined : own / theirs;
}

function perSample(measured: readonly Measured[], name: string): number | undefined {
  const received = measured.find((one) => one.name === name)?.received;
  return received === undefined || received.samples === 0 ? undefined : received.bytes / received.samples;
}
