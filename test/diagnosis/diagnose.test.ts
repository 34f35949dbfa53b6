/** `doctor --deep` on a Mac of stubs: every item, what happens when its tools misbehave, and that nothing identifying gets out. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { buildBundle } from "../../scripts/build.ts";
import { diagnose, type DiagnoseArguments } from "../../src/command/doctor-deep.ts";
import type { CommandContext } from "../../src/command/context.ts";
import type { Entry } from "../../src/diagnosis/items.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { folderOfFile, temporaryFolder } from "../support/folder.ts";
import { leaks, spellings } from "./leaks.ts";
import { answers, secrets, told, untold } from "./plants.ts";
import { writeStubs, type Stubs } from "./stub-mac.ts";

/** The program as it is installed: the probes have to work in it, and start in a tenth of the time. */
const bundle = folderOfFile();
await buildBundle(bundle);

const pace = {
  intervalMs: 130,
  documents: 2,
  commits: 2,
  cadence: 4,
  throttleSeconds: 1,
  sleepSeconds: 1,
  lookMs: 50,
};
const everything = { installTrial: true, sleep: true, record: 1 } as const;

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly file: string;
  readonly items: ReadonlyMap<string, Entry>;
}

function mac(t: TestContext, stubs: Partial<Stubs> = {}): string {
  const prefix = temporaryFolder(t);
  writeStubs(prefix, { plants: [], answers, ...stubs });
  return prefix;
}

async function look(
  prefix: string,
  options: DiagnoseArguments = {},
  world: Partial<CommandContext> = {},
): Promise<Said> {
  let out = "";
  let err = "";
  const output = join(prefix, "report.json");
  const config = join(prefix, "short.yaml");
  writeFileSync(config, "sources: { powermetrics: { interval: 200ms } }\n");
  const code = await diagnose(
    { output, prefix, config, ...options },
    {
      clock: systemClock,
      signal: new AbortController().signal,
      version: "0.1.0",
      self: [process.execPath, join(bundle, "cli.js")],
      cwd: prefix,
      env: { PATH: process.env["PATH"] },
      random: () => 0.5,
      onHangup: () => undefined,
      nodeVersion: process.version,
      arch: process.arch,
      platform: process.platform,
      home: join(prefix, "Users/zoemueller"),
      hostname: told.host,
      uid: process.getuid?.() ?? -1,
      standardErrorIsTerminal: false,
      readFile: (path) => readFileSync(path),
      fileExists: existsSync,
      stdout: (text) => void (out += text),
      stderr: (text) => void (err += text),
      write: () => Promise.resolve(true),
      ...world,
    },
    () => Promise.resolve([]),
    pace,
  );
  const file = existsSync(output) ? readFileSync(output, "utf8") : "";
  const { items = [] } = file === "" ? {} : (JSON.parse(file) as { items?: readonly Entry[] });
  return { code, out, err, file, items: new Map(items.map((item) => [item.name, item])) };
}

test("on a Mac of stubs every item looks, reports what was expected and got, and leaves nothing, not even of a trial before", async (t) => {
  const prefix = mac(t);
  leaveTrial(prefix);
  const { code, out, err, items } = await look(prefix, everything);
  const skippedOnes = [...items.values()]
    .filter(({ status }) => status === "skipped")
    .map(({ name }) => name);
  assert.deepEqual(skippedOnes, process.getuid?.() === 0 ? [] : ["end by a parent without root"]);
  for (const name of [
    "machine",
    "powermetrics --help",
    "vm_stat",
    "sysctl",
    "pmset",
    "trust",
    "account trial",
    "launchd network",
    "launchd orphan",
    "sleep",
    "recording",
  ])
    assert.equal(items.get(name)?.status, "ok", `${name}: ${items.get(name)?.got}`);
  for (const { name, expected, got, durationMs } of items.values()) {
    assert.ok(expected.length > 5 && got.length > 3 && durationMs >= 0, name);
    assert.ok(out.includes(`${name}: ${got}`), `${name} in words`);
    assert.match(err, new RegExp(`^\\d+/${items.size} ${name}$`, "m"), "a line of progress each");
  }
  assert.match(
    items.get("launchd restart")?.got ?? "",
    /started again after .* s; last exit code = 75; after bootout print ends with 113/,
  );
  assert.match(items.get("launchd cadence")?.got ?? "", /shell .*Standard .*Interactive .*Background/);
  assert.match(items.get("stream")?.got ?? "", /^\d+ documents of 130 ms, .* reads each, 0 unknown keys/);
  assert.match(items.get("account trial")?.got ?? "", /^10 attributes, and removed$/);
  assert.equal(code, [...items.values()].some(({ status }) => status === "fail") ? 1 : 0);
  assert.deepEqual(left(prefix), { jobs: [], records: [], folders: [] });
  assert.equal(statSync(join(prefix, "report.json")).mode & 0o777, 0o600);
});

