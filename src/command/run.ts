/** `run`: the agent in the foreground until it is to stop. Read next `read-configuration.ts`, then `preflight.ts`; the agent itself is `src/agent.ts`. */
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { runAgent } from "../agent.ts";
import { stateFolder } from "../config/locate.ts";
import type { Configuration } from "../config/schema.ts";
import { writePidFile } from "../daemon/pid-file.ts";
import type { Privileges } from "../daemon/privileges.ts";
import { createReload, type Reloaded } from "../daemon/reload.ts";
import { openRestarts } from "../daemon/restarts.ts";
import { causeOf } from "../runtime/cause.ts";
import type { Logger } from "../runtime/log.ts";
import { createLogger, type OwnedLogger } from "../runtime/logger.ts";
import { childEnvironment } from "../source/child.ts";
import { awaitHostname, isGenericHostname, keepHostname } from "./hostname.ts";
import { prepareStart, startProblems } from "./preflight.ts";
import { readConfiguration, type NoRun, type RunConfiguration } from "./read-configuration.ts";
import { exitCode, type ExitCode, type CommandContext } from "./context.ts";

/** Where SIGHUP goes: to the agent that runs now, or else to the next one. */
export interface Hangup {
  signal(): void;
  /** Until it is disposed of. */
  listen(listener: () => void): Disposable;
}

export function createHangup(): Hangup {
  let listener: (() => void) | undefined;
  let isMissed = false;
  return {
    signal() {
      if (listener === undefined) isMissed = true;
      else listener();
    },
    listen(next) {
      listener = next;
      if (isMissed) next();
      isMissed = false;
      return { [Symbol.dispose]: () => void (listener = undefined) };
    },
  };
}

/** 0 after a stop, 75 when powermetrics ended and may not be started again, 69 and 77 when it can't be run at all. */
export async function run(
  args: readonly string[],
  configuration: Promise<RunConfiguration | NoRun>,
  context: CommandContext,
): Promise<number> {
  const hangup = createHangup();
  context.onHangup(() => hangup.signal());
  const first = await configuration;
  if (context.signal.aborted) return exitCode.ok;
  if ("code" in first) {
    context.stdout(first.stdout);
    context.stderr(first.stderr);
    return first.code;
  }
  let next: RunConfiguration | ExitCode = first;
  while (typeof next !== "number") next = await runOnce(next, args, hangup, context);
  return next;
}

/** One life of the agent: the exit code, or the configuration of the next one. */
async function runOnce(
  prepared: RunConfiguration,
  args: readonly string[],
  hangup: Hangup,
  context: CommandContext,
): Promise<ExitCode | RunConfiguration> {
  const start = await prepareStart(prepared, context);
  if (!start.ok) {
    for (const problem of start.problems) context.stderr(`${problem}\n`);
    return start.code;
  }
  const { configuration, simulated } = prepared;
  const opened = openLog(configuration, context);
  if (typeof opened === "string") {
    context.stderr(`${opened}\n`);
    return exitCode.badConfiguration;
  }
  using log = opened;
  const { privileges } = start;
  const notKept = privileges.asAccount(() => keepHostname(context, context.hostname));
  using pidFile = prepared.pidFile === undefined ? undefined : writePidFile(prepared.pidFile, process.pid);
  const ofHostname = usesHostname(configuration, context) ? [notKept] : [];
  for (const warning of [...prepared.warnings, ...start.warnings, ...ofHostname, pidFile?.warning])
    if (warning !== undefined) log.warn(warning);
  logStart(prepared, context, log);

  const reload = createReload({ first: prepared, load: () => loadAgain(args, context), log });
  reload.onApply(({ log: { level } }) => log.setLevel(level));
  using _hangup = hangup.listen(() => {
    log.reopen();
    void reload.request();
  });
  using renamed = watchHostname(configuration, privileges, log, context);
  // Beside the journal, where the account may write.
  const restarts = openRestarts(join(dirname(configuration.journal.path), "restarts"), log);
  const launchdRestarts = privileges.account !== undefined;
  const end = await runAgent(
    configuration,
    {
      ...context,
      env: { ...context.env, ...prepared.proxies },
      log,
      simulated,
      environment: childEnvironment(context.env),
      privileges,
      reload,
      configurationText: () => reload.current.text,
      // Without root it could not be started again: launchd starts both.
      restart: launchdRestarts ? "never" : "backoff",
      restarts,
      ...(launchdRestarts && { buffering: restarts }),
    },
    AbortSignal.any([context.signal, renamed.signal]),
  );
  if (renamed.signal.aborted && !context.signal.aborted) return exitCode.temporary;
  if (end.status !== "ended" && (context.signal.aborted || !reload.restart.aborted)) return exitCode.ok;
  // One that was asked for meanwhile may still read: the next life begins with that.
  if (end.status !== "ended" && !launchdRestarts) {
    await reload.untilIdle(context.signal);
    return context.signal.aborted ? exitCode.ok : reload.current;
  }
  log.info("ending, to be started again with root");
  return exitCode.temporary;
}

/** Or why it can't be written to. */
function openLog({ log }: RunConfiguration["configuration"], context: CommandContext): OwnedLogger | string {
  try {
    return createLogger(log, {
      clock: context.clock,
      fd: 2,
      tty: context.standardErrorIsTerminal,
      env: context.env,
    });
  } catch (error) {
    return `log.file: ${causeOf(error)}`;
  }
}

function logStart(
  { configuration, file, simulated }: RunConfiguration,
  { version }: CommandContext,
  log: Logger,
): void {
  log.info(`mac-powermetrics-agent ${version} starts`, {
    configuration: file ?? "defaults",
    simulated,
    listening: configuration.web.enabled ? configuration.web.listen_addresses.join(", ") : "off",
  });
  if (simulated) log.warn("SIMULATED: no Mac is asked, every number is made up");
}

const usesHostname = ({ global }: Configuration, context: CommandContext): boolean =>
  global.instance === context.hostname;

/** Aborts when a machine whose generic host name would be the instance has got a name of its own, and launchd starts the agent again. */
function watchHostname(
  configuration: Configuration,
  { account }: Privileges,
  log: Logger,
  context: CommandContext,
): Disposable & { readonly signal: AbortSignal } {
  const renamed = new AbortController();
  const isGeneric = usesHostname(configuration, context) && isGenericHostname(context.hostname);
  const watch = isGeneric
    ? awaitHostname(hostname, context.clock, (name) => {
        const consequence =
          account === undefined ? "start the agent again to use it" : "ending, to be started again with it";
        log.info(`this machine has a host name of its own now, ${name}: ${consequence}`);
        if (account !== undefined) renamed.abort();
      })
    : undefined;
  return { signal: renamed.signal, [Symbol.dispose]: () => watch?.[Symbol.dispose]() };
}

/** A configuration that would keep the agent from starting is refused, too. */
async function loadAgain(
  args: readonly string[],
  context: CommandContext,
): Promise<Reloaded<RunConfiguration>> {
  const { uid, home, hostname } = context;
  const next = await readConfiguration(args, context, {
    uid,
    home,
    hostname,
    stateFolder: stateFolder(context),
  });
  if ("code" in next) return { ok: false, problems: next.stderr.trimEnd().split("\n").filter(isProblem) };
  const problems = await startProblems(next, context);
  return problems.length === 0 ? { ok: true, next } : { ok: false, problems };
}

const isProblem = (line: string): boolean => !line.startsWith("warning: ");
