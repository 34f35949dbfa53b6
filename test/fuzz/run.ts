/** Owns `npm run fuzz -- --minutes N`: every subject in turn, N minutes in all; `--seed` repeats, `--only` chooses files. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { globSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    seed: { type: "string" },
    only: { type: "string", default: "" },
  },
});
const folder = fileURLToPath(new URL(".", import.meta.url));
const files = globSync("*.test.ts", { cwd: folder })
  .filter((name) => name.includes(values.only))
  .toSorted();
const minutes = Number(values.minutes);
if (!(minutes > 0) || files.length === 0) {
  console.error(`--minutes must be above 0, got ${values.minutes}; --only must match a file of ${folder}`);
  process.exit(2);
}

console.log(`${files.length} subjects, ${(minutes / files.length).toFixed(1)} minutes each`);
const child = spawn(
  process.execPath,
  ["--test", "--test-concurrency=1", "--test-reporter=spec", ...files.map((name) => folder + name)],
  {
    env: {
      ...process.env,
      FUZZ_MINUTES: String(minutes / files.length),
      ...(values.seed !== undefined && { FUZZ_SEED: values.seed }),
    },
    stdio: "inherit",
  },
);
const [code] = (await once(child, "exit")) as [number | null];
process.exitCode = code ?? 1;
