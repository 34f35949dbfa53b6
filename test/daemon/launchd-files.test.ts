import test from "node:test";
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { isAbsolute } from "node:path";
import { fileURLToPath } from "node:url";
import { launchdFiles, launchdJob, nodeFlags, newsyslogConf } from "../../src/daemon/launchd-files.ts";
import { label, layoutUnder } from "../../src/daemon/layout.ts";

const folder = new URL("../../launchd/", import.meta.url);
const python = spawnSync("python3", ["-c", "import plistlib"]).status === 0;
const withoutPython = python ? false : "python3 with plistlib is not here";

test("the files in launchd/ are the generated ones: node scripts/launchd.ts writes them", () => {
  for (const [name, text] of launchdFiles())
    assert.equal(readFileSync(new URL(name, folder), "utf8"), text, name);
});

/** launchd.plist(5), as far as the job uses it. */
const types: Readonly<Record<string, string>> = {
  Label: "str",
  ProgramArguments: "list",
  RunAtLoad: "bool",
  KeepAlive: "bool",
  ThrottleInterval: "int",
  ExitTimeOut: "int",
  ProcessType: "str",
  Umask: "str",
  WorkingDirectory: "str",
  EnvironmentVariables: "dict",
  StandardOutPath: "str",
  StandardErrorPath: "str",
};

function readByPython(file: string): { types: Record<string, string>; value: Record<string, unknown> } {
  const program =
    "import json, plistlib, sys; job = plistlib.load(open(sys.argv[1], 'rb')); " +
    "print(json.dumps({'types': {key: type(value).__name__ for key, value in job.items()}, 'value': job}))";
  const path = fileURLToPath(new URL(file, folder));
  return JSON.parse(execFileSync("python3", ["-c", program, path], { encoding: "utf8" })) as ReturnType<
    typeof readByPython
  >;
}

test(
  "Python's plistlib reads the job with launchd's keys and types, and nothing else",
  { skip: withoutPython },
  () => {
    const read = readByPython(`${label}.plist`);
    assert.deepEqual(read.types, types);
    assert.deepEqual(read.value, launchdJob(layoutUnder()));
    assert.equal(read.value["Umask"], "027");
  },
);

test("Python's plistlib reads the profile, which approves the label", { skip: withoutPython }, () => {
  const { value } = readByPython("mac-powermetrics-agent.mobileconfig");
  const [payload] = value["PayloadContent"] as Record<string, unknown>[];
  assert.equal(payload?.["PayloadType"], "com.apple.servicemanagement");
  assert.deepEqual(payload["Rules"], [
    { RuleType: "Label", RuleValue: label, Comment: "mac-powermetrics-agent" },
  ]);
});

test("every path of the job is absolute and PATH is its whole environment", () => {
  const job = launchdJob(layoutUnder());
  const [node = "", ...rest] = job["ProgramArguments"] as readonly string[];
  const paths = [
    node,
    rest[nodeFlags.length] ?? "",
    job["WorkingDirectory"],
    job["StandardOutPath"],
    job["StandardErrorPath"],
  ];
  for (const path of paths) assert.ok(typeof path === "string" && isAbsolute(path));
  const { PATH, ...others } = job["EnvironmentVariables"] as Record<string, string>;
  assert.ok(PATH?.split(":").every(isAbsolute));
  assert.deepEqual(others, {});
});

test("this Node.js takes the job's flags", () => {
  assert.equal(Number(evaluate(nodeFlags, "process.execArgv.length")), nodeFlags.length + 2);
});

test("with the job's flags V8 still takes code that was compiled without them, as Node.js' own modules are", () => {
  const code = evaluate([], 'new vm.Script("42").createCachedData().toString("hex")');
  const refused = `new vm.Script("42", { cachedData: Buffer.from("${code}", "hex") }).cachedDataRejected`;
  assert.equal(evaluate(nodeFlags, refused), "false");
  assert.equal(evaluate(["--single-threaded"], refused), "true");
});

function evaluate(flags: readonly string[], expression: string): string {
  return execFileSync(process.execPath, [...flags, "-p", expression], { encoding: "utf8" }).trim();
}

test("log rotation has newsyslog's columns, which a blank in a path would shift", () => {
  const rows = newsyslogConf(layoutUnder(), "399:399")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(/\s+/));
  for (const [path = "", owner = "", mode = "", count = "", size = "", when, flags = "", pidFile] of rows) {
    assert.match(path, /^\/Library\/Logs\/.*\.log$/);
    assert.match(owner, /^(?:\d+:\d+|root:wheel)$/, "names that a Mac may lack stop newsyslog");
    assert.match(mode, /^6[0-7]0$/);
    assert.match(`${count} ${size}`, /^\d+ \d+$/);
    assert.equal(when, "*");
    assert.equal(pidFile === undefined, flags.includes("N"), "either a process is told, or none is to be");
  }
  assert.equal(rows.length, 2);
});