/** What a trial leaves that was killed. */
function leaveTrial(prefix: string): void {
  mkdirSync(join(prefix, "jobs"));
  mkdirSync(join(prefix, "records"));
  writeFileSync(
    join(prefix, "jobs/dev.mac-powermetrics.trial.orphan"),
    JSON.stringify({ supervisor: 2 ** 22 + 1, state: "running" }),
  );
  writeFileSync(
    join(prefix, "records/+Users+_macagenttrial"),
    "RealName: mac-powermetrics-agent\nUniqueID: 399\n",
  );
}

/** What a trial may not leave behind. */
function left(prefix: string): Record<string, readonly string[]> {
  const list = (folder: string): readonly string[] =>
    existsSync(join(prefix, folder)) ? readdirSync(join(prefix, folder)) : [];
  return { jobs: list("jobs"), records: list("records"), folders: list("var/tmp") };
}

test("no serial, name, user, address or URL gets out, whatever the case, the place and the encoding", async (t) => {
  const planted = [...Object.values(told).flatMap((value) => Object.values(spellings(value))), ...untold];
  const prefix = mac(t, { plants: planted });
  mkdirSync(join(prefix, "Users", told.account), { recursive: true });
  const config = join(prefix, "agent.yaml");
  writeFileSync(
    config,
    `sources: { powermetrics: { interval: 200ms } }
remote_write: [{ name: central-office, url: "https://metrics.intern.example.org:9090/push", basic_auth: { username: zoemueller, password: hunter2hunter2 } }]\n`,
  );
  const { out, err, file, items } = await look(prefix, { ...everything, config });
  assert.ok(items.size > 20 && file.length > 20_000);
  const spoken = [...items.values()].filter(({ details }) =>
    /[a-z]+-[0-9a-f]{8}/.test(JSON.stringify(details ?? "")),
  );
  assert.ok(spoken.length >= 12, `plants reached ${spoken.map(({ name }) => name).join(", ")}`);
  for (const [where, text] of Object.entries({ file, out, err }))
    assert.deepEqual(leaks(text, secrets), [], where);
  for (const { name, details } of items.values())
    assert.deepEqual(leaks(JSON.stringify(details ?? ""), secrets), [], name);
});

test("elsewhere than on a Mac only what needs none is looked at, and the rest says so", async (t) => {
  const prefix = temporaryFolder(t);
  const output = join(prefix, "report.json");
  const options = { output, ...everything };
  const { code, out } = await look(prefix, { ...options, prefix: undefined } as never, { platform: "linux" });
  const skippedLines = out.split("\n").filter((line) => line.startsWith("skipped"));
  assert.equal(code, 0, out);
  for (const line of skippedLines) assert.match(line, /: needs macOS$/);
  assert.ok(skippedLines.length >= 15, out);
  for (const name of ["keychain", "commits"])
    assert.match(out, new RegExp(`^(?:ok     |WARNING) ${name}:`, "m"));
});

test("an existing file is not written over", async (t) => {
  const prefix = mac(t);
  writeFileSync(join(prefix, "report.json"), "{}");
  const { code, err, file } = await look(prefix);
  assert.deepEqual([code, file], [1, "{}"]);
  assert.match(err, /^cannot write .*report\.json: file already exists; give another name with --output$/m);
});

