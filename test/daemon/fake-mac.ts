/** A Mac as far as installing sees one: launchd's jobs and the directory of accounts in memory, files in a real folder. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { manualFile, manualMark, layoutUnder, label, service, type Layout } from "../../src/daemon/layout.ts";
import type { ReadyProbe } from "../../src/daemon/ready.ts";
import type { System, ToolResult } from "../../src/daemon/system.ts";
import { prepareVersion, type PreparedVersion } from "../../src/daemon/version.ts";
import { targetOf } from "../../src/daemon/step.ts";
import { fakeClock, type FakeClock } from "../support/fake-clock.ts";
import { disposableFolder } from "../support/folder.ts";

export interface FakeMac extends Disposable {
  readonly prefix: string;
  readonly layout: Layout;
  readonly system: System;
  readonly clock: FakeClock;
  /** Every call that changes something, without the tool's folder. */
  readonly calls: string[];
  readonly records: Map<string, Map<string, string>>;
  /** Target of the link when the job was loaded; undefined while it is not. */
  running: string | undefined;
  disabled: boolean;
  /** How many more bootstraps fail with this error. */
  notYet: number;
  notYetCode: number;
  /** What the directory refuses without Full Disk Access, as `-create NFSHomeDirectory`. */
  readonly refused: Set<string>;
  /** What `bin/node` of a copied version says. */
  runtime: ToolResult;
  /** sysctl's keys with their values; the others are not there. */
  readonly sysctl: Map<string, string>;
  /** What of Time Machine's tool is refused without Full Disk Access. */
  backupRefused: "nothing" | "paths" | "everything";
  /** What sfltool prints of background items; undefined where it fails. */
  background: string | undefined;
  /** Whether the state is left out of backups. */
  excluded: boolean;
  /** How many more looks still see a job that was booted out. */
  lingering: number;
  /** Versions that never become ready, as a part of the link's target. */
  broken: string;
  /** The exit status with which the job of a broken version ends at once. */
  exit: number | undefined;
  /** Writes a release and prepares it. */
  release(version: string, text?: string): PreparedVersion;
  readonly probe: ReadyProbe;
}

const ok = (stdout = ""): ToolResult => ({ code: 0, stdout, stderr: "" });
const fail = (code: number, stderr: string): ToolResult => ({ code, stdout: "", stderr });

export function fakeMac(): FakeMac {
  const { path: prefix, [Symbol.dispose]: dispose } = disposableFolder();
  const layout = layoutUnder(prefix);
  // Time passes whenever somebody waits, at once.
  const clock = fakeClock();
  const hasty = { ...clock, sleep: (ms: number) => clock.advance(ms) };
  const mac: FakeMac = {
    prefix,
    layout,
    clock,
    system: { layout, clock: hasty, isRoot: false, tool: (argv) => Promise.resolve(answer(mac, argv)) },
    calls: [],
    records: new Map(),
    running: undefined,
    disabled: false,
    notYet: 0,
    notYetCode: 5,
    refused: new Set(),
    runtime: ok("v26.10.0 arm64\n"),
    sysctl: new Map([["hw.optional.arm64", "1"]]),
    backupRefused: "nothing",
    background: undefined,
    excluded: false,
    lingering: 0,
    broken: "",
    exit: undefined,
    release(version, text = `console.log("${version}")`) {
      const folder = join(prefix, `downloads-${version}`);
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, "cli.js"), text);
      writeFileSync(join(folder, manualFile), `${manualMark}\n.Dd of ${version}\n`);
      writeFileSync(join(prefix, "node"), "a runtime", { mode: 0o755 });
      return prepareVersion({ version, bundle: folder, node: join(prefix, "node") }, mac.system);
    },
    probe: () => {
      const { running, broken } = mac;
      const ready = running !== undefined && !(broken !== "" && running.includes(broken));
      return Promise.resolve(
        ready ? { ready } : { ready, reason: "not ready: no sample yet of powermetrics" },
      );
    },
    [Symbol.dispose]: dispose,
  };
  return mac;
}

function answer(mac: FakeMac, [tool = "", ...args]: readonly string[]): ToolResult {
  if (tool === mac.layout.launchctl) return launchctl(mac, args);
  if (tool === mac.layout.dscl) return dscl(mac, args.slice(1));
  if (tool === mac.layout.sysadminctl) return sysadminctl(mac, args);
  if (tool === mac.layout.tmutil) return tmutil(mac, args);
  if (tool === mac.layout.sfltool)
    return mac.background === undefined ? fail(1, "Unable to dump") : ok(mac.background);
  if (tool === mac.layout.sysctl) return sysctl(mac, args);
  if (tool.startsWith(mac.layout.versions) && tool.endsWith("/bin/node")) return mac.runtime;
  return fail(-1, `no such file or directory: ${tool}`);
}

