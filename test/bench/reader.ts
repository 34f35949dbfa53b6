/** Measures what reading a document costs: warm, and at the pace at which documents come. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { message, startProcess } from "./process.ts";
import {
  aimTable,
  comparison,
  median,
  ratioOf,
  type Bench,
  type Figure,
  type Plan,
  type Table,
} from "./report.ts";
import { subjects, type SubjectName } from "./reader-subjects.ts";
import { interleaved } from "./timing.ts";
import { capture, noCaptures, simulated, type Named } from "./workload.ts";
import { disposableFolder } from "../support/folder.ts";

const names = Object.keys(subjects) as SubjectName[];
const ours: SubjectName = "ours: what collectors want (parsePowermetrics)";
const whole: SubjectName = "ours: parse, collect, snapshot";
const theirs: SubjectName = "npm plist";
const endMs = Date.UTC(2026, 0, 1, 12);

/** The document that the aims are stated for, a real Mac's of 450 KB, with a stand-in where the captures are absent. */
const m1pro = "m1pro-macos14.7.2_23H311-default_coalitions_100ms.plist";

function documents(): readonly [Named, ...Named[]] {
  const cpuGpuThermal = simulated({ chip: "m4", samplers: ["cpu_power", "gpu_power", "thermal"] }, endMs);
  const large = simulated(
    { chip: "m3ultra", samplers: ["cpu_power", "gpu_power", "thermal", "tasks"], tasks: 850 },
    endMs,
  );
  const made = [
    { name: "simulated M4, cpu+gpu+thermal", bytes: cpuGpuThermal },
    { name: "simulated M3 Ultra with 850 tasks", bytes: large },
  ];
  if (noCaptures !== undefined)
    return [{ name: "simulated M5 Max", bytes: simulated({ chip: "m5max" }, endMs) }, ...made];
  const captured = [
    "m1-macos13.3_22E252-cpu_gpu_thermal.plist",
    "m3max-macos26.6_25G83-cpu_gpu_thermal-doc3of3.plist",
  ];
  return [
    { name: "capture M1 Pro, default samplers with coalitions", bytes: capture(m1pro) },
    ...captured.map((file) => ({
      name: `capture ${file.split("-")[0] ?? file}, cpu+gpu+thermal`,
      bytes: capture(file),
    })),
    ...made,
  ];
}

export const reader: Bench = {
  name: "reader",
  question: "what does reading a powermetrics document cost?",
  async run(plan) {
    const [first, ...others] = documents();
    const warm: { readonly document: Named; readonly figures: readonly Figure[] }[] = [];
    for (const document of [first, ...others])
      warm.push({ document, figures: await warmFigures(document, plan) });
    const paced = await pacedFigures(first, plan);
    const medium = others.find(({ name }) => name.startsWith("simulated M4"));
    return [
      ...warm.map(({ document, figures }) => warmTable(document, figures)),
      comparison(`${title(first)}, one each 100 ms in a process of its own`, "CPU ms a document", paced),
      aimTable([
        {
          text: `reader against npm plist, ${first.name}, warm: times faster`,
          measured: inverse(ratioOf(rounds(warm[0]?.figures, ours), rounds(warm[0]?.figures, theirs))),
          limit: 30,
          better: "above",
        },
        {
          text: "the same, paced",
          measured: inverse(ratioOf(rounds(paced, ours), rounds(paced, theirs))),
          limit: 30,
          better: "above",
        },
        {
          text: "reader, paced, CPU ms",
          measured: median(rounds(paced, ours) ?? []),
          limit: 1,
          better: "below",
        },
        {
          text: "parse, collect and snapshot of cpu+gpu+thermal, warm, CPU ms",
          measured: median(rounds(warm.find(({ document }) => document === medium)?.figures, whole) ?? []),
          limit: 1.5,
          better: "below",
        },
      ]),
      ...(noCaptures === undefined
        ? []
        : [{ title: "Not compared", columns: [], rows: [], notes: [`skipped: captures (${noCaptures})`] }]),
    ];
  },
};

function title({ name, bytes }: Named): string {
  return `${name}, ${Math.round(bytes.length / 1000)} KB`;
}

function warmTable(document: Named, figures: readonly Figure[]): Table {
  return comparison(`${title(document)}, warm`, "CPU ms a document", figures);
}

async function warmFigures({ name, bytes }: Named, { rounds, tell }: Plan): Promise<readonly Figure[]> {
  tell(`  ${name}`);
  const work = Object.fromEntries(
    names.map((subject) => {
      const read = subjects[subject]();
      return [subject, () => read(bytes)];
    }),
  );
  const figures = await interleaved(work, { rounds, ms: 400 });
  return figures.map(({ subject, rounds: micros }) => ({ subject, rounds: micros.map((one) => one / 1000) }));
}

/** One process a subject and a round; they take turns. */
async function pacedFigures({ bytes }: Named, { rounds, tell }: Plan): Promise<readonly Figure[]> {
  tell("  paced");
  using folder = disposableFolder();
  const file = join(folder.path, "document.plist");
  writeFileSync(file, bytes);
  const found = new Map<SubjectName, number[]>(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++)
    for (const name of names) found.get(name)?.push(await pacedOnce(name, file));
  return names.map((subject) => ({ subject, rounds: found.get(subject) ?? [] }));
}

async function pacedOnce(name: SubjectName, file: string): Promise<number> {
  const script = fileURLToPath(new URL("./reader-process.ts", import.meta.url));
  await using started = startProcess(process.execPath, [script, name, file, "40"], { ipc: true });
  return Number(await message(started)) / 1000;
}

function rounds(figures: readonly Figure[] | undefined, subject: SubjectName): readonly number[] | undefined {
  return figures?.find((figure) => figure.subject === subject)?.rounds;
}

function inverse(ratio: number | undefined): number | undefined {
  return ratio === undefined ? undefined : 1 / ratio;
}
