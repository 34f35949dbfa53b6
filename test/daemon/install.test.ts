import test from "node:test";
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ownerOf } from "../../src/daemon/account.ts";
import { install } from "../../src/daemon/install.ts";
import { targetOf } from "../../src/daemon/step.ts";
import type { System } from "../../src/daemon/system.ts";
import { fakeMac, type FakeMac } from "./fake-mac.ts";
import { account, installation, remove, run, tree } from "./installing.ts";

test("a first installation puts everything in place, with its permissions, and starts it", async () => {
  using mac = fakeMac();
  const version = mac.release("0.1.0");
  const { outcome } = await run(mac, version);
  assert.deepEqual(outcome, { status: "installed" });
  const root = "Library/Application Support/mac-powermetrics-agent";
  const files = tree(mac);
  const expected: Record<string, string> = {
    [root]: "755",
    [`${root}/agent.yaml`]: "640",
    [`${root}/mdm.env`]: "640",
    [`${root}/current`]: "777",
    [`${root}/state`]: "750",
    [`${root}/versions`]: "755",
    [`${root}/versions/${version.name}/bin/node`]: "755",
    [`${root}/versions/${version.name}/cli.js`]: "644",
    [`${root}/versions/${version.name}/package.json`]: "644",
    [`${root}/versions/${version.name}/launchd.plist`]: "644",
    "Library/LaunchDaemons/dev.mac-powermetrics.agent.plist": "644",
    "Library/Logs/mac-powermetrics-agent": "755",
    "Library/Logs/mac-powermetrics-agent/agent.log": "640",
    "etc/newsyslog.d/mac-powermetrics-agent.conf": "644",
    "usr/local/bin/mac-powermetrics-agent": "755",
    "usr/local/share/man/man1/mac-powermetrics-agent.1": "644",
  };
  for (const [path, mode] of Object.entries(expected)) assert.equal(files[path], mode, path);
  assert.equal(mac.running, `versions/${version.name}`);
  assert.deepEqual(
    mac.calls.filter((call) => !call.startsWith("dscl")),
    ["tmutil addexclusion -p", `bootstrap system ${mac.layout.plist}`],
  );
  assert.deepEqual(await ownerOf(account, mac.system), { uid: 399, gid: 399 });
});

test("installing again does nothing", async () => {
  using mac = fakeMac();
  await run(mac, mac.release("0.1.0"));
  mac.calls.length = 0;
  const { outcome, did } = await run(mac, mac.release("0.1.0"));
  assert.deepEqual(outcome, { status: "installed" });
  assert.deepEqual(did, []);
  assert.deepEqual(mac.calls, []);
});

