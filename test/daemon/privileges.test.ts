import test from "node:test";
import assert from "node:assert/strict";
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { entrustJournal, entrustLog, planPrivileges } from "../../src/daemon/privileges.ts";
import type { ToolRunner } from "../../src/daemon/system.ts";
import { disposableFolder } from "../support/folder.ts";
import { until } from "../support/until.ts";

const cli = fileURLToPath(new URL("../../src/cli.ts", import.meta.url));
const isRootOnLinux = process.getuid?.() === 0 && process.platform === "linux";
const needsRoot = { skip: isRootOnLinux ? false : "only root on Linux can give up root and look at /proc" };
const nobody = { uid: Number(id("-u")), gid: Number(id("-g")) };

function id(what: string): string {
  return spawnSync("/usr/bin/id", [what, "nobody"], { encoding: "utf8" }).stdout;
}

/** A folder that everybody may enter, as the system's are. */
const folder = () => disposableFolder({ mode: 0o755 });

function agent(configuration: object, here: string): ChildProcess {
  writeFileSync(join(here, "agent.yaml"), JSON.stringify(configuration));
  const args = [
    cli,
    "run",
    "--simulate",
    "--config",
    join(here, "agent.yaml"),
    "--pid-file",
    join(here, "pid"),
  ];
  return spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
}

function configurationIn(here: string): object {
  return {
    run_as: "nobody",
    journal: { path: join(here, "state", "journal.db") },
    log: { file: join(here, "agent.log"), format: "json" },
    web: { enabled: false },
    sources: { powermetrics: { interval: "200ms" } },
  };
}

const ids = (pid: number | undefined, line: string): string[] =>
  new RegExp(`^${line}:\\s+(.*)$`, "m")
    .exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]
    ?.trim()
    .split(/\s+/) ?? [];

/** A child may end while it is looked at. */
function childOf(pid: number | undefined, word: string): number | undefined {
  return readdirSync(`/proc/${pid}/task`)
    .flatMap((task) => textOf(`/proc/${pid}/task/${task}/children`).trim().split(" "))
    .map(Number)
    .find((child) => child > 0 && textOf(`/proc/${child}/cmdline`).split("\0").includes(word));
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "latin1");
  } catch {
    return "";
  }
}

test(
  "the agent becomes run_as while powermetrics stays root, and goes on with all else when powermetrics ends",
  needsRoot,
  async (t) => {
    using here = folder();
    const running = agent(configurationIn(here.path), here.path);
    t.after(() => running.kill("SIGKILL"));
    const ended = once(running, "exit");
    const log = join(here.path, "agent.log");
    await until(() =>
      existsSync(log) && readFileSync(log, "utf8").includes("gave up root") ? true : undefined,
    );

    const all = (value: number): string[] => Array.from({ length: 4 }, () => String(value));
    assert.deepEqual(ids(running.pid, "Uid"), all(nobody.uid), "real, effective, saved and file system");
    assert.deepEqual(ids(running.pid, "Gid"), all(nobody.gid));
    assert.ok(!ids(running.pid, "Groups").includes("0"), "no group of root's is left");
    assert.match(ids(running.pid, "CapEff")[0] ?? "", /^0+$/);
    const powermetrics = await until(() => childOf(running.pid, "-f"));
    assert.deepEqual(ids(powermetrics, "Uid"), all(0));

    const journal = join(here.path, "state", "journal.db");
    for (const file of [journal, log]) assert.equal(statSync(file).uid, nobody.uid, file);
    assert.equal(Number(readFileSync(join(here.path, "pid"), "utf8")), running.pid);

    process.kill(powermetrics, "SIGKILL");
    const told = await until(() =>
      readFileSync(log, "utf8")
        .split("\n")
        .find((line) => line.includes("asks to be started again with root")),
    );
    assert.match(
      told,
      /unexpected end of powermetrics: signal SIGKILL.*"restart_in_s":[36]0|"restart_in_s":[36]0.*signal SIGKILL/,
    );
    assert.equal(readFileSync(join(here.path, "state", "restarts"), "utf8"), "1\n");
    assert.equal(statSync(join(here.path, "state", "restarts")).uid, nobody.uid);
    assert.equal(running.exitCode, null);
    running.kill("SIGTERM");
    assert.deepEqual(await ended, [0, null]);
  },
);

