/** The workflow for real Macs: YAML without logic, and its scripts, run here against stub tools as no Mac has run them yet. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import {
  accessSync,
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import test, { type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { z } from "zod";
import { buildBundle } from "../../scripts/build.ts";
import { writeStubTools } from "../command/stub-mac.ts";
import { temporaryFolder } from "../support/folder.ts";
import { freePort } from "../support/free-port.ts";
import { findReceiver, skipWithout } from "../support/receivers.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const scripts = readdirSync(join(root, ".ci/mac")).filter((name) => !name.includes("."));
const skip = process.platform !== "linux" && "the stub launchctl looks at /proc";

const step = z.union([
  z.strictObject({ name: z.string(), if: z.literal("always()").optional(), run: z.string() }),
  z.strictObject({
    uses: z.string(),
    if: z.literal("always()").optional(),
    with: z.record(z.string(), z.union([z.string(), z.boolean()])),
  }),
]);
const workflow = z.strictObject({
  name: z.string(),
  on: z.strictObject({
    push: z.strictObject({ branches: z.array(z.string()) }),
    pull_request: z.null(),
    workflow_dispatch: z.null(),
  }),
  permissions: z.strictObject({ contents: z.literal("read") }),
  concurrency: z.strictObject({ group: z.string(), "cancel-in-progress": z.literal(true) }),
  jobs: z.strictObject({
    mac: z.strictObject({
      strategy: z.strictObject({
        "fail-fast": z.literal(false),
        matrix: z.strictObject({ runner: z.array(z.string()) }),
      }),
      "runs-on": z.literal("${{ matrix.runner }}"),
      "timeout-minutes": z.number(),
      env: z.record(z.string(), z.string()),
      steps: z.array(step),
    }),
  }),
});

test("the workflow has only scripts for steps, all of them, and pins what it uses by commit", () => {
  const text = readFileSync(join(root, ".github/workflows/mac.yml"), "utf8");
  const { mac } = workflow.parse(parse(text)).jobs;
  assert.deepEqual(mac.strategy.matrix.runner, ["macos-15", "macos-15-intel"]);
  const commands = mac.steps.flatMap((one) => ("run" in one ? [one.run] : []));
  const names = commands.map(
    (command) => /^bash \.ci\/mac\/(\w+)$/.exec(command)?.[1] ?? assert.fail(command),
  );
  assert.deepEqual(names.toSorted(), scripts.toSorted());
  for (const name of names) accessSync(join(root, ".ci/mac", name), constants.X_OK);
  for (const one of mac.steps) if ("uses" in one) assert.match(one.uses, /^[\w-]+\/[\w-]+@[0-9a-f]{40}$/);
  for (const line of text.split("\n").filter((one) => one.includes("uses:")))
    assert.match(line, / # v\d+\.\d+\.\d+$/);
});

interface Said {
  readonly code: number;
  /** Both streams. */
  readonly text: string;
}

/** A checkout with the scripts, the packages, and whatever else a test puts there. */
function checkout(t: TestContext): { here: string; run: (script: string, env?: object) => Promise<Said> } {
  const here = join(temporaryFolder(t), "checkout");
  mkdirSync(join(here, "bin"), { recursive: true });
  cpSync(join(root, ".ci/mac"), join(here, ".ci/mac"), { recursive: true });
  cpSync(join(root, "package.json"), join(here, "package.json"));
  symlinkSync(join(root, "node_modules"), join(here, "node_modules"));
  const npmFolder = dirname(findReceiver("npm") ?? "/usr/bin/npm");
  const PATH = `${join(here, "bin")}:${dirname(process.execPath)}:${npmFolder}:/usr/bin:/bin`;
  return {
    here,
    run: (script, env = {}) =>
      new Promise((resolve) => {
        const options = { env: { PATH, HOME: here, npm_config_offline: "true", ...env } };
        execFile("bash", [join(here, ".ci/mac", script)], options, (error, stdout, stderr) =>
          resolve({ code: error === null ? 0 : Number(error.code), text: stdout + stderr }),
        );
      }),
  };
}

function writeProgram(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text, { mode: 0o755 });
}

