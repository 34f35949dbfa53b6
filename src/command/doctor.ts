/** `doctor`: every check at once, one line each with its fix, or JSON. */
import { collectorSettings } from "../collection.ts";
import { neededSamplers } from "../collector/index.ts";
import { loadConfiguration, type Loaded, type Refused } from "../config/load.ts";
import { formatProblem } from "../config/problem.ts";
import type { Configuration } from "../config/schema.ts";
import { ownerOf } from "../daemon/account.ts";
import {
  broken,
  doubtful,
  formatFinding,
  machineFindings,
  serviceFindings,
  well,
  type Finding,
} from "../daemon/doctor.ts";
import { pathFindings } from "../daemon/doctor-paths.ts";
import { localAddress } from "../daemon/ready.ts";
import { readJob } from "../daemon/service.ts";
import type { System } from "../daemon/system.ts";
import type { SinkStatus } from "../status/status.ts";
import { defined } from "../runtime/defined.ts";
import { parseSamplers } from "../parse/powermetrics.ts";
import type { Connection, ConnectProbe } from "./check.ts";
import { connectProbe } from "./connect.ts";
import type { DiagnoseArguments } from "./doctor-deep.ts";
import { loadContext, loadDefaults } from "./load.ts";
import { probeOf, resolvePrefix } from "./install.ts";
import { reportTrust } from "./preflight.ts";
import { openSystem } from "./system.ts";
import { runningAgent } from "./top/origin.ts";
import { exitCode, type ExitCode, type CommandContext } from "./context.ts";

/** Those of `--deep` alone have no meaning without it. */
export interface DoctorArguments extends DiagnoseArguments {
  readonly deep?: boolean;
}

const deepOnly = ["output", "installTrial", "sleep", "record", "simulate"] as const;

/** 0 when nothing failed; warnings are no failure. */
export async function doctor(
  { deep = false, ...options }: DoctorArguments,
  context: CommandContext,
): Promise<ExitCode> {
  const alone = deepOnly.find((name) => options[name] !== undefined);
  if (!deep && alone !== undefined) {
    context.stderr(`--${alone === "installTrial" ? "install-trial" : alone} must come with --deep\n`);
    return exitCode.usage;
  }
  const connect = connectProbe(context);
  if (deep) return (await import("./doctor-deep.ts")).diagnose(options, context, connect);
  const findings = await examine(options, context, connect);
  if (options.json === true) context.stdout(`${JSON.stringify(findings, undefined, 2)}\n`);
  else for (const finding of findings) context.stdout(formatFinding(finding));
  return findings.some(({ status }) => status === "failure") ? exitCode.failure : exitCode.ok;
}

/** Every check at once. */
export async function examine(
  options: Pick<DoctorArguments, "config" | "prefix">,
  context: CommandContext,
  connect: ConnectProbe,
): Promise<readonly Finding[]> {
  const prefix = resolvePrefix(options.prefix, context);
  const system = openSystem(prefix, context);
  const { loaded, configuration } = loadForDoctor(options, system, context);
  const findings = [...configurationFindings(loaded)];
  if (loaded.ok) findings.push(...(await trustFindings(loaded, context)));
  findings.push(
    ...(await machineFindings(configuration, {
      ...context,
      tool: system.tool,
      parseSamplers,
      neededSamplers: wantedSamplers(configuration),
    })),
    ...pathFindings(configuration, {
      system,
      prefix,
      runtime: context.self[0] ?? "",
      owner: await ownerOf(configuration.run_as, system),
    }),
    ...(await serviceFindings(configuration, system, probeOf(configuration, system))),
    ...(loaded.ok ? await receiverFindings(loaded, system, context, connect) : []),
  );
  return findings;
}

/** The installed configuration, where there is one, or the defaults in place of one that is refused. */
export function loadForDoctor(
  { config }: Pick<DoctorArguments, "config">,
  { layout }: System,
  context: CommandContext,
): { readonly loaded: Loaded | Refused; readonly configuration: Configuration } {
  const installed = context.fileExists(layout.config) ? layout.config : undefined;
  const path = config ?? installed;
  const loaded = loadConfiguration(loadContext(defined({ config: path }), context));
  return { loaded, configuration: loaded.ok ? loaded.configuration : loadDefaults(context).configuration };
}

