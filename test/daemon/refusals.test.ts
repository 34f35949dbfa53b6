/** What macOS refuses an installation, and what it makes of it: launchd, the directory, a runtime, Time Machine, newsyslog. */
import test from "node:test";
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { install } from "../../src/daemon/install.ts";
import type { Layout } from "../../src/daemon/layout.ts";
import { targetOf } from "../../src/daemon/step.ts";
import { start } from "../../src/daemon/service.ts";
import type { ToolResult } from "../../src/daemon/system.ts";
import { fakeMac } from "./fake-mac.ts";
import { installation, run } from "./installing.ts";

for (const code of [5, 37] as const)
  test(`error ${code} that stays is a failure with launchd's words and the causes that are known`, async () => {
    using mac = fakeMac();
    mac.notYet = 1000;
    mac.notYetCode = code;
    const { outcome } = await run(mac, mac.release("0.1.0"));
    const failure = outcome.status === "failed" ? outcome.failure : "";
    assert.match(failure, new RegExp(`^cannot run .*bootstrap system .*: Bootstrap failed: ${code}: `));
    assert.match(failure, /; known causes: .*Login Items & Extensions.*; or an older job .* is still loaded/);
  });

test("an error that is none of waiting is a failure at once, with the same causes, unless the job is loaded all the same", async () => {
  using mac = fakeMac();
  mac.notYet = 1000;
  mac.notYetCode = 125;
  const { outcome } = await run(mac, mac.release("0.1.0"));
  const failure = outcome.status === "failed" ? outcome.failure : "";
  assert.match(failure, /bootstrap system .*: Bootstrap failed: 125: .*; known causes: /);
  assert.equal(mac.calls.filter((call) => call.startsWith("bootstrap")).length, 1);
  const loaded = {
    ...mac.system,
    tool: async (argv: readonly string[]) => {
      if (argv[1] !== "bootstrap") return mac.system.tool(argv);
      mac.running = "by somebody else";
      return { code: 17, stdout: "", stderr: "Bootstrap failed: 17: File exists" };
    },
  };
  assert.equal(await start(loaded), undefined);
});

for (const [what, put, complaint] of [
  [
    "a folder where the job file goes",
    ({ plist }) => mkdirSync(plist, { recursive: true }),
    /plist must be a file, got a folder/,
  ],
  [
    "a folder where the log goes",
    ({ log }) => mkdirSync(log, { recursive: true }),
    /log must be a file, got a folder/,
  ],
  [
    "a link to nothing where the configuration goes",
    ({ config }) => symlinkSync("nowhere", config),
    /yaml must be a file, got a link to none/,
  ],
  [
    "a file where the state goes",
    ({ state }) => writeFileSync(state, ""),
    /state must be a folder, got something else/,
  ],
  [
    "a folder where the link to the version goes",
    ({ current }) => mkdirSync(current),
    /current must be a link, got something else/,
  ],
] satisfies readonly (readonly [string, (layout: Layout) => void, RegExp])[])
  test(`${what} is named before the job is loaded, and installing again once it is gone works`, async () => {
    using mac = fakeMac();
    mkdirSync(mac.layout.root, { recursive: true });
    put(mac.layout);
    const { outcome } = await run(mac, mac.release("0.1.0"));
    const failure = outcome.status === "failed" ? outcome.failure : "";
    assert.match(failure, complaint);
    assert.match(failure, /: move it away and install again$/);
    assert.deepEqual(
      mac.calls.filter((call) => call.startsWith("bootstrap")),
      [],
    );
    const path = failure.slice(0, failure.indexOf(" must "));
    rmSync(path, { recursive: true });
    assert.deepEqual((await run(mac, mac.release("0.1.0"))).outcome, { status: "installed" });
  });

test("what keeps launchd from loading the job is named when it can be seen", async () => {
  using mac = fakeMac();
  mac.notYet = 1000;
  await run(mac, mac.release("0.1.0"));
  chmodSync(mac.layout.plist, 0o666);
  mac.disabled = true;
  const failure = await start({
    ...mac.system,
    tool: async (argv) =>
      argv[1] === "bootstrap"
        ? { code: 5, stdout: "", stderr: "Bootstrap failed: 5" }
        : mac.system.tool(argv),
  });
  assert.match(
    failure ?? "",
    /; it is disabled: run sudo launchctl enable .*agent\.plist must be owned by root:wheel/,
  );
  assert.match(failure ?? "", /with mode 0644, got \d+:\d+ with 0666; other causes: /);
});

test("an account whose home may not be written is made all the same, with a warning, and once", async () => {
  using mac = fakeMac();
  mac.refused.add("-create NFSHomeDirectory");
  const { outcome, reports } = await run(mac, mac.release("0.1.0"));
  assert.deepEqual(outcome, { status: "installed" });
  const made = reports.find(({ describe }) => describe.includes("role account"));
  assert.equal(made?.status, "done");
  assert.match(
    made.warning ?? "",
    /^cannot write all of account _macagent, which works without: NFSHomeDirectory .*-14120.*Full Disk Access/,
  );
  const last = mac.calls.filter((call) => call.startsWith("dscl -create")).at(-1);
  assert.equal(last, "dscl -create /Users/_macagent NFSHomeDirectory /var/empty", "written last");
  assert.equal(mac.records.get("/Users/_macagent")?.get("IsHidden"), "1");
  assert.deepEqual((await run(mac, mac.release("0.1.0"))).did, [], "not counted as missing");
});

