/** What this machine is, what its tools print as they are, and what macOS thinks of our programs. */
import { realpathSync } from "node:fs";
import { programIn } from "../daemon/layout.ts";
import { parsePmset } from "../parse/pmset.ts";
import type { ParseResult } from "../parse/result.ts";
import type { Findings } from "../parse/sample.ts";
import { parseSamplers } from "../parse/powermetrics.ts";
import { parseSysctl } from "../parse/sysctl.ts";
import { parseVmStat } from "../parse/vm-stat.ts";
import type { Argv } from "../source/child.ts";
import { skipped, type Item, type Result } from "./items.ts";
import { hasTool, pathOf, runTool, type Machine, type Output } from "./machine.ts";

interface ProgramFacts {
  readonly version: string;
  readonly node: string;
  readonly platform: string;
  readonly arch: string;
}

const kernelNames = [
  "kern.osproductversion",
  "kern.osversion",
  "kern.osrelease",
  "hw.model",
  "machdep.cpu.brand_string",
  "hw.ncpu",
  "hw.memsize",
  "hw.nperflevels",
  "hw.perflevel0.name",
  "hw.perflevel0.logicalcpu",
  "hw.perflevel1.name",
  "hw.perflevel1.logicalcpu",
  "kern.hv_vmm_present",
  "sysctl.proc_translated",
  "kern.boottime",
  "kern.waketime",
  "kern.sleeptime",
];

/** The oldest macOS on which the Node.js that comes with the agent starts. */
const oldestMacos = 13.5;

export function machineItem(machine: Machine, program: ProgramFacts): Item {
  return {
    name: "machine",
    expected: `macOS ${oldestMacos} or newer, not translated by Rosetta`,
    limitMs: 15_000,
    async run(signal) {
      const kernel = await runTool(machine, [...machine.commands.sysctl, ...kernelNames], { signal });
      const system = machine.isMac
        ? await runTool(machine, [pathOf(machine, "/usr/bin/sw_vers")], { signal })
        : undefined;
      const version =
        /ProductVersion:\s*(\S+)/.exec(system?.stdout ?? "")?.[1] ?? named("kern.osproductversion", kernel);
      const model = [named("hw.model", kernel), named("machdep.cpu.brand_string", kernel)].filter(
        (one) => one !== undefined,
      );
      const cpus = machine.cpus();
      const got = [
        version === undefined ? "not macOS" : `macOS ${version}`,
        ...model,
        `${cpus.length} CPUs`,
        `agent ${program.version}, Node.js ${program.node} for ${program.platform} ${program.arch}`,
        machine.uid === 0 ? "as root" : "not as root",
        ...(named("kern.hv_vmm_present", kernel) === "1" ? ["in a virtual machine"] : []),
      ].join(", ");
      const details = {
        ...program,
        uid: machine.uid,
        cpus: cpus.map(({ model: name }) => name),
        system,
        kernel,
      };
      const translated = named("sysctl.proc_translated", kernel) === "1";
      if (translated) return { status: "warn", got: `${got}, translated by Rosetta`, details };
      const old = version !== undefined && isOlder(version, oldestMacos);
      return { status: version === undefined || old ? "warn" : "ok", got, details };
    },
  };
}

function named(name: string, { stdout }: Output): string | undefined {
  return stdout
    .split("\n")
    .find((line) => line.startsWith(`${name}: `))
    ?.slice(name.length + 2)
    .trim();
}

function isOlder(version: string, oldest: number): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [wanted = 0, least = 0] = String(oldest).split(".").map(Number);
  return major < wanted || (major === wanted && minor < least);
}

interface RawTool {
  readonly name: string;
  readonly expected: string;
  readonly runs: readonly Argv[];
  /** In one line; undefined where the output is of no use to us. */
  readonly judge: (outputs: readonly Output[]) => Result;
}

/** The raw output of each tool that the agent reads, and what its reader makes of it. */
export function rawItems(machine: Machine): readonly Item[] {
  return rawTools(machine).map(({ name, expected, runs, judge }) => ({
    name,
    expected,
    limitMs: 15_000,
    async run(signal) {
      if (!runs.some((argv) => hasTool(machine, argv))) return skipped("needs macOS");
      const outputs = await Promise.all(runs.map((argv) => runTool(machine, argv, { signal })));
      return { ...judge(outputs), details: { outputs } };
    },
  }));
}

function rawTools(machine: Machine): readonly RawTool[] {
  const { powermetrics, vm_stat, sysctl, pmset } = machine.commands;
  const names = ["vm.swapusage", "hw.memsize", "kern.boottime", "kern.memorystatus_vm_pressure_level"];
  const ioreg = pathOf(machine, "/usr/sbin/ioreg");
  return [
    {
      name: "powermetrics --help",
      expected: `a list of samplers with ${machine.neededSamplers.join(", ")}`,
      runs: [[...powermetrics, "--help"]],
      judge: ([help]) => judgeHelp(help, machine.neededSamplers),
    },
    {
      name: "vm_stat",
      expected: "a report without unknown lines",
      runs: [vm_stat],
      judge: ([one]) => judgeParsed(parseVmStat(one?.stdout ?? ""), [one]),
    },
    {
      name: "sysctl",
      expected: "swap, memory, boot time and pressure",
      runs: [[...sysctl, ...names]],
      judge: ([one]) => judgeParsed(parseSysctl(one?.stdout ?? ""), [one]),
    },
    {
      name: "pmset",
      expected: "power source, battery and settings without unknown lines",
      runs: [
        [...pmset, "-g", "batt"],
        [...pmset, "-g"],
        [...pmset, "-g", "therm"],
        [...pmset, "-g", "custom"],
      ],
      judge: ([battery, settings]) =>
        judgeParsed(parsePmset(battery?.stdout ?? "", settings?.stdout ?? ""), [battery, settings]),
    },
    {
      name: "ioreg",
      expected: "battery and GPU as property lists",
      runs: [
        [ioreg, "-a", "-r", "-n", "AppleSmartBattery"],
        [ioreg, "-a", "-r", "-d", "1", "-c", "IOAccelerator"],
      ],
      judge: judgeIoreg,
    },
  ];
}