function launchctl(mac: FakeMac, [verb = "", ...args]: readonly string[]): ToolResult {
  switch (verb) {
    case "print":
      return print(mac);
    case "print-disabled":
      return ok(`\tdisabled services = {\n\t\t"${label}" => ${mac.disabled ? "disabled" : "enabled"}\n\t}\n`);
  }
  mac.calls.push([verb, ...args].join(" "));
  switch (verb) {
    case "enable":
      mac.disabled = false;
      return ok();
    case "bootout":
      if (mac.running === undefined) return fail(3, "Boot-out failed: 3: No such process");
      mac.running = undefined;
      return ok();
    case "bootstrap":
      return bootstrap(mac);
    default:
      return fail(64, `unexpected subcommand: ${verb}`);
  }
}

function print(mac: FakeMac): ToolResult {
  if (mac.running === undefined && mac.lingering > 0) {
    mac.lingering--;
    return ok(`${service} = {\n\tstate = SIGTERMed\n}\n`);
  }
  if (mac.running === undefined) return fail(113, `Could not find service "${label}" in domain for system`);
  if (mac.exit !== undefined && mac.broken !== "" && mac.running.includes(mac.broken))
    return ok(`${service} = {\n\tstate = spawn scheduled\n\tlast exit code = ${mac.exit}: EX_CONFIG\n}\n`);
  return ok(
    `${service} = {\n\tactive count = 1\n\tstate = running\n\n\tpid = 4711\n\tlast exit code = (never exited)\n}\n`,
  );
}

function bootstrap(mac: FakeMac): ToolResult {
  if (mac.disabled) return fail(119, "Bootstrap failed: 119: Service is disabled");
  if (mac.running !== undefined) return fail(5, "Bootstrap failed: 5: Input/output error");
  if (mac.notYet > 0 || mac.lingering > 0) {
    mac.notYet--;
    const words = mac.notYetCode === 5 ? "Input/output error" : "Operation already in progress";
    return fail(mac.notYetCode, `Bootstrap failed: ${mac.notYetCode}: ${words}`);
  }
  if (!readFileSync(mac.layout.plist, "utf8").includes(label))
    return fail(5, "Bootstrap failed: 5: Input/output error");
  mac.running = targetOf(mac.layout.current);
  return ok();
}

/** The home of a system account is nobody's to delete. */
function sysadminctl({ records, refused, calls }: FakeMac, args: readonly string[]): ToolResult {
  const [verb = "", account = "", home] = args;
  if (verb !== "-deleteUser" || home !== "-keepHome")
    return fail(64, `unexpected arguments: ${args.join(" ")}`);
  calls.push(["sysadminctl", ...args].join(" "));
  if (refused.has("-deleteUser")) return fail(0, "### Error:-14120 File:DSRecord.m");
  records.delete(`/Users/${account}`);
  return ok();
}

function tmutil(mac: FakeMac, args: readonly string[]): ToolResult {
  const [verb, ...rest] = args;
  if (verb === "isexcluded") return ok(`[${mac.excluded ? "Excluded" : "Included"}]    ${rest.join(" ")}\n`);
  mac.calls.push(["tmutil", verb, ...rest.slice(0, -1)].join(" "));
  const byPath = rest.includes("-p");
  if (mac.backupRefused === "everything" || (mac.backupRefused === "paths" && byPath))
    return fail(80, "tmutil: addexclusion requires Full Disk Access privileges.");
  mac.excluded = verb === "addexclusion";
  return ok();
}

function sysctl({ sysctl: keys }: FakeMac, [option = "", key = ""]: readonly string[]): ToolResult {
  if (option !== "-in") return fail(64, `unexpected option: ${option}`);
  const value = keys.get(key);
  return ok(value === undefined ? "" : `${value}\n`);
}

function dscl(
  { records, calls, refused }: FakeMac,
  [verb = "", path = "", key = "", value = ""]: readonly string[],
): ToolResult {
  const record = records.get(path);
  switch (verb) {
    case "-read":
      if (record === undefined) return fail(56, "<dscl_cmd> DS Error: -14136 (eDSRecordNotFound)");
      return ok([...record].map(([name, text]) => `${name}: ${text}\n`).join(""));
    case "-list":
      return ok(
        [...records]
          .filter(([name]) => name.startsWith(`${path}/`))
          .map(([name, attributes]) => `${name.slice(path.length + 1)}   ${attributes.get(key) ?? ""}\n`)
          .join(""),
      );
  }
  calls.push(["dscl", verb, path, key, value].join(" ").trimEnd());
  if (refused.has(`${verb} ${key}`.trim()))
    return fail(
      40,
      "<main> attribute status: eDSPermissionError <dscl_cmd> DS Error: -14120 (eDSPermissionError)",
    );
  if (verb === "-delete") records.delete(path);
  else records.set(path, (record ?? new Map<string, string>()).set(key, value));
  return ok();
}
