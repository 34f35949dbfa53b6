/** The doctor's look at the machine: system, root, and Apple's tools. */
import type { Configuration } from "../../config/schema.ts";
import type { ToolRunner } from "../system.ts";
import { broken, doubtful, well, type Finding } from "./finding.ts";

interface DoctorMachine {
  readonly platform: string;
  readonly uid: number;
  readonly tool: ToolRunner;
  /** Reads the list out of `powermetrics --help`; comes from src/parse. */
  readonly parseSamplers: (help: string) => readonly string[];
  /** What the enabled collectors ask for. */
  readonly neededSamplers: readonly string[];
}

/** What Node.js 26 is built for (`minos` of its binaries for both processors): dyld refuses to start it on an older macOS. */
const oldestMacos = [13, 5] as const;

export async function machineFindings(
  { sources }: Configuration,
  machine: DoctorMachine,
): Promise<readonly Finding[]> {
  const { powermetrics, vm_stat } = sources;
  return [
    await platform(machine),
    root(machine),
    ...(powermetrics.enabled ? [await samplers(powermetrics.command, machine)] : []),
    ...(vm_stat.enabled ? [await vmStat(vm_stat.command, machine)] : []),
  ];
}

async function platform({ platform: name, tool }: DoctorMachine): Promise<Finding> {
  if (name !== "darwin")
    return broken("platform", `must be macOS, got ${name}`, "here the agent runs with --simulate only");
  const { code, stdout } = await tool(["/usr/bin/sw_vers", "-productVersion"]);
  const version = stdout.trim();
  if (code !== 0)
    return doubtful("platform", "macOS of unknown version", "see whether /usr/bin/sw_vers runs");
  if (isSupported(version)) return well("platform", `macOS ${version}`);
  return doubtful(
    "platform",
    `macOS must be ${oldestMacos.join(".")} or newer, got ${version}`,
    "update macOS",
  );
}

function isSupported(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map((part) => Number.parseInt(part, 10));
  const [oldest, oldestMinor] = oldestMacos;
  return major > oldest || (major === oldest && minor >= oldestMinor);
}

function root({ uid }: DoctorMachine): Finding {
  if (uid === 0) return well("root", "yes");
  return doubtful("root", "no, so some files can't be looked at", "run sudo mac-powermetrics-agent doctor");
}

async function samplers(command: readonly string[], machine: DoctorMachine): Promise<Finding> {
  const check = "powermetrics";
  const { code, stdout, stderr } = await machine.tool([...command, "--help"]);
  const known = machine.parseSamplers(stdout);
  if (code === -1)
    return broken(check, `cannot run ${command.join(" ")}: ${stderr}`, "set sources.powermetrics.command");
  if (known.length === 0)
    return doubtful(
      check,
      `${command.join(" ")} --help gave no list of samplers`,
      "set sources.powermetrics.samplers",
    );
  const missing = machine.neededSamplers.filter((name) => !known.includes(name));
  if (missing.length === 0)
    return well(check, `has every sampler that is needed: ${machine.neededSamplers.join(", ")}`);
  return well(check, `lacks ${missing.join(", ")} on this Mac, so their metrics are absent`);
}

async function vmStat(command: readonly string[], { tool }: DoctorMachine): Promise<Finding> {
  const { code, stdout, stderr } = await tool(command);
  if (code === 0 && /page size of \d+ bytes/.test(stdout)) return well("vm_stat", "gives a report");
  const cause = code === 0 ? "its report has no page size" : stderr;
  return broken("vm_stat", `cannot use ${command.join(" ")}: ${cause}`, "set sources.vm_stat.command");
}