test("nothing of root's can be read or taken back after giving it up", needsRoot, () => {
  const program = `
    import { readFileSync } from "node:fs";
    import { planPrivileges } from ${JSON.stringify(new URL("../../src/daemon/privileges.ts", import.meta.url).href)};
    const tool = async ([, what]) => ({ code: 0, stderr: "", stdout: String(what === "-u" ? ${nobody.uid} : ${nobody.gid}) });
    const plan = await planPrivileges("nobody", { process, tool, uid: process.getuid() });
    const codes = [plan.privileges.isRootForNow()];
    plan.privileges.drop();
    codes.push(plan.privileges.isRootForNow());
    for (const act of [() => readFileSync("/etc/shadow"), () => process.setuid(0), () => process.seteuid(0), () => process.setgroups([0])])
      try { act(); codes.push("allowed"); } catch (error) { codes.push(error.code); }
    console.log(codes.join(" "));
  `;
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
    encoding: "utf8",
    cwd: "/",
  });
  assert.equal(stdout.trim(), "true false EACCES EPERM EPERM EPERM", stderr);
});

test(
  "an account that is not there: the default keeps root and says so, a chosen one is exit code 78",
  needsRoot,
  async () => {
    using here = folder();
    const tool: ToolRunner = () => Promise.resolve({ code: 1, stdout: "", stderr: "no such user" });
    const world = { process, tool, uid: 0 };
    const plan = await planPrivileges("_macagent", world);
    assert.ok(plan.status === "kept" && /does not exist.*install/.test(plan.warning ?? ""));
    assert.equal((await planPrivileges("-u", world)).status, "refused");
    const running = agent({ ...configurationIn(here.path), run_as: "nosuchaccount" }, here.path);
    assert.deepEqual(await once(running, "exit"), [78, null]);
  },
);

test("without root there is nothing to give up", async () => {
  const tool: ToolRunner = () => Promise.reject(new Error("not asked"));
  assert.deepEqual(await planPrivileges("_macagent", { process, tool, uid: 501 }), { status: "kept" });
  assert.deepEqual(await planPrivileges("root", { process, tool, uid: 0 }), { status: "kept" });
});

test(
  "a journal's new folders and a former root's files go to the account, other folders stay as they are",
  needsRoot,
  () => {
    using here = folder();
    const path = join(here.path, "a", "b", "journal.db");
    assert.equal(entrustJournal(path, nobody, "nobody"), undefined);
    for (const made of ["a", "a/b"]) assert.equal(statSync(join(here.path, made)).uid, nobody.uid);
    writeFileSync(`${path}-wal`, "");
    assert.equal(entrustJournal(path, nobody, "nobody"), undefined);
    assert.equal(statSync(`${path}-wal`).uid, nobody.uid);

    mkdirSync(join(here.path, "roots"));
    const message = entrustJournal(join(here.path, "roots", "journal.db"), nobody, "nobody");
    assert.match(
      message ?? "",
      /^journal.path must lie in a folder that nobody may write, got .*roots; run chown/,
    );
    assert.equal(statSync(join(here.path, "roots")).uid, 0);
  },
);

test("neither a link nor a second name makes root give away another file", needsRoot, () => {
  using here = folder();
  const secret = join(here.path, "secret");
  writeFileSync(secret, "root's");
  const state = join(here.path, "state");
  mkdirSync(state);
  symlinkSync(secret, join(state, "journal.db"));
  linkSync(secret, join(state, "journal.db-wal"));
  entrustJournal(join(state, "journal.db"), nobody, "nobody");
  symlinkSync(secret, join(here.path, "agent.log"));
  entrustLog(join(here.path, "agent.log"), nobody);
  assert.equal(statSync(secret).uid, 0);
});