function judgeHelp(help: Output | undefined, wanted: readonly string[]): Result {
  const known = parseSamplers(`${help?.stdout ?? ""}\n${help?.stderr ?? ""}`);
  if (known.length === 0) return { status: "fail", got: `no list of samplers (${help?.end ?? "not run"})` };
  const missing = wanted.filter((name) => !known.includes(name));
  const got = `${known.length} samplers${missing.length > 0 ? `, without ${missing.join(", ")}` : ""}`;
  return { status: "ok", got };
}

function judgeParsed(
  read: ParseResult<{ readonly findings: Findings }>,
  outputs: readonly (Output | undefined)[],
): Result {
  if (!read.ok) {
    const ends = outputs.map((one) => one?.end ?? "not run").join(", ");
    return { status: "fail", got: `${read.error.message} (${ends})` };
  }
  const { unknown, implausible } = read.value.findings;
  const strange = [
    ...unknown.map((one) => `unknown ${one}`),
    ...implausible.map((one) => `implausible ${one}`),
  ];
  if (strange.length === 0) return { status: "ok", got: "read whole" };
  return { status: "warn", got: strange.slice(0, 5).join(", ") };
}

function judgeIoreg(outputs: readonly Output[]): Result {
  const failed = outputs.find(({ code }) => code !== 0);
  if (failed !== undefined) return { status: "warn", got: failed.end };
  const [battery = "", accelerator = ""] = outputs.map(({ stdout }) =>
    stdout.trim() === "" ? "none" : "found",
  );
  return { status: "ok", got: `battery ${battery}, GPU ${accelerator}` };
}

/** Quarantine, signature, Gatekeeper, and the background items that System Settings shows. */
export function trustItem(machine: Machine): Item {
  return {
    name: "trust",
    expected: "no quarantine, a valid signature, the background item allowed",
    limitMs: 30_000,
    async run(signal) {
      if (!machine.isMac) return skipped("needs macOS");
      const at = (path: string): string => pathOf(machine, path);
      const installed = programIn(machine.system.layout.current);
      const run = (argv: Argv): Promise<Output> => runTool(machine, argv, { signal });
      const files = [
        ...new Set([machine.self[0], machine.self.at(-1), installed.node, installed.cli].flatMap(real)),
      ];
      const node = real(machine.self[0]);
      const attributes = await Promise.all(files.map((file) => run([at("/usr/bin/xattr"), "-l", file])));
      const signatures = await Promise.all(
        node.flatMap((file) => [
          run([at("/usr/bin/codesign"), "-dv", "--verbose=2", file]),
          run([at("/usr/bin/codesign"), "--verify", "--strict", file]),
          run([at("/usr/sbin/spctl"), "--assess", "--type", "execute", "-vv", file]),
        ]),
      );
      const items =
        machine.uid === 0 || machine.prefix !== ""
          ? await run([at("/usr/bin/sfltool"), "dumpbtm"])
          : undefined;
      const background = items === undefined ? undefined : { ...items, stdout: ourItems(items.stdout) };
      return {
        ...judgeTrust(attributes, signatures, background),
        details: { attributes, signatures, background },
      };
    },
  };
}

function real(path: string | undefined): string[] {
  try {
    return path === undefined ? [] : [realpathSync(path)];
  } catch {
    return [];
  }
}

/** Of all programs that start by themselves, those that are ours or of Node.js: the others do not belong into a report. */
function ourItems(text: string): string {
  const items = text.split(/\n(?=[ \t]*(?:#\d+:|\n))/);
  return items.filter((item) => /mac-powermetrics|Node\.js Foundation/i.test(item)).join("\n");
}

function judgeTrust(
  attributes: readonly Output[],
  [signature, verified, assessed]: readonly Output[],
  background: Output | undefined,
): Result {
  const quarantined = attributes.filter(({ stdout }) => stdout.includes("com.apple.quarantine")).length;
  // codesign describes on standard error.
  const signer =
    /^Authority=(.+)$/m.exec(`${signature?.stdout ?? ""}\n${signature?.stderr ?? ""}`)?.[1] ?? "nobody";
  const disposition = /Disposition:[ \t]*\[([^\][\n]*)\]/.exec(background?.stdout ?? "")?.[1];
  const got = [
    quarantined > 0 ? `${quarantined} files in quarantine` : "no quarantine",
    `Node.js signed by ${signer}, ${verified?.code === 0 ? "valid" : (verified?.end ?? "not verified")}`,
    `Gatekeeper: ${(assessed?.stderr ?? "").split("\n")[0]?.split(": ").at(-1) ?? "no answer"}`,
    background === undefined ? "background items need root" : `background item: ${disposition ?? "none"}`,
  ].join(", ");
  const refused = disposition?.includes("disallowed") === true || disposition?.includes("disabled") === true;
  return { status: quarantined > 0 || verified?.code !== 0 || refused ? "warn" : "ok", got };
}