test(
  "packages are installed by npm ci, and another Node.js than the locked one fails",
  { skip: skip || skipWithout("npm") },
  async (t) => {
    const { here, run } = checkout(t);
    writeProgram(join(here, "bin/npm"), '#!/bin/sh\necho "npm $*" >>"$HOME/calls"\n');
    const good = await run("packages");
    assert.equal(good.code, 0, good.text);
    assert.match(readFileSync(join(here, "calls"), "utf8"), /^npm ci /m);
    const manifest = readFileSync(join(here, "package.json"), "utf8");
    writeFileSync(join(here, "package.json"), manifest.replace(/"node": "[\d.]+"/, '"node": "25.0.0"'));
    const other = await run("packages");
    assert.equal(other.code, 1);
    assert.match(other.text, /^unexpected node in node_modules: got v\d.*, want v25\.0\.0$/m);
  },
);

test("the output of the tests is kept, and their failure is the step's", { skip }, async (t) => {
  const { here, run } = checkout(t);
  writeProgram(join(here, "bin/npm"), "#!/bin/sh\necho one test failed\nexit 3\n");
  assert.equal((await run("tests")).code, 3);
  assert.equal(readFileSync(join(here, "reports/tests.log"), "utf8"), "one test failed\n");
});

const smallCli = `#!/usr/bin/env node
import { writeFileSync } from "node:fs";
const [verb, ...args] = process.argv.slice(2);
if (verb === "--version") console.log(VERSION);
else if (verb === "once") console.log("powermetrics_info 1");
else if (verb === "doctor") { if (REPORT) writeFileSync(args.at(-1), "{}"); process.exitCode = 1; }
`;

test("the package is packed, installed globally and run", { skip: skip || skipWithout("npm") }, async (t) => {
  const { here, run } = checkout(t);
  const { name, version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    name: string;
    version: string;
  };
  const write = (printed: string): void => {
    const build = `import { mkdirSync, writeFileSync } from "node:fs";
      mkdirSync("dist");
      writeFileSync("dist/cli.js", ${JSON.stringify(smallCli.replace("VERSION", JSON.stringify(printed)))});`;
    writeProgram(join(here, "build.js"), build);
  };
  const manifest = {
    name,
    version,
    type: "module",
    bin: { [name]: "dist/cli.js" },
    files: ["dist"],
    scripts: { prepack: "node build.js" },
  };
  writeFileSync(join(here, "package.json"), JSON.stringify(manifest));
  write(version);
  const good = await run("package");
  assert.equal(good.code, 0, good.text);
  assert.match(readFileSync(join(here, "reports/package.txt"), "utf8"), /^package\/dist\/cli\.js$/m);
  assert.match(good.text, new RegExp(`installed and ran version ${version}\n$`));
  write("0.0.1");
  const other = await run("package");
  assert.equal(other.code, 1);
  assert.ok(other.text.includes(`unexpected version: got 0.0.1, want ${version}`), other.text);
});

test("a finding of doctor --deep is no failure, and no report is one", { skip }, async (t) => {
  const { here, run } = checkout(t);
  const cli = (report: boolean): string => smallCli.replace("REPORT", String(report)).replace("VERSION", "1");
  writeProgram(join(here, "dist/cli.js"), cli(true));
  const good = await run("doctor");
  assert.equal(good.code, 0, good.text);
  assert.ok(existsSync(join(here, "reports/doctor-deep.json")));
  writeProgram(join(here, "dist/cli.js"), cli(false));
  const none = await run("doctor");
  assert.equal(none.code, 1);
  assert.match(none.text, /doctor --deep must write a report to /);
});

test(
  "the daemon is installed, reloads, is upgraded and goes, and leaves nothing behind",
  { skip },
  async (t) => {
    const { here, run } = checkout(t);
    const prefix = join(here, "mac");
    writeStubTools(prefix);
    await buildBundle(join(here, "dist"));
    const { code, text } = await run("service", { MAC_PREFIX: prefix, MAC_PORT: String(await freePort()) });
    assert.equal(code, 0, text);
    assert.match(text, /the agent came, reloaded, was upgraded and went\n$/);
    assert.match(readFileSync(join(here, "reports/agent.log"), "utf8"), /configuration read again/);
    assert.equal(
      (JSON.parse(readFileSync(join(here, "reports/status.json"), "utf8")) as { ready: unknown }).ready,
      true,
    );
    assert.equal(existsSync(join(prefix, "job")), false);
  },
);
