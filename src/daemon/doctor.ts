/** The checks of `doctor` on the machine (system, root, Apple's tools) and on the daemon; doctor-paths.ts has those on paths. */
import type { Configuration } from "../config/schema.ts";
import { listenObstacle, parseAddress } from "../runtime/address.ts";
import { label, service } from "./layout.ts";
import type { ReadyProbe } from "./ready.ts";
import { isDisabled, readJob, type Job } from "./service.ts";
import { lookAt, type System, type ToolRunner } from "./system.ts";

/** One line of `doctor`, with the way to fix it. */
export interface Finding {
  /** What was looked at: `powermetrics`, `launchd job`. */
  readonly check: string;
  readonly status: "ok" | "warning" | "failure";
  readonly message: string;
  /** What to do; absent when all is well. */
  readonly fix?: string;
}

export const well = (check: string, message: string): Finding => ({ check, status: "ok", message });

export const doubtful = (check: string, message: string, fix: string): Finding => ({
  check,
  status: "warning",
  message,
  fix,
});

export const broken = (check: string, message: string, fix: string): Finding => ({
  check,
  status: "failure",
  message,
  fix,
});

export function formatFinding({ check, status, message, fix }: Finding): string {
  const mark = { ok: "ok     ", warning: "WARNING", failure: "FAILURE" }[status];
  return `${mark} ${check}: ${message}${fix === undefined ? "" : `; ${fix}`}\n`;
}

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

/** The checks of `doctor` on what runs: the job, its port and its readiness. */
export async function serviceFindings(
  { web }: Configuration,
  system: System,
  probe: ReadyProbe,
): Promise<readonly Finding[]> {
  if (lookAt(system.layout.plist) === undefined) {
    const fix = "run sudo mac-powermetrics-agent install";
    return [
      doubtful("daemon", "is not installed", fix),
      ...(web.enabled ? await ports(web.listen_addresses) : []),
    ];
  }
  const job = await readJob(system);
  const state = [await labelFinding(system, job), ...(await backgroundItem(system))];
  if (!job.loaded) return [...state, ...(web.enabled ? await ports(web.listen_addresses) : [])];
  const answer = await probe();
  if (answer.ready) return [...state, well("ready", "yes")];
  return [...state, broken("ready", answer.reason, "see mac-powermetrics-agent logs")];
}

async function labelFinding(system: System, { loaded, state, lastExitCode }: Job): Promise<Finding> {
  if (await isDisabled(system))
    return broken(
      "label",
      `${service} is disabled`,
      `run sudo launchctl enable ${service}, and install again`,
    );
  if (!loaded) return broken("label", `${service} is not loaded`, "run sudo mac-powermetrics-agent install");
  if (state === "running") return well("label", `${service} is enabled, loaded and running`);
  const exit = lastExitCode === undefined ? "" : `, last exit code ${lastExitCode}`;
  return broken(
    "label",
    `${service} is loaded but ${state ?? "not running"}${exit}`,
    "see mac-powermetrics-agent logs --launchd",
  );
}

/**
 * The switch in System Settings, of which launchctl knows nothing (macOS 13 and newer). What sfltool(1) prints is documented
 * nowhere: what can't be found in it is no finding.
 */
async function backgroundItem({ tool, layout, isRoot }: System): Promise<readonly Finding[]> {
  // Without root it asks for a password in a window.
  if (!isRoot) return [];
  const { code, stdout } = await tool([layout.sfltool, "dumpbtm"]);
  if (code !== 0) return [];
  const items = stdout.split(/^[ \t]*#\d+:/m).filter((item) => item.includes(label));
  const dispositions = items.flatMap((item) => /^[ \t]*Disposition: \[([^\]]*)\]/m.exec(item)?.[1] ?? []);
  if (dispositions.length === 0) return [];
  const off = dispositions.find((words) => /\b(?:disabled|disallowed|not allowed)\b/.test(words));
  if (off === undefined) return [well("background item", `macOS lets it run: ${dispositions[0] ?? ""}`)];
  return [
    broken(
      "background item",
      `macOS does not let it run: ${off}`,
      "switch it on in System Settings > General > Login Items & Extensions, where macOS shows it as Node.js Foundation's",
    ),
  ];
}

function ports(addresses: readonly string[]): Promise<readonly Finding[]> {
  return Promise.all(addresses.map(port));
}

async function port(address: string): Promise<Finding> {
  const obstacle = await listenObstacle(parseAddress(address) ?? { host: "", port: 0 });
  if (obstacle === undefined) return well("port", `${address} is free`);
  const fix = "end what listens there, or change web.listen_addresses";
  return broken("port", `cannot listen on ${address}: ${obstacle}`, fix);
}
