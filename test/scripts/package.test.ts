import test from "node:test";
import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { execFileSync, spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildBundle } from "../../scripts/build.ts";
import { layoutUnder } from "../../src/daemon/layout.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const npm = spawnSync("npm", ["--version"]).status === 0;
const PATH = `${dirname(process.execPath)}:/usr/bin:/bin`;

test(
  "the package installs without scripts into an empty prefix and runs there with an empty environment",
  { skip: npm ? false : "npm is not here" },
  async () => {
    const here = mkdtempSync(join(tmpdir(), "package-"));
    try {
      const source = join(here, "source");
      mkdirSync(source);
      for (const path of ["package.json", "LICENSE", "CHANGELOG.md", "config", "launchd"])
        cpSync(join(root, path), join(source, path), { recursive: true });
      await buildBundle(join(source, "dist"));
      execFileSync("npm", ["pack", "--silent", "--ignore-scripts"], {
        cwd: source,
        stdio: ["ignore", "ignore", "inherit"],
      });
      const archive = readdirSync(source).find((name) => name.endsWith(".tgz")) ?? "";
      const prefix = join(here, "prefix");
      const home = join(here, "home");
      mkdirSync(home);
      const env = { PATH, HOME: home, npm_config_offline: "true", npm_config_update_notifier: "false" };
      execFileSync(
        "npm",
        ["install", "--global", "--ignore-scripts", "--prefix", prefix, join(source, archive)],
        { env, stdio: "ignore" },
      );

      const command = join(prefix, "bin", "mac-powermetrics-agent");
      const printed = execFileSync("env", ["-i", `PATH=${PATH}`, command, "once", "--simulate"], {
        cwd: home,
        encoding: "utf8",
      });
      assert.match(printed, /^powermetrics_\w+\{.*\} [0-9.]+$/m);
      assert.match(printed, /simulated="true"/);

      const installed = join(prefix, "lib/node_modules/mac-powermetrics-agent");
      const manifest = JSON.parse(readFileSync(join(installed, "package.json"), "utf8")) as Record<
        string,
        Record<string, string> | undefined
      >;
      assert.equal(manifest["dependencies"], undefined);
      assert.ok(
        !Object.keys(manifest["scripts"] ?? {}).some((name) => /install|prepare/.test(name)),
        "no install script",
      );
      assert.ok(!readdirSync(installed).includes("node_modules"));
      const notices = readFileSync(join(installed, "dist/THIRD_PARTY_NOTICES.txt"), "utf8");
      for (const name of ["commander", "uplot", "zod"])
        assert.match(notices, new RegExp(`^${name} [0-9.]+ \\(MIT\\)$`, "m"));

      // The bundle installs itself as a daemon: under a prefix, as far as a folder without a Mac's tools lets it.
      const mac = join(here, "mac");
      const dry = spawnSync("env", ["-i", `PATH=${PATH}`, command, "install", "--dry-run", "--prefix", mac], {
        cwd: home,
        encoding: "utf8",
      });
      assert.equal(dry.status, 0, dry.stderr);
      assert.ok(
        dry.stdout.includes(`would  write launchd job ${layoutUnder(mac).plist}, owner root, mode 0644\n`),
      );
    } finally {
      rmSync(here, { recursive: true, force: true });
    }
  },
);
