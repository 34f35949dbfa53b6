/** Root acts only upon what nobody else can change, and what others put in its way never makes it wait. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { reportTrust } from "../../src/command/preflight.ts";
import type { CommandContext } from "../../src/command/context.ts";
import type { Configuration } from "../../src/config/schema.ts";
import { distrust } from "../../src/daemon/trust.ts";
import { accepted, worldOf } from "../config/world.ts";
import { temporaryFolder } from "../support/folder.ts";

const cli = fileURLToPath(new URL("../../src/cli.ts", import.meta.url));
const isRootOnLinux = process.getuid?.() === 0 && process.platform === "linux";
const needsRoot = { skip: isRootOnLinux ? false : "only root can give files to others" };
const nobody = Number(spawnSync("/usr/bin/id", ["-u", "nobody"], { encoding: "utf8" }).stdout);

function folder(context: TestContext): string {
  const path = temporaryFolder(context);
  chmodSync(path, 0o755);
  return path;
}

function file(path: string, content = "", mode = 0o644): string {
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

test(
  "a file of root's in folders of root's is trusted, and so is one that is not there",
  needsRoot,
  (context) => {
    const here = folder(context);
    assert.equal(distrust(file(join(here, "a"))), undefined);
    assert.equal(distrust(join(here, "missing", "b")), undefined);
    assert.equal(distrust("/usr/bin/env"), undefined);
  },
);

test("the owner and the mode of a file count, and the line says how to mend it", needsRoot, (context) => {
  const path = file(join(folder(context), "a"));
  chmodSync(path, 0o666);
  assert.equal(
    distrust(path),
    `${path} must not be writable by everybody, got mode 0666: run sudo chmod go-w '${path}'`,
  );
  chmodSync(path, 0o664);
  assert.equal(distrust(path), undefined, "the group of root is root");
  chownSync(path, 0, nobody);
  assert.match(distrust(path) ?? "", /must not be writable by group/);
  chownSync(path, nobody, 0);
  assert.equal(
    distrust(path),
    `${path} must be owned by root, got user ${nobody}: run sudo chown root '${path}' && sudo chmod go-w '${path}'`,
  );
  assert.match(distrust(path, [0, nobody]) ?? "", /^$/, "an account may own what is its own");
});

test("every folder above counts, through each symbolic link", needsRoot, (context) => {
  const here = folder(context);
  mkdirSync(join(here, "theirs", "ours"), { recursive: true });
  const path = file(join(here, "theirs", "ours", "a"));
  assert.equal(distrust(path), undefined);
  chownSync(join(here, "theirs"), nobody, 0);
  assert.ok(distrust(path)?.endsWith(`, on the way to ${path}`));
  mkdirSync(join(here, "plain"));
  symlinkSync("../theirs/ours", join(here, "plain", "link"));
  assert.match(distrust(join(here, "plain", "link", "a")) ?? "", /theirs must be owned by root/);
  symlinkSync("loop", join(here, "loop"));
  assert.match(distrust(join(here, "loop")) ?? "", /too many symbolic links/);
});

interface Ended {
  readonly code: number | null;
  readonly stderr: string;
}

async function run(here: string, configuration: object, ...args: readonly string[]): Promise<Ended> {
  const path = join(here, "agent.yaml");
  if (!existsSync(path)) writeFileSync(path, JSON.stringify(configuration));
  const env = { ...process.env, STATE_DIRECTORY: join(here, "state") };
  const child = spawn(process.execPath, [cli, "run", "--config", path, ...args], {
    stdio: ["ignore", "ignore", "pipe"],
    env,
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (stderr += chunk));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, stderr };
}

const quiet = { web: { enabled: false }, run_as: "nobody" };

test(
  "root does not run what somebody else's configuration says, and says what to do",
  needsRoot,
  async (context) => {
    const here = folder(context);
    const proof = join(here, "ran");
    const command = ["/bin/sh", "-c", `echo ran > ${proof}`];
    const path = file(
      join(here, "agent.yaml"),
      JSON.stringify({ ...quiet, sources: { powermetrics: { enabled: false }, vm_stat: { command } } }),
    );
    chownSync(path, nobody, 0);
    const { code, stderr } = await run(here, {});
    assert.equal(code, 78);
    assert.match(stderr, /agent.yaml must be owned by root, got user \d+: run sudo chown root/);
    assert.equal(existsSync(proof), false);
    const found = spawnSync(process.execPath, [cli, "doctor", "--config", path], { encoding: "utf8" });
    assert.match(found.stdout, /trust: .*agent.yaml must be owned by root/);
    const checked = spawnSync(process.execPath, [cli, "check", "--config", path], { encoding: "utf8" });
    assert.equal(checked.status, 78);
  },
);

const onLinux = (uid: number, here: string): CommandContext =>
  ({
    uid,
    cwd: here,
    platform: "linux",
    home: here,
    env: { STATE_DIRECTORY: here },
  }) as unknown as CommandContext;

test(
  "a simulation by root runs with somebody else's file, unless it names files that root would open",
  needsRoot,
  async (context) => {
    const here = folder(context);
    const path = file(join(here, "agent.yaml"), "{}");
    chownSync(path, nobody, 0);
    const password = file(join(here, "password"), "hunter22", 0o600);
    const login = { username: "a", password_file: password };
    const report = (more: object) => {
      const configuration = loadedFrom({
        journal: { path: join(here, "journal.db") },
        run_as: "root",
        ...more,
      });
      return reportTrust({ configuration, file: path, simulated: true }, onLinux(0, here));
    };
    const plain = await report({});
    assert.deepEqual(plain.problems, []);
    assert.match(plain.warnings.join(), /agent.yaml must be owned by root/);
    for (const more of [
      { log: { file: join(here, "agent.log") } },
      { journal: { path: join(here, "theirs", "journal.db") } },
      { remote_write: [{ url: "http://127.0.0.1:9/", basic_auth: login }] },
    ]) {
      const { problems } = await report(more);
      assert.match(problems.join(), /agent.yaml must be owned by root/, JSON.stringify(more));
    }
  },
);

test(
  "the files that the web configuration names are looked at like every secret",
  needsRoot,
  async (context) => {
    const here = folder(context);
    const key = file(join(here, "tls.key"), "key", 0o600);
    chownSync(key, 1, 0);
    const certificate = file(join(here, "tls.crt"), "certificate");
    const web = file(
      join(here, "web.yaml"),
      JSON.stringify({ tls_server_config: { cert_file: "tls.crt", key_file: "tls.key" } }),
    );
    const configuration = loadedFrom({ web: { config_file: web }, run_as: "root" });
    const { problems } = await reportTrust({ configuration, simulated: false }, onLinux(0, here));
    assert.deepEqual(problems.length, 1, problems.join());
    assert.match(problems.join(), /tls.key must be owned by root/);
    assert.ok(existsSync(certificate));
  },
);

const loadedFrom = (content: object): Configuration =>
  accepted(worldOf(JSON.stringify(content))).configuration;

test(
  "root runs no command that somebody else may change, and reads no secret of theirs",
  needsRoot,
  async (context) => {
    const here = folder(context);
    const command = file(join(here, "powermetrics"), "#!/bin/sh\n", 0o755);
    chownSync(command, nobody, 0);
    const password = file(join(here, "password"), "hunter22", 0o600);
    chownSync(password, 1, 0);
    const wanted = {
      ...quiet,
      sources: { powermetrics: { command: ["/usr/bin/env", command] } },
      remote_write: [{ url: "http://127.0.0.1:9/", basic_auth: { username: "a", password_file: password } }],
    };
    const { code, stderr } = await run(here, wanted);
    assert.equal(code, 78);
    assert.match(stderr, /powermetrics must be owned by root/);
    assert.match(stderr, /password must be owned by root or the agent's account/);
  },
);

test(
  "neither a pipe, a device, a link nor a second name is taken for a log or a journal, and none is waited for",
  needsRoot,
  async (context) => {
    const here = folder(context);
    mkdirSync(join(here, "state"));
    chownSync(join(here, "state"), nobody, 0);
    const odd = (name: string): string => join(here, "state", name);
    spawnSync("mkfifo", [odd("fifo")]);
    const precious = file(join(here, "precious"), "keep", 0o600);
    symlinkSync(precious, odd("link"));
    linkSync(precious, odd("hard"));
    for (const log of [odd("fifo"), odd("link"), odd("hard")]) {
      rmSync(join(here, "agent.yaml"), { force: true });
      const { code, stderr } = await run(here, { ...quiet, log: { file: log } }, "--simulate", "auto");
      assert.equal(code, 78, `${log}: ${stderr}`);
      assert.match(stderr, /^log\.file: cannot open /m);
    }
    rmSync(join(here, "agent.yaml"));
    const { code, stderr } = await run(
      here,
      { ...quiet, journal: { path: odd("fifo") } },
      "--simulate",
      "auto",
    );
    assert.equal(code, 78);
    assert.match(stderr, /^journal\.path: .*must be a plain file, got a pipe/m);
    assert.equal(readFileSync(precious, "utf8"), "keep");
  },
);
