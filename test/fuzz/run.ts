/** `npm run fuzz`: every subject in turn for some minutes in all, from a drawn seed, or one input again that was found before. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { globSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { environmentFor, optionsOf } from "./options.ts";

const usage = `usage: npm run fuzz -- [--minutes N] [--only FILE] [--test NAME] [--seed N [--path N:N]]

  --minutes N   in all, shared by the files and their tests (10)
  --only FILE   only files with this in their names
  --test NAME   only tests with this in their names; with an --only that matches one file
  --seed N      the inputs of an earlier run, which printed it
  --path N:N    only the input that a failure printed, with its --only, --test and --seed`;

const folder = fileURLToPath(new URL(".", import.meta.url));

interface Asked {
  readonly files: readonly string[];
  readonly minutes: number;
  /** Known before anything runs: a file may die of what it finds. */
  readonly seed: number;
  readonly env: Readonly<Record<string, string>>;
}

/** @throws Error for the first that is wrong */
function asked(): Asked | "help" {
  const { values } = parseArgs({
    options: {
      minutes: { type: "string", default: "10" },
      only: { type: "string", default: "" },
      test: { type: "string" },
      seed: { type: "string" },
      path: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const { only, help, ...given } = values;
  if (help) return "help";
  const checked = optionsOf(given, (key) => `--${key}`);
  const seed = given.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : checked.seed;
  const subjects = globSync("*.test.ts", { cwd: folder }).toSorted();
  const files = subjects.filter((name) => name.includes(only));
  const names = subjects.map((name) => name.replace(".test.ts", "")).join(", ");
  if (files.length === 0) throw new Error(`--only must be part of one of ${names}, got ${only}`);
  if (given.test !== undefined && files.length > 1)
    throw new Error(`--test must come with an --only that matches one of ${names}, got ${only || "none"}`);
  const minutes = Number(given.minutes);
  const env = environmentFor({ ...given, seed: String(seed), minutes: String(minutes / files.length) });
  return { files, minutes, seed, env };
}

async function run({ files, minutes, seed, env }: Asked): Promise<number> {
  console.log(`${files.length} subjects, ${(minutes / files.length).toFixed(1)} minutes each, seed ${seed}`);
  const child = spawn(
    process.execPath,
    ["--test", "--test-concurrency=1", "--test-reporter=spec", ...files.map((name) => folder + name)],
    { env: { ...process.env, ...env }, stdio: "inherit" },
  );
  const [code] = (await once(child, "exit")) as [number | null];
  return code ?? 1;
}

try {
  const what = asked();
  if (what === "help") console.log(usage);
  else process.exitCode = await run(what);
} catch (error) {
  const cause = error instanceof Error ? error.message.replaceAll("\n", " ") : String(error);
  console.error(`cannot fuzz: ${cause} (npm run fuzz -- --help)`);
  process.exitCode = 2;
}