test("an attribute that the agent needs and the directory refuses is a failure", async () => {
  using mac = fakeMac();
  mac.refused.add("-create UserShell");
  const { outcome } = await run(mac, mac.release("0.1.0"));
  assert.match(JSON.stringify(outcome), /cannot create account _macagent: dscl: .*eDSPermissionError/);
});

const runtimes: readonly (readonly [what: string, said: Partial<ToolResult>, objection: RegExp])[] = [
  [
    "needs a library beside it",
    { code: -1, stderr: "dyld[77]: Library not loaded: /opt/local/lib/libuv.1.dylib" },
    /^cannot use the runtime: it needs \/opt\/local\/lib\/libuv\.1\.dylib beside it \(dyld\[77\]: .*--node/,
  ],
  ["is older", { stdout: "v22.11.0 arm64\n" }, /^runtime must be Node\.js 24 or newer, got v22\.11\.0 arm64/],
  [
    "does not know the flags",
    { code: 9, stderr: "node: bad option: --disable-sigusr1" },
    /it is older than Node\.js 24 \(node: bad option/,
  ],
  [
    "is killed by the system",
    { code: -1, stderr: "signal SIGKILL" },
    /^cannot use the runtime: signal SIGKILL; /,
  ],
  ["says nothing", { stdout: "" }, /^cannot use the runtime: it did not say its version/],
];
for (const [what, said, objection] of runtimes)
  test(`a runtime that ${what} is refused before the version that runs is touched`, async () => {
    using mac = fakeMac();
    const old = mac.release("0.1.0");
    await run(mac, old);
    mac.calls.length = 0;
    mac.runtime = { code: 0, stdout: "", stderr: "", ...said };
    const next = mac.release("0.2.0");
    const { outcome } = await run(mac, next);
    assert.equal(outcome.status, "failed");
    assert.match(outcome.failure, objection);
    assert.deepEqual(mac.calls, [], "nothing was stopped");
    assert.equal(targetOf(mac.layout.current), `versions/${old.name}`);
    assert.deepEqual(readdirSync(mac.layout.versions), [old.name], "nothing half made is left");
  });

test("Intel's runtime is refused on an Apple silicon Mac, whichever key of sysctl says so, and taken on an Intel Mac", async () => {
  for (const keys of [{ "sysctl.proc_translated": "1" }, { "hw.optional.arm64": "1" }, {}]) {
    using mac = fakeMac();
    mac.runtime = { code: 0, stdout: "v26.10.0 x64\n", stderr: "" };
    mac.sysctl.clear();
    for (const [key, value] of Object.entries(keys)) mac.sysctl.set(key, value);
    const { outcome } = await run(mac, mac.release("0.1.0"));
    if (mac.sysctl.size === 0) assert.deepEqual(outcome, { status: "installed" });
    else
      assert.match(JSON.stringify(outcome), /runtime must be the one for Apple silicon \(arm64\), got x64/);
  }
});

test("the journal is left out of Time Machine: by path, else by a mark, else with a warning", async () => {
  for (const [refused, excluded, calls] of [
    ["nothing", true, 1],
    ["paths", true, 2],
    ["everything", false, 2],
  ] as const) {
    using mac = fakeMac();
    mac.backupRefused = refused;
    const { outcome, reports } = await run(mac, mac.release("0.1.0"));
    assert.deepEqual(outcome, { status: "installed" });
    assert.equal(mac.excluded, excluded);
    assert.equal(mac.calls.filter((call) => call.startsWith("tmutil addexclusion")).length, calls);
    const { warning } = reports.find(({ describe }) => describe.includes("Time Machine")) ?? {};
    if (excluded) assert.equal(warning, undefined);
    else
      assert.match(
        warning ?? "",
        /^cannot exclude .*Full Disk Access privileges.*run sudo tmutil addexclusion/,
      );
  }
});

test("log rotation names owners that this Mac has, whoever the agent is", async () => {
  for (const [name, ids, column] of [
    ["_macagent", undefined, "399:399"],
    ["root", ["0", "0"], "root:wheel"],
    ["monitor", ["501", "20"], "501:20"],
  ] as const) {
    using mac = fakeMac();
    const [uid = "", gid = ""] = ids ?? [];
    if (ids !== undefined)
      mac.records.set(
        `/Users/${name}`,
        new Map([
          ["UniqueID", uid],
          ["PrimaryGroupID", gid],
        ]),
      );
    const plan = { ...installation(mac, mac.release("0.1.0")), account: name };
    const outcome = await install(plan, mac.system, { dryRun: false, report: () => undefined });
    assert.deepEqual(outcome, { status: "installed" }, name);
    const owners = readFileSync(mac.layout.newsyslog, "utf8")
      .split("\n")
      .slice(1, 3)
      .map((line) => line.split(" ")[1]);
    assert.deepEqual(owners, [column, "root:wheel"]);
  }
});
