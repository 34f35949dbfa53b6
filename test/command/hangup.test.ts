/** SIGHUP to an agent that has given up root, as launchd's is: the same agent goes on with the same journal and name. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { disposableFolder } from "../support/folder.ts";
import { until } from "../support/until.ts";

const cli = fileURLToPath(new URL("../../src/cli.ts", import.meta.url));
const nobody = Number(spawnSync("/usr/bin/id", ["-u", "nobody"], { encoding: "utf8" }).stdout);
/** Where a Mac's daemon keeps its journal when the configuration names no other place. */
const macFolder = "/Library";
const skip =
  process.getuid?.() !== 0 || process.platform !== "linux"
    ? "only root on Linux can give up root and play a Mac"
    : existsSync(macFolder)
      ? `${macFolder} is there already`
      : false;

test(
  "after root is given up SIGHUP reads the configuration again: the process, the journal's path and instance stay",
  { skip, timeout: 300_000 },
  async () => {
    using folder = disposableFolder({ mode: 0o755 });
    const here = folder.path;
    const path = join(here, "agent.yaml");
    const log = join(here, "agent.log");
    const mac = join(here, "mac.mjs");
    writeFileSync(mac, 'Object.defineProperty(process, "platform", { value: "darwin" });\n');
    const configure = (level: string, more = {}): void =>
      writeFileSync(
        path,
        JSON.stringify({ run_as: "nobody", log: { level }, web: { enabled: false }, ...more }),
      );
    configure("info");
    const state = `${macFolder}/Application Support/mac-powermetrics-agent/state`;
    mkdirSync(state, { recursive: true });
    writeFileSync(join(state, "hostname"), "kept-at-the-first-start\n");
    // As `install` leaves it: the account's own.
    for (const made of [state, join(state, "hostname")]) chownSync(made, nobody, 0);
    const agent = spawn(
      process.execPath,
      [
        "--import",
        mac,
        cli,
        "run",
        "--simulate",
        "--config",
        path,
        "--pid-file",
        join(here, "pid"),
        "--log-file",
        log,
      ],
      { stdio: ["ignore", "ignore", "inherit"], env: { PATH: "/usr/bin:/bin" } },
    );
    const ended = once(agent, "exit");
    const said = (): string => (existsSync(log) ? readFileSync(log, "utf8") : "");
    const times = (words: string): number => said().split(words).length - 1;
    const untilSaid = (words: string): Promise<true> =>
      until(
        () => {
          assert.equal(agent.exitCode ?? agent.signalCode, null, said());
          return times(words) > 0;
        },
        () => `${words} is missing in ${said()}`,
      );
    try {
      await untilSaid("gave up root");
      assert.equal(statSync(join(state, "journal.db")).uid, nobody);

      renameSync(log, `${log}.0`);
      // newsyslog makes the new file, as its line for the account says.
      writeFileSync(log, "");
      chownSync(log, nobody, 0);
      agent.kill("SIGHUP");
      await untilSaid("configuration read again, nothing changed");
      // Until the signal came, lines went into the file that was open.
      const rotated = readFileSync(`${log}.0`, "utf8").length;
      configure("debug");
      agent.kill("SIGHUP");
      await untilSaid('"changed":["log.level"]');
      configure("debug", { global: { instance: "" } });
      agent.kill("SIGHUP");
      await untilSaid("cannot use the new configuration");
      assert.equal(times("starts anew"), 0);
      assert.equal(times('starts"'), 0, "one life, which began in the rotated file");
      assert.equal(readFileSync(`${log}.0`, "utf8").length, rotated, "nothing goes into the rotated file");
      assert.equal(agent.exitCode, null, "the same process");
      assert.equal(Number(readFileSync(join(here, "pid"), "utf8")), agent.pid);

      agent.kill("SIGTERM");
      assert.deepEqual(await ended, [0, null]);
      assert.equal(readFileSync(join(here, "pid"), "utf8"), "", "emptied, as the folder is root's");
    } finally {
      agent.kill("SIGKILL");
      rmSync(macFolder, { recursive: true, force: true });
    }
  },
);