test("tools that fail, hang, are missing or say nonsense cost their own item only", async (t) => {
  const prefix = mac(t, {
    scripts: {
      "usr/bin/powermetrics": `console.error("powermetrics must be invoked as the superuser"); process.exit(1);`,
      "usr/bin/vm_stat": `console.log("nonsense");`,
      "usr/sbin/sysctl": `console.log("hw.model: Mac14,2\\nsysctl.proc_translated: 1\\nkern.osproductversion: 12.7");`,
      "usr/bin/sw_vers": `process.exit(1);`,
      "usr/bin/xattr": `console.log("com.apple.quarantine: 0083;");`,
      "usr/bin/codesign": `process.exit(1);`,
      "sbin/route": `process.exit(1);`,
      "bin/launchctl": `if (args[0] === "print") fail(113, "Could not find service"); fail(37, "Bootstrap failed: 37: Operation already in progress");`,
      "usr/bin/dscl": `if (args[1] === "-create" && args[3] === "NFSHomeDirectory") fail(40, "<dscl_cmd> DS Error: -14120 (eDSPermissionError)"); ${dsclRecords}`,
      "usr/bin/pmset": `if (args[0] === "relative") fail(1, "must be root"); console.log("Now drawing from 'AC Power'\\nstrange line here");`,
    },
  });
  rmSync(join(prefix, "usr/sbin/ioreg"));
  const { code, items, out } = await look(prefix, everything);
  const status = (name: string): string => `${items.get(name)?.status} ${items.get(name)?.got}`;
  assert.equal(code, 1);
  assert.match(status("machine"), /^warn .*macOS 12\.7.*translated by Rosetta/);
  assert.match(status("powermetrics --help"), /^fail no list of samplers \(exit status 1\)/);
  assert.match(status("vm_stat"), /^fail /);
  assert.match(status("pmset"), /^warn unknown strange line here/);
  assert.match(status("ioreg"), /^warn not there/);
  assert.match(
    status("trust"),
    /^warn .*quarantine.*not valid|^warn \d files in quarantine, Node\.js signed by nobody, exit status 1/,
  );
  assert.match(status("stream"), /^fail no document: powermetrics must be invoked as the superuser/);
  assert.match(status("account trial"), /NFSHomeDirectory.*-14120/);
  assert.match(
    status("launchd restart"),
    /^fail cannot load dev\.mac-powermetrics\.trial\.restart: Bootstrap failed: 37/,
  );
  assert.match(status("launchd network"), /^skipped/);
  assert.match(status("sleep"), /^fail cannot set the wake time: exit status 1/);
  assert.match(out, /^FAILURE stream: .*; expected a document each interval/m);
  assert.deepEqual(left(prefix), { jobs: [], records: [], folders: [] });
});

const dsclRecords = `
const [, verb, path, key, value] = args;
const file = join(prefix, "records", path.replaceAll("/", "+"));
if (verb === "-read") { if (!existsSync(file)) fail(56, "eDSRecordNotFound"); process.stdout.write(readFileSync(file, "utf8")); }
else if (verb === "-delete") rmSync(file);
else if (verb === "-create") { mkdirSync(join(prefix, "records"), { recursive: true }); appendFileSync(file, key + ": " + value + "\\n"); }
`;

test("an interrupt cleans up and leaves a report of what there is by then", async (t) => {
  const prefix = mac(t);
  const stop = new AbortController();
  const { code, items, err } = await look(prefix, everything, {
    signal: stop.signal,
    clock: {
      ...systemClock,
      // Interrupts as soon as a trial's job is loaded.
      sleep(ms, signal, how) {
        if (left(prefix)["jobs"]?.includes("dev.mac-powermetrics.trial.restart") === true) stop.abort();
        return systemClock.sleep(ms, signal, how);
      },
    },
  });
  assert.equal(code, 1);
  assert.equal(items.get("machine")?.status, "ok");
  for (const name of ["launchd restart", "launchd orphan", "sleep"])
    assert.equal(items.get(name)?.got, "skipped: interrupted", name);
  assert.doesNotMatch(err, /launchd orphan/);
  assert.deepEqual(left(prefix), { jobs: [], records: [], folders: [] });
});
