/** Measures what the source ioreg adds to an agent as it is by default: two agents with it and two without, all at once. */
import { bundled, startAgent, untilAnswer } from "./agent-process.ts";
import { noProc } from "./process.ts";
import { amount, ratioOf, withSpread, type Bench, type Table } from "./report.ts";
import { costTable, costsOf, measureAll, type Measured, type Subject } from "./windows.ts";

/** A laptop, which has a battery's gauge and a GPU to ask. */
const chip = "m4pro";
/** The default. */
const intervalSeconds = 10;
/** Two of the same show what is noise. */
const pairs = ["first", "second"] as const;
const kinds = ["with ioreg", "without"] as const;

export const ioreg: Bench = {
  name: "ioreg",
  question: "what does the source ioreg add to the default profile?",
  async run(plan) {
    if (noProc !== undefined)
      return [{ title: "With and without ioreg", columns: [], rows: [], notes: [`skipped: ${noProc}`] }];
    await using running = new AsyncDisposableStack();
    const { program } = running.use(await bundled());
    const subjects: Subject[] = [];
    const answers: Promise<unknown>[] = [];
    for (const pair of pairs)
      for (const kind of kinds) {
        const withoutIoreg = kind === "without";
        const started = running.use(await startAgent({ program, intervalSeconds, chip, withoutIoreg }));
        subjects.push({ name: nameOf(kind, pair), process: started });
        answers.push(untilAnswer(`${started.origin}/metrics`, "powermetrics_info", started));
      }
    await Promise.all(answers);
    const measured = await measureAll(subjects, plan);
    return [
      costTable("The default profile on a simulated M4 Pro, all at once", measured, [
        "powermetrics and vm_stat each 10 s, sysctl each 30 s, pmset and ioreg each 60 s; no sink configured",
        "of the agent's own process; ioreg itself, which runs twice a minute, is another one and not in it",
      ]),
      difference(measured),
    ];
  },
};

const nameOf = (kind: (typeof kinds)[number], pair: (typeof pairs)[number]): string => `${kind}, ${pair}`;

const costs = [
  ["CPU s/h", "cpuSecondsPerHour"],
  ["wakeups/s", "wakeupsPerSecond"],
  ["RSS MB", "rssMb"],
  ["private MB", "privateMb"],
] as const;

/** Round by round, of both pairs together. */
function difference(measured: readonly Measured[]): Table {
  return {
    title: "With ioreg beside without",
    columns: ["", "with", "without", "with ÷ without", "first ÷ second of the same"],
    rows: costs.map(([words, key]) => {
      const [withIt, without] = kinds.map((kind) =>
        pairs.flatMap((pair) => costsOf(measured, nameOf(kind, pair), key) ?? []),
      );
      const noise = kinds.map((kind) =>
        ratioOf(
          costsOf(measured, nameOf(kind, "first"), key),
          costsOf(measured, nameOf(kind, "second"), key),
        ),
      );
      return [
        words,
        withSpread(withIt ?? []),
        withSpread(without ?? []),
        amount(ratioOf(withIt, without)),
        noise.map(amount).join(", "),
      ];
    }),
  };
}
