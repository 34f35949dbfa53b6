/** `check`: everything wrong with a configuration at once, and with `--connect` whether its receivers and targets answer. */
import { loadCompiled, loadContext, refuse, type ConfigChoice, type ConfigContext } from "./load.ts";
import type { Loaded, Refused } from "../config/load.ts";
import { formatOrigin, type Origin, type Problem } from "../config/problem.ts";
import { sinkSections } from "../config/blocks.ts";
import { secretFileWarning } from "../runtime/secret.ts";
import type { TrustReport } from "./preflight.ts";
import { exitCode, type ExitCode } from "./context.ts";

/** What one receiver or target said to a harmless request. */
export interface Connection {
  /** The receiver or target as the user knows it, without secrets: `remote_write[0] https://prometheus.example`. */
  readonly target: string;
  readonly ok: boolean;
  /** What happened, in one line, and what to do where it failed. */
  readonly message: string;
}

/** What is found by trying the configuration, and what of it others than root could change. */
export interface Trial {
  problems(loaded: Loaded): Promise<readonly Problem[]>;
  trust(loaded: Loaded): Promise<TrustReport>;
}

/** Tries every receiver and every target; a failure is a Connection, not a rejection. */
export type ConnectProbe = (
  loaded: Pick<Loaded, "configuration" | "proxies">,
) => Promise<readonly Connection[]>;

export interface CheckArguments extends ConfigChoice {
  readonly connect?: boolean;
  readonly json?: boolean;
}

/** 78 for a bad configuration, 1 when a receiver or a target does not answer as it should, else 0. */
export async function check(
  options: CheckArguments,
  context: ConfigContext,
  connect: ConnectProbe,
  trial?: Trial,
): Promise<ExitCode> {
  const onMac = context.platform === "darwin";
  const compiled = await loadCompiled({
    ...loadContext(options, context),
    // Elsewhere the agent may well stay root.
    secretFileWarning: (path, account) => secretFileWarning(path, onMac ? account : undefined),
  });
  const { loaded, warnings } = await tried(compiled, trial);
  const connections = loaded.ok && options.connect === true ? await connect(loaded) : [];
  if (options.json === true)
    context.stdout(`${JSON.stringify(report(loaded, warnings, connections), undefined, 2)}\n`);
  else print(loaded, warnings, connections, context);
  if (!loaded.ok) return exitCode.badConfiguration;
  return connections.every(({ ok }) => ok) ? exitCode.ok : exitCode.failure;
}

interface Tried {
  readonly loaded: Loaded | Refused;
  /** Also of a configuration that is refused. */
  readonly warnings: readonly string[];
}

async function tried(loaded: Loaded | Refused, trial: Trial | undefined): Promise<Tried> {
  if (!loaded.ok || trial === undefined) return { loaded, warnings: loaded.warnings };
  const trust = await trial.trust(loaded);
  const warnings = [...loaded.warnings, ...trust.warnings];
  const place: Origin = { kind: "file", file: loaded.file ?? "", line: 1, column: 1 };
  const distrusted = trust.problems.map((message) => ({ origin: place, path: "", message }));
  const problems = [...distrusted, ...(await trial.problems(loaded))];
  return {
    loaded: problems.length > 0 ? { ...loaded, ok: false, problems } : { ...loaded, warnings },
    warnings,
  };
}

function print(
  loaded: Loaded | Refused,
  warnings: readonly string[],
  connections: readonly Connection[],
  context: ConfigContext,
): void {
  if (!loaded.ok) {
    refuse({ ...loaded, warnings }, context);
    return;
  }
  for (const warning of warnings) context.stderr(`warning: ${warning}\n`);
  for (const { target, ok, message } of connections) {
    if (ok) context.stdout(`${target}: ${message}\n`);
    else context.stderr(`${target}: ${message}\n`);
  }
  const failed = connections.filter(({ ok }) => !ok).length;
  context.stdout(`${summary(loaded, failed)}\n`);
}

function summary({ file, configuration, warnings }: Loaded, failed: number): string {
  const sources = Object.values(configuration.sources).filter(({ enabled }) => enabled).length;
  const { length: jobs } = configuration.scrape_configs;
  const counts = [
    count(sources, "source"),
    ...(jobs === 0 ? [] : [count(jobs, "scrape job")]),
    count(sinksIn(configuration), "sink"),
    count(warnings.length, "warning"),
  ];
  const verdict =
    failed === 0 ? "ok" : `${count(failed, "address", "addresses")} can't be used as configured`;
  return `${file ?? "no configuration file, defaults"}: ${verdict}, ${counts.join(", ")}`;
}

function sinksIn(sections: Readonly<Record<string, unknown>>): number {
  return Object.keys(sinkSections).flatMap((section) => sections[section] ?? []).length;
}

const count = (number: number, noun: string, plural = `${noun}s`): string =>
  `${number} ${number === 1 ? noun : plural}`;

function report(
  loaded: Loaded | Refused,
  warnings: readonly string[],
  connections: readonly Connection[],
): unknown {
  const { ok, file } = loaded;
  const problems = loaded.ok ? [] : loaded.problems;
  return {
    ok: ok && connections.every((connection) => connection.ok),
    file,
    problems: problems.map(({ origin, path, message }) => ({ at: formatOrigin(origin), path, message })),
    warnings,
    connections,
  };
}