function configurationFindings(loaded: Loaded | Refused): readonly Finding[] {
  const check = "configuration";
  if (!loaded.ok)
    return loaded.problems.map((problem) => broken(check, formatProblem(problem), "correct it"));
  if (loaded.warnings.length === 0) return [well(check, loaded.file ?? "no file, defaults")];
  return loaded.warnings.map((warning) => doubtful(check, warning, "see mac-powermetrics-agent check"));
}

/** What `run` refuses as root. */
async function trustFindings(loaded: Loaded, context: CommandContext): Promise<readonly Finding[]> {
  const { problems, warnings } = await reportTrust({ ...loaded, simulated: false }, context);
  return [
    ...problems.map((problem) => trustFinding(broken, problem)),
    ...warnings.map((warning) => trustFinding(doubtful, warning)),
  ];
}

/** The line ends in what to run. */
function trustFinding(finding: typeof broken, line: string): Finding {
  const [message = "", command] = line.split(": run ", 2);
  return finding("trust", message, command === undefined ? "correct the path" : `run ${command}`);
}

export function wantedSamplers({ sources }: Configuration): readonly string[] {
  const { samplers } = sources.powermetrics;
  return samplers === "auto" ? neededSamplers(collectorSettings(sources, false)) : samplers;
}

/** As the daemon meets them; only where none can be asked are they probed from here, with the rights of who runs this. */
async function receiverFindings(
  loaded: Loaded,
  system: System,
  context: CommandContext,
  connect: ConnectProbe,
): Promise<readonly Finding[]> {
  const seen = (await readJob(system)).loaded
    ? await receiversOfDaemon(loaded.configuration, context)
    : undefined;
  if (typeof seen === "object" && seen.length > 0) return seen;
  const connections = await connect(loaded);
  if (connections.length === 0)
    return [
      doubtful(
        "receivers",
        "none is configured",
        "add remote_write, otlp or pushgateway, or scrape /metrics",
      ),
    ];
  const why = "probed with the rights of who runs this, since the daemon can't be asked";
  return [
    ...(typeof seen === "string" ? [well("receivers", `${why}: ${seen}`)] : []),
    ...connections.map(receiverFinding),
    ...localNetworkHint(connections),
  ];
}

function receiverFinding({ target, ok, message }: Connection): Finding {
  if (!ok) return broken("receiver", `${target}: ${message}`, "see mac-powermetrics-agent check --connect");
  if (!message.includes("its clock is")) return well("receiver", `${target}: ${message}`);
  return doubtful("receiver", `${target}: ${message}`, "let both clocks be set by the network");
}

/** Or why the daemon can't be asked: it has no endpoint, or one that wants a password or a certificate of the client. */
export async function receiversOfDaemon(
  { web }: Configuration,
  context: CommandContext,
): Promise<readonly Finding[] | string> {
  const [address] = web.listen_addresses;
  if (!web.enabled || address === undefined) return "web.enabled is false";
  let reason = "";
  for (const scheme of web.config_file === undefined ? ["http"] : ["http", "https"]) {
    // On loopback, where its certificate is for another name.
    const insecure = { insecure_skip_verify: true };
    await using daemon = runningAgent(new URL(`${scheme}://${localAddress(address)}`), context, insecure);
    const status = await daemon.ask();
    if (typeof status !== "string") return status.sinks.map(daemonFinding);
    reason = status;
  }
  return reason;
}

function daemonFinding({ id, target, state, lastSuccess, lastFailure }: SinkStatus): Finding {
  const name = `${id} ${target}`;
  if (lastFailure !== undefined && (lastSuccess ?? 0) <= lastFailure.time) {
    const fix = lastFailure.advice ?? "see mac-powermetrics-agent logs";
    return broken("receiver", `${name}: the daemon says ${state}: ${lastFailure.reason}`, fix);
  }
  if (lastSuccess === undefined)
    return doubtful("receiver", `${name}: the daemon has not delivered yet`, "look again in a minute");
  return well("receiver", `${name}: the daemon delivers (${state})`);
}

/** From macOS 15 on programs are asked about; Apple's TN3179 exempts daemons, and reports from the field differ (see failure.ts). */
function localNetworkHint(connections: readonly Connection[]): readonly Finding[] {
  const local = /\/\/(?:10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|169\.254\.|\[f[cde]|[^/:]+\.local[:/])/;
  if (!connections.some(({ target }) => local.test(target))) return [];
  return [
    well(
      "local network",
      "probed from this terminal; what the daemon may reach, macOS 15 and newer decide for it alone: doctor asks it once it runs",
    ),
  ];
}
