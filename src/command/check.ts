/** Owns `check`: everything wrong with a configuration at once, and with `--connect` whether its receivers answer. */
import { loadWorld, refuse, type ConfigChoice, type ConfigWorld } from "./config.ts";
import { exitCode, type ExitCode } from "./exit.ts";
import { loadCompiled } from "./expressions.ts";
import type { Loaded, Refused } from "../config/load.ts";
import { formatOrigin } from "../config/problem.ts";
import type { Configuration } from "../config/schema.ts";
import { sinkSections } from "../config/sinks.ts";

/** What one receiver said to a harmless request. */
export interface Connection {
  /** The receiver as the user knows it, without secrets: `remote_write[0] https://prometheus.example`. */
  readonly target: string;
  readonly ok: boolean;
  /** What happened, in one line, and what to do where it failed. */
  readonly message: string;
}

/** Tries all receivers of one kind; a failure is a Connection, not a rejection. */
export type ConnectProbe = (configuration: Configuration) => Promise<readonly Connection[]>;

export interface CheckArguments extends ConfigChoice {
  readonly connect?: boolean;
  readonly json?: boolean;
}

/** 78 for a bad configuration, 1 when a receiver does not answer as it should, else 0. */
export async function check(
  options: CheckArguments,
  world: ConfigWorld,
  probes: readonly ConnectProbe[] = [],
): Promise<ExitCode> {
  const loaded = await loadCompiled(loadWorld(options, world));
  const connections =
    loaded.ok && options.connect === true ? await connect(loaded.configuration, probes) : [];
  if (options.json === true) world.stdout(`${JSON.stringify(report(loaded, connections), undefined, 2)}\n`);
  else tell(loaded, connections, world);
  if (!loaded.ok) return exitCode.badConfiguration;
  return connections.every(({ ok }) => ok) ? exitCode.ok : exitCode.failure;
}

async function connect(configuration: Configuration, probes: readonly ConnectProbe[]): Promise<Connection[]> {
  const results = await Promise.all(probes.map((probe) => probe(configuration)));
  return results.flat();
}

function tell(loaded: Loaded | Refused, connections: readonly Connection[], world: ConfigWorld): void {
  if (!loaded.ok) {
    refuse(loaded, world);
    return;
  }
  for (const warning of loaded.warnings) world.stderr(`warning: ${warning}\n`);
  for (const { target, ok, message } of connections) {
    if (ok) world.stdout(`${target}: ${message}\n`);
    else world.stderr(`${target}: ${message}\n`);
  }
  world.stdout(`${summary(loaded)}\n`);
}

function summary({ file, configuration, warnings }: Loaded): string {
  const sources = Object.values(configuration.sources).filter(({ enabled }) => enabled).length;
  const counts = [
    count(sources, "source"),
    count(sinksIn(configuration), "sink"),
    count(warnings.length, "warning"),
  ];
  return `${file ?? "no configuration file, defaults"}: ok, ${counts.join(", ")}`;
}

function sinksIn(sections: Readonly<Record<string, unknown>>): number {
  return Object.keys(sinkSections).flatMap((section) => sections[section] ?? []).length;
}

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? "" : "s"}`;

function report(loaded: Loaded | Refused, connections: readonly Connection[]): unknown {
  const { ok, file } = loaded;
  const problems = loaded.ok ? [] : loaded.problems;
  return {
    ok: ok && connections.every((connection) => connection.ok),
    file,
    problems: problems.map(({ origin, path, message }) => ({ at: formatOrigin(origin), path, message })),
    warnings: loaded.ok ? loaded.warnings : [],
    connections,
  };
}
