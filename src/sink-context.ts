/** What every sink is given, made of the configuration: for the daemon and for commands alike. */
import type { Configuration } from "./config/schema.ts";
import { createSystemAuthorities, type SystemAuthorities } from "./runtime/http/trust.ts";
import { createHttpClient, type HttpClient, type HttpLimits } from "./runtime/http/client.ts";
import type { HttpSettings } from "./runtime/http/schema.ts";
import type { Logger } from "./runtime/log.ts";
import type { Identity } from "./sink/sink.ts";
import type { HostFacts } from "./runtime/host.ts";
import { readHostFacts } from "./source/host.ts";
import { runTool, type ToolRun } from "./source/child.ts";
import type { SinkContext } from "./sink/index.ts";
import type { Clock } from "./runtime/clock.ts";

export interface SinkContextDeps {
  readonly clock: Clock;
  /** For proxies. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  /** When the agent's own counters began that no receiver has heard of, milliseconds since the Unix epoch. */
  readonly startedAt: number;
  readonly hostname: string;
  /** As `process.platform` and `process.arch`. */
  readonly platform: string;
  readonly arch: string;
  /** What tools see of the environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** The command that runs this program again. */
  readonly self: readonly string[];
  /** Ends what is being asked of the system. */
  readonly signal: AbortSignal;
}

/** What the system knows of the machine, asked once for all, since each time costs processes. */
export interface MachineFacts {
  ask(): Promise<HostFacts>;
  /** Of an answer that has come; empty before. */
  readonly known: HostFacts;
}

export function createMachineFacts({ sources }: Configuration, deps: SinkContextDeps): MachineFacts {
  let asked: Promise<HostFacts> | undefined;
  let known: HostFacts = {};
  const read = async (): Promise<HostFacts> =>
    (known = await readHostFacts({ ...deps, sysctl: sources.sysctl.command }));
  return {
    ask: () => (asked ??= read()),
    get known() {
      return known;
    },
  };
}

export function sinkContextOf(
  configuration: Configuration,
  deps: SinkContextDeps,
  log: Logger,
  authorities: SystemAuthorities,
  machine: Pick<MachineFacts, "ask"> = createMachineFacts(configuration, deps),
): SinkContext {
  return {
    identity: identityOf(configuration),
    host: async () => ({
      name: deps.hostname,
      arch: deps.arch,
      ...(await machine.ask()),
    }),
    version: deps.version,
    startedAt: deps.startedAt,
    createClient: (http) => createHttpClient(http, { clock: deps.clock, env: deps.env, log, authorities }),
  };
}

/** Makes clients for targets to scrape. */
export function scrapeClients(
  { clock, env }: Pick<SinkContextDeps, "clock" | "env">,
  log: Logger,
  authorities: SystemAuthorities,
): (settings: HttpSettings, limits: Pick<HttpLimits, "maxBodyBytes">) => HttpClient {
  return (settings, { maxBodyBytes }) =>
    createHttpClient(
      settings,
      { clock, env, log, authorities },
      { maxBodyBytes, maxReadBytes: maxBodyBytes },
    );
}

/** The keychain took 5 to 40 s on Macs that were busy. */
const longestReadingMs = 60_000;
const mostBytes = 16 * 1024 * 1024;

/** One for all clients, so that the keychain is read once. Read by this program again, as `authorities`: see src/runtime/http/trust.ts. */
export function systemAuthorities(
  { clock, signal, self, env }: Pick<SinkContextDeps, "clock" | "signal" | "self" | "env">,
  log: Logger,
): SystemAuthorities {
  // Where the system is no Mac, variables such as SSL_CERT_FILE say what it trusts.
  const environment = Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
  return createSystemAuthorities(async () => {
    const options = { clock, signal, environment, timeoutMs: longestReadingMs, maxBytes: mostBytes };
    const run = await runTool([...self, "authorities"], options);
    const found = certificatesIn(run);
    if (found === undefined && run.status !== "stopped")
      log.warn("cannot read the system's certificates; only those that Node.js brings are trusted", {
        reason: run.status === "ended" ? run.stderr || run.exit.kind : run.status,
      });
    return found;
  }, clock);
}

/** What a process printed that did not end well may be cut. Flags of Node.js such as --trace-gc hold there too, and print around it. */
function certificatesIn(run: ToolRun): readonly string[] | undefined {
  if (run.status !== "ended" || run.exit.kind !== "exited" || run.exit.code !== 0) return undefined;
  const line = run.stdout
    .toString("utf8")
    .split("\n")
    .find((one) => /^\[(?:"-----BEGIN |\])/.test(one));
  // Our own program wrote it.
  return line === undefined ? undefined : (JSON.parse(line) as readonly string[]);
}

function identityOf({ global }: Configuration): Identity {
  return { job: global.job, instance: global.instance, externalLabels: global.external_labels };
}