test("the manual page is the version's, and a link of npm's or Homebrew's stays", async () => {
  using mac = fakeMac();
  const { manual } = mac.layout;
  await run(mac, mac.release("0.1.0"));
  await run(mac, mac.release("0.2.0"));
  assert.match(readFileSync(manual, "utf8"), /^\.\\" Written by.*\n\.Dd of 0\.2\.0\n$/);
  for (const foreign of ["../../lib/theirs.1", "theirs.1"]) {
    rmSync(manual);
    symlinkSync(foreign, manual);
    assert.deepEqual((await run(mac, mac.release("0.3.0"))).outcome, { status: "installed" });
    await remove(mac, { purge: true });
    assert.equal(targetOf(manual), foreign);
    await run(mac, mac.release("0.2.0"));
  }
});

test("a dry run lists every step and changes nothing", async () => {
  using mac = fakeMac();
  const version = mac.release("0.1.0");
  const before = tree(mac);
  const { reports } = await run(mac, version, { dryRun: true });
  assert.deepEqual(tree(mac), before);
  assert.deepEqual(mac.calls, []);
  const would = reports.filter(({ status }) => status === "would").map(({ describe }) => describe);
  for (const what of ["role account", "copy program", "launchd job", "log rotation", "load system/", "ready"])
    assert.ok(
      would.some((line) => line.includes(what)),
      what,
    );
});

for (const code of [5, 37] as const)
  test(`a label that somebody disabled is enabled, and error ${code} is waited out`, async () => {
    using mac = fakeMac();
    mac.disabled = true;
    mac.notYet = 2;
    mac.notYetCode = code;
    const { outcome } = await run(mac, mac.release("0.1.0"));
    assert.deepEqual(outcome, { status: "installed" });
    const calls = mac.calls.filter((call) => /^(?:enable|bootstrap)/.test(call));
    assert.deepEqual(calls, [
      "enable system/dev.mac-powermetrics.agent",
      ...Array.from({ length: 3 }, () => `bootstrap system ${mac.layout.plist}`),
    ]);
  });

test("an upgrade stops the old version, waits until it is gone, and starts the new one", async () => {
  using mac = fakeMac();
  const old = mac.release("0.1.0");
  await run(mac, old);
  writeFileSync(mac.layout.config, "log: { level: debug }\n");
  mac.calls.length = 0;
  mac.lingering = 7;
  const next = mac.release("0.2.0");
  const { outcome } = await run(mac, next);
  assert.deepEqual(outcome, { status: "installed" });
  assert.deepEqual(mac.calls, [
    "bootout system/dev.mac-powermetrics.agent",
    `bootstrap system ${mac.layout.plist}`,
  ]);
  assert.equal(mac.running, `versions/${next.name}`);
  assert.equal(targetOf(mac.layout.previous), `versions/${old.name}`);
  assert.equal(readFileSync(mac.layout.config, "utf8"), "log: { level: debug }\n");
});

test("only the version in use and the one before stay", async () => {
  using mac = fakeMac();
  const versions = ["0.1.0", "0.2.0", "0.3.0"].map((version) => mac.release(version));
  for (const version of versions) await run(mac, version);
  assert.deepEqual(
    readdirSync(mac.layout.versions).toSorted(),
    versions
      .slice(1)
      .map(({ name }) => name)
      .toSorted(),
  );
});

test("the same version with other bytes is an upgrade, too", async () => {
  using mac = fakeMac();
  await run(mac, mac.release("0.1.0"));
  const rebuilt = mac.release("0.1.0", "console.log('rebuilt')");
  await run(mac, rebuilt);
  assert.equal(mac.running, `versions/${rebuilt.name}`);
});

test("an upgrade that does not become ready goes back to the version before", async () => {
  using mac = fakeMac();
  const old = mac.release("0.1.0");
  await run(mac, old);
  mac.broken = "0.2.0";
  const { outcome } = await run(mac, mac.release("0.2.0"));
  assert.deepEqual(outcome, {
    status: "rolled_back",
    failure: "agent must become ready within 10 s, got not ready: no sample yet of powermetrics",
    to: `versions/${old.name}`,
  });
  assert.equal(mac.running, `versions/${old.name}`);
  assert.equal(
    readFileSync(mac.layout.plist, "utf8"),
    readFileSync(join(mac.layout.current, "launchd.plist"), "utf8"),
  );
  mac.broken = "";
  assert.deepEqual((await run(mac, mac.release("0.2.0"))).outcome, { status: "installed" });
});

test("a job that ends at once is not waited for, and the last line of its log is quoted", async () => {
  using mac = fakeMac();
  mac.broken = "0.1.0";
  mac.exit = 78;
  const started = mac.clock.monotonic();
  const said = "agent.yaml:3:1: journal.path: must be absolute";
  const system: System = {
    ...mac.system,
    tool(argv) {
      if (argv.includes("bootstrap")) writeFileSync(mac.layout.standardError, `starting\n${said}\n`);
      return mac.system.tool(argv);
    },
  };
  const { outcome } = await run(mac, mac.release("0.1.0"), { system });
  assert.deepEqual(outcome, {
    status: "failed",
    failure:
      "agent must become ready within 10 s, got a job that ended with exit status 78; " +
      `the last line of ${mac.layout.standardError} is: ${said}`,
  });
  assert.ok(mac.clock.monotonic() - started < 10_000, "the time was not waited out");
});

test("a job that asks to be started again is waited for", async () => {
  using mac = fakeMac();
  mac.broken = "0.1.0";
  mac.exit = 75;
  const started = mac.clock.monotonic();
  const { outcome } = await run(mac, mac.release("0.1.0"));
  assert.equal(outcome.status, "failed");
  assert.ok(mac.clock.monotonic() - started >= 10_000);
});

test("a version that has been ready is not rolled back for a later trouble", async () => {
  using mac = fakeMac();
  await run(mac, mac.release("0.1.0"));
  const next = mac.release("0.2.0");
  await run(mac, next);
  mac.broken = "0.2.0";
  assert.equal((await run(mac, next)).outcome.status, "failed");
  assert.equal(mac.running, `versions/${next.name}`);
});

test("a first version that does not become ready stays, so that its logs can be read", async () => {
  using mac = fakeMac();
  mac.broken = "0.1.0";
  assert.equal((await run(mac, mac.release("0.1.0"))).outcome.status, "failed");
  assert.ok(existsSync(mac.layout.plist));
});

/** The system with a power loss at its n-th change: everything throws from then on. */
function mortal(system: System, { calls }: FakeMac, n: number): System {
  let left = n;
  const dieAtZero = (): void => {
    if (left-- <= 0) throw new Error("power loss");
  };
  return {
    ...system,
    tool: async (argv) => {
      const before = calls.length;
      const result = await system.tool(argv);
      if (calls.length > before) dieAtZero();
      return result;
    },
  };
}

test("after a crash at any call of a tool, installing again finishes the work", async () => {
  for (let n = 0; ; n++) {
    using mac = fakeMac();
    await run(mac, mac.release("0.1.0"));
    const { name } = mac.release("0.2.0");
    mac.records.clear();
    mac.disabled = true;
    const crashed = await run(mac, mac.release("0.2.0"), { system: mortal(mac.system, mac, n) }).then(
      () => false,
      () => true,
    );
    assert.deepEqual((await run(mac, mac.release("0.2.0"))).outcome, { status: "installed" }, `call ${n}`);
    assert.equal(mac.running, `versions/${name}`, `call ${n}`);
    assert.deepEqual(await ownerOf(account, mac.system), { uid: 399, gid: 399 });
    if (!crashed) {
      assert.ok(n > 8, "there were calls to crash at");
      return;
    }
  }
});

test("after a crash behind any step, installing again finishes the work and uninstalling removes it", async () => {
  for (let n = 1; ; n++) {
    using mac = fakeMac();
    const version = mac.release("0.1.0");
    let steps = 0;
    const crash = (): void => {
      if (++steps === n) throw new Error("power loss");
    };
    const crashed = await install(installation(mac, version), mac.system, {
      dryRun: false,
      report: crash,
    }).then(
      () => false,
      () => true,
    );
    if (n % 2 === 0) {
      assert.deepEqual((await run(mac, version)).outcome, { status: "installed" }, `step ${n}`);
      assert.equal(mac.running, `versions/${version.name}`, `step ${n}`);
    }
    assert.equal((await remove(mac, { purge: true })).failure, undefined);
    assert.equal(existsSync(mac.layout.root), false, `step ${n}`);
    assert.deepEqual([...mac.records], []);
    if (!crashed) return;
  }
});

test("an account that does not exist and is no role account is refused", async () => {
  using mac = fakeMac();
  const plan = { ...installation(mac, mac.release("0.1.0")), account: "monitor" };
  const outcome = await install(plan, mac.system, { dryRun: false, report: () => undefined });
  assert.equal(outcome.status, "failed");
  assert.equal(mac.running, undefined);
});
