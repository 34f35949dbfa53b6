/**
 * Runs `npm run bench [-- NAME… --rounds N --seconds N --warmup N --scale X --write --compare FILE]`: runs the named
 * benchmarks, or all, prints their tables, and with `--write` puts a full run into RESULTS.md. With `--compare` it says in
 * the end which ratios differ from those of an earlier report, and fails where one does by more than a quarter.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { agent } from "./agent.ts";
import { agreementOf } from "./compare.ts";
import { drain } from "./drain.ts";
import { encode } from "./encode.ts";
import { ioreg } from "./ioreg.ts";
import { journal } from "./journal.ts";
import { machine } from "./machine.ts";
import { peers } from "./peers.ts";
import { profile } from "./profile.ts";
import { reader } from "./reader.ts";
import { markdown, type Bench, type Plan } from "./report.ts";
import { scrape } from "./scrape.ts";
import { scrapePeers } from "./scrape-peers.ts";
import { startup } from "./startup.ts";

const benches: readonly Bench[] = [
  reader,
  encode,
  journal,
  drain,
  startup,
  scrape,
  agent,
  profile,
  ioreg,
  peers,
  scrapePeers,
];

const usage = `npm run bench -- [NAME…] [--rounds N] [--seconds N] [--warmup N] [--scale X] [--write] [--compare FILE]

${benches.map(({ name, question }) => `  ${name.padEnd(12)} ${question}`).join("\n")}
`;

function readArguments() {
  try {
    return parseArgs({ allowPositionals: true, options });
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    process.exit(2);
  }
}

const options = {
  help: { type: "boolean", default: false },
  rounds: { type: "string" },
  seconds: { type: "string" },
  warmup: { type: "string" },
  scale: { type: "string", default: "1" },
  write: { type: "boolean", default: false },
  compare: { type: "string" },
} as const;

const { values, positionals } = readArguments();
if (values.help) {
  process.stdout.write(usage);
  process.exit();
}

/** What the command asks for. */
const asked = {
  ...(values.rounds !== undefined && { rounds: Number(values.rounds) }),
  ...(values.seconds !== undefined && { seconds: Number(values.seconds) }),
  ...(values.warmup !== undefined && { warmupSeconds: Number(values.warmup) }),
};

const plan: Plan = {
  ...{ rounds: 3, seconds: 20, warmupSeconds: 100, ...asked },
  scale: Number(values.scale),
  tell: (text) => void process.stderr.write(`${text}\n`),
};

/** One line for each thing that is wrong with the command. */
function mistakes(): readonly string[] {
  const names = benches.map(({ name }) => name);
  const unknown = positionals.filter((name) => !names.includes(name));
  return [
    ...unknown.map((name) => `benchmark must be one of ${names.join(", ")}, got ${name}`),
    ...(plan.rounds >= 3 ? [] : [`--rounds must be at least 3, got ${plan.rounds}`]),
    ...(plan.seconds > 0 ? [] : [`--seconds must be positive, got ${plan.seconds}`]),
    ...(plan.warmupSeconds >= 0 ? [] : [`--warmup must not be negative, got ${plan.warmupSeconds}`]),
    ...(plan.scale > 0 ? [] : [`--scale must be positive, got ${values.scale}`]),
    ...(values.write && positionals.length > 0
      ? ["--write must go without names: it writes a full run"]
      : []),
    ...(values.compare === undefined || existsSync(values.compare)
      ? []
      : [`--compare must name a report of an earlier run, got ${values.compare}`]),
  ];
}

function windowsOf({ rounds, seconds, warmupSeconds }: Plan): string {
  return `${rounds} rounds of ${seconds} s after ${warmupSeconds} s`;
}

async function report(chosen: readonly Bench[]): Promise<string> {
  const command = [
    "npm run bench",
    ...(process.argv.length > 2 ? ["--", ...process.argv.slice(2)] : []),
  ].join(" ");
  const sections = [
    "# Benchmarks",
    `\`${command}\` on ${new Date().toISOString().slice(0, 10)}: ${machine()}.`,
    `Medians of ${plan.rounds} interleaved rounds and half the distance between the extremes; only ratios carry over to other machines. ` +
      `Running processes: ${windowsOf(plan)}, where a part says nothing else; bulk work at ${plan.scale} of its full size.`,
  ];
  for (const text of sections) process.stdout.write(`${text}\n\n`);
  for (const bench of chosen) {
    plan.tell(`${bench.name}: ${bench.question}`);
    const own = { ...plan, ...bench.plan, ...asked };
    const tables = await bench.run(own);
    const section = [
      `## ${bench.name}: ${bench.question}\n`,
      ...(bench.plan === undefined ? [] : [`${windowsOf(own)}.\n`]),
      ...tables.map(markdown),
    ].join("\n");
    process.stdout.write(`${section}\n`);
    sections.push(section.trimEnd());
  }
  return `${sections.join("\n\n")}\n`;
}

const wrong = mistakes();
if (wrong.length > 0) {
  process.stderr.write(`${wrong.join("\n")}\n`);
  process.exitCode = 2;
} else {
  // Read first: it may be the file that is written.
  const before = values.compare === undefined ? undefined : readFileSync(values.compare, "utf8");
  let text = await report(
    benches.filter(({ name }) => positionals.length === 0 || positionals.includes(name)),
  );
  if (before !== undefined) {
    const { agrees, table } = agreementOf(text, before);
    const section = `## twice: do two runs agree?\n\n${markdown(table)}`.trimEnd();
    process.stdout.write(`${section}\n`);
    text += `\n${section}\n`;
    if (!agrees) process.exitCode = 1;
  }
  if (values.write) writeFileSync(new URL("RESULTS.md", import.meta.url), text);
}
