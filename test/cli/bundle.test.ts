/** The bundle that users get: complete without any package, the same from the same sources, and quick to start. */
import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { transform } from "esbuild";
import { buildBundle } from "../../scripts/build.ts";
import { namesIn, temporaryFolder } from "./agent.ts";
import { fixedMetrics, temperature } from "./contract.ts";

const manifest = fileURLToPath(new URL("../../package.json", import.meta.url));

test("once --simulate runs from the bundle alone, with an empty environment", async (t) => {
  const folder = join(temporaryFolder(t), "dist");
  await buildBundle(folder);
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [join(folder, "cli.js"), "once", "--simulate"],
    { env: {}, cwd: "/", timeout: 60_000 },
  );
  for (const name of fixedMetrics) assert.ok(name === temperature || namesIn(stdout).has(name), name);
  assert.match(readFileSync(join(folder, "cli.js"), "utf8"), /^#!\/usr\/bin\/env node\n/);
});

test("two builds in different folders are the same bytes and leave nothing else behind", async (t) => {
  const folder = temporaryFolder(t);
  const [one, other] = [join(folder, "one"), join(folder, "another")];
  await Promise.all([buildBundle(one), buildBundle(other)]);
  assert.deepEqual(readdirSync(folder).toSorted(), ["another", "one"]);
  assert.deepEqual(readdirSync(other), readdirSync(one));
  for (const name of readdirSync(one)) {
    assert.ok(readFileSync(join(one, name)).equals(readFileSync(join(other, name))), name);
  }
});

test("a simulated tool loads only its own few files, for it is started every few seconds", async (t) => {
  const folder = join(temporaryFolder(t), "dist");
  const { outputs } = await buildBundle(folder);
  const reached = new Set<string>();
  function reach(path: string): void {
    if (reached.has(path)) return;
    reached.add(path);
    for (const { path: next, kind } of outputs[path]?.imports ?? []) {
      if (kind === "import-statement" || isSimulator(next)) reach(next);
    }
  }
  for (const [path, { entryPoint }] of Object.entries(outputs))
    if (entryPoint === "src/entry.ts") reach(path);
  const bytes = [...reached].reduce((sum, path) => sum + (outputs[path]?.bytes ?? 0), 0);
  assert.ok(reached.size > 2, "the simulator was found");
  assert.ok(bytes < 120_000, `got ${bytes} bytes`);
});

test("the command says which Node.js it needs where that is too old to parse it", async (t) => {
  const folder = join(temporaryFolder(t), "dist");
  const { outputs } = await buildBundle(folder);
  const [entry = ""] =
    Object.entries(outputs).find(([, { entryPoint }]) => entryPoint === "src/entry.ts") ?? [];
  const kinds = outputs[entry]?.imports.filter(({ external }) => external !== true).map(({ kind }) => kind);
  assert.deepEqual(kinds, ["dynamic-import"], "nothing is parsed before the check");
  const text = readFileSync(join(folder, "cli.js"), "utf8");
  const [old, latest] = await Promise.all(["node14", "esnext"].map((target) => transform(text, { target })));
  assert.equal(old?.code, latest?.code, "nothing had to be rewritten for Node.js 14");

  const engines = (JSON.parse(readFileSync(manifest, "utf8")) as { engines: { node: string } }).engines;
  assert.equal(engines.node, ">=24");
  for (const [version, code] of [
    ["20.19.5", 1],
    ["23.11.1", 1],
    ["24.0.0", 0],
    ["100.0.0", 0],
  ] as const) {
    const pretend = `data:text/javascript,Object.defineProperty(process.versions, "node", { value: "${version}" })`;
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ["--import", pretend, join(folder, "cli.js"), "--version"],
      { encoding: "utf8" },
    );
    assert.equal(status, code, stderr);
    if (code === 0) assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
    else
      assert.match(
        stderr,
        new RegExp(`^cannot run mac-powermetrics-agent: node must be 24 or newer, got ${version} at .*\n$`),
      );
  }
});

function isSimulator(path: string): boolean {
  return /\/(cli|simulate|vm-stat)-[A-Z0-9]+\.js$/.test(path);
}
