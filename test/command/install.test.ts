import test from "node:test";
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { cpSync, existsSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { join } from "node:path";
import { buildBundle } from "../../scripts/build.ts";
import { layoutUnder, type Layout } from "../../src/daemon/layout.ts";
import { targetOf } from "../../src/daemon/step.ts";
import { writeStubTools } from "./stub-mac.ts";
import { freePort } from "../support/free-port.ts";
import { disposableFolder, temporaryFolder } from "../support/folder.ts";

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const onLinux = { skip: process.platform === "linux" ? false : "the stub launchctl looks at /proc" };

async function call(bundle: string, ...args: readonly string[]): Promise<Said> {
  const child = spawn(process.execPath, [join(bundle, "cli.js"), ...args], {
    env: { PATH: "/usr/bin:/bin" },
  });
  let out = "";
  let err = "";
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
  const [code] = (await once(child, "close")) as [number];
  return { code, out, err };
}

/** A changed copy of the bundle. */
function variant(bundle: string, name: string, line: string): string {
  const copy = `${bundle}-${name}`;
  cpSync(bundle, copy, { recursive: true });
  const cli = join(copy, "cli.js");
  const [shebang = "", ...rest] = readFileSync(cli, "utf8").split("\n");
  writeFileSync(cli, [shebang, line, ...rest].join("\n"));
  return copy;
}

function writeConfiguration(path: string, { state, log }: Layout, port: number): void {
  writeFileSync(
    path,
    JSON.stringify({
      journal: { path: join(state, "journal.db") },
      log: { file: log },
      sources: { powermetrics: { enabled: false }, sysctl: { enabled: false }, pmset: { enabled: false } },
      web: { listen_addresses: [`127.0.0.1:${port}`] },
    }),
  );
}

test(
  "install, status, upgrade, an upgrade that fails and goes back, logs, uninstall: with a real agent under a prefix",
  onLinux,
  async () => {
    using folder = disposableFolder();
    const here = realpathSync(folder.path);
    const prefix = join(here, "mac");
    const layout = layoutUnder(prefix);
    const bundle = join(here, "bundle");
    const under = ["--prefix", prefix];
    try {
      writeStubTools(prefix);
      await buildBundle(bundle);
      const configuration = join(here, "mine.yaml");
      writeConfiguration(configuration, layout, await freePort());
      writeFileSync(join(prefix, "error5"), "1");

      const installed = await call(bundle, "install", ...under, "--config", configuration);
      assert.equal(installed.code, 0, installed.out + installed.err);
      assert.equal(readFileSync(layout.config, "utf8"), readFileSync(configuration, "utf8"));
      const calls = (): string[] =>
        readFileSync(join(prefix, "calls"), "utf8")
          .split("\n")
          .filter((line) => !line.startsWith(". ") && line !== "");
      assert.deepEqual(
        calls(),
        Array.from({ length: 2 }, () => `bootstrap system ${layout.plist}`),
      );

      const status = await call(bundle, "status", ...under, "--json");
      assert.equal(status.code, 0, status.out);
      const found = JSON.parse(status.out) as Record<string, unknown>;
      assert.deepEqual([found["installed"], found["ready"], found["enabled"]], [true, true, true]);
      const again = await call(bundle, "install", ...under);
      assert.equal(again.code, 0, again.err);
      assert.doesNotMatch(again.out, /^done/m);

      const newer = variant(bundle, "newer", "// a newer build");
      const upgraded = await call(newer, "install", ...under);
      assert.equal(upgraded.code, 0, upgraded.err);
      const current = targetOf(layout.current);
      assert.notEqual(current, `versions/${String(found["version"])}`);

      const broken = variant(bundle, "broken", 'if (process.argv[2] === "run") process.exit(1);');
      const failed = await call(broken, "install", ...under, "--timeout", "1s");
      assert.equal(failed.code, 1);
      assert.match(
        failed.err,
        /^agent must become ready within \d+ s, got .*\nwent back to versions\/.*, which is ready\n$/,
      );
      assert.equal(targetOf(layout.current), current);
      assert.equal((await call(newer, "status", ...under)).code, 0);
      assert.match((await call(newer, "logs", ...under, "-n", "5")).out, /"msg"/);

      const removed = await call(newer, "uninstall", ...under, "--purge");
      assert.equal(removed.code, 0, removed.err);
      for (const path of [
        layout.root,
        layout.plist,
        layout.logs,
        layout.newsyslog,
        layout.command,
        layout.pidFile,
        join(prefix, "job"),
      ])
        assert.equal(existsSync(path), false, path);
      assert.equal((await call(newer, "status", ...under)).code, 1);
      assert.equal((await call(newer, "uninstall", ...under)).out, "nothing of it is installed\n");
    } finally {
      await call(bundle, "uninstall", ...under);
    }
  },
);

test("a configuration that is wrong is refused before anything is touched", async (t) => {
  const here = temporaryFolder(t);
  const bundle = join(here, "bundle");
  await buildBundle(bundle);
  writeFileSync(join(here, "bad.yaml"), "logs: {}\n");
  const { code, err } = await call(
    bundle,
    "install",
    "--prefix",
    join(here, "mac"),
    "--config",
    join(here, "bad.yaml"),
  );
  assert.equal(code, 78);
  assert.match(err, /unknown key 'logs', did you mean 'log'/);
  assert.equal(existsSync(join(here, "mac")), false);
  const managed = await call(
    bundle,
    "install",
    "--dry-run",
    "--prefix",
    join(here, "mac"),
    "--node",
    join(here, "none"),
  );
  assert.equal(managed.code, 1);
  assert.match(managed.err, /^cannot find program or runtime: no such file or directory/);
});
