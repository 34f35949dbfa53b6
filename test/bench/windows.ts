/** Measures processes side by side: all run at once, warm up together, and are read at the borders of each round. */
import { setTimeout as wait } from "node:timers/promises";
import { costBetween, readProcess, type Cost, type Reading, type Started } from "./process.ts";
import { median, withSpread, type Plan, type Table } from "./report.ts";

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
