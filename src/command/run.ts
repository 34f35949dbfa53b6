/** `run`: the agent in the foreground until it is to stop. */
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { runAgent } from "../agent.ts";
import { stateFolder } from "../config/locate.ts";
import { writePidFile } from "../daemon/pid-file.ts";
import { createReload, type Reloaded } from "../daemon/reload.ts";
import { openRestarts } from "../daemon/restarts.ts";
import { causeOf } from "../runtime/cause.ts";
import type { Logger } from "../runtime/log.ts";
import { createLogger, type OwnedLogger } from "../runtime/logger.ts";
import { childEnvironment } from "../source/child.ts";
import { exitCode, type ExitCode } from "./exit.ts";
import { awaitHostname, isGenericHostname, keepHostname } from "./hostname.ts";
import { accountProblem, preflight, preparePrivileges, reportTrust } from "./preflight.ts";
import { readConfiguration, type NoRun, type RunConfiguration } from "./read-configuration.ts";
import type { World } from "./world.ts";

/** Where SIGHUP goes: to the agent that runs now. */
interface Hangup {
  call: () => void;
}

/** 0 after a stop, 75 when powermetrics ended and may not be started again, 69 and 77 when it can't be asked at all. */
export async function run(
  args: readonly string[],
  configuration: Promise<RunConfiguration | NoRun>,
  world: World,
): Promise<number> {
  const hangup: Hangup = { call: () => undefined };
  world.onHangup(() => hangup.call());
  const first = await configuration;
  if (world.signal.aborted) return exitCode.ok;
  if ("code" in first) {
    world.stdout(first.stdout);
    world.stderr(first.stderr);
    return first.code;
  }
  let next: RunConfiguration | ExitCode = first;
  while (typeof next !== "number") next = await runWith(next, { args, world, hangup });
  return next;
}

interface Running {
  readonly args: readonly string[];
  readonly world: World;
  readonly hangup: Hangup;
}

/** One life of the agent: the exit code, or the configuration of the next one. */
async function runWith(
  prepared: RunConfiguration,
  { args, world, hangup }: Running,
): Promise<ExitCode | RunConfiguration> {
  const hindrance = await preflight(prepared, world);
  if (hindrance !== undefined) {
    world.stderr(`${hindrance.message}\n`);
    return hindrance.code;
  }
  const { configuration, simulated } = prepared;
  const trust = await reportTrust(prepared, world);
  if (trust.problems.length > 0) {
    for (const problem of trust.problems) world.stderr(`${problem}\n`);
    return exitCode.badConfiguration;
  }
  const granted = await preparePrivileges(configuration, world);
  if (!granted.ok) {
    world.stderr(`${granted.message}\n`);
    return exitCode.badConfiguration;
  }
  const { privileges } = granted;
  const opened = openLog(configuration, world);
  if (typeof opened === "string") {
    world.stderr(`${opened}\n`);
    return exitCode.badConfiguration;
  }
  using log = opened;
  const usesHostname = configuration.global.instance === world.hostname;
  const nameless = privileges.asAccount(() => keepHostname(world, world.hostname));
  using pidFile = prepared.pidFile === undefined ? undefined : writePidFile(prepared.pidFile, process.pid);
  for (const warning of [
    ...prepared.warnings,
    ...(world.uid === 0 ? trust.warnings : []),
    usesHostname ? nameless : undefined,
    granted.warning,
    pidFile?.warning,
  ])
    if (warning !== undefined) log.warn(warning);
  sayHello(prepared, world, log);

  const reload = createReload({
    first: prepared,
    load: () => loadAgain(args, world),
    log,
  });
  reload.onApply(({ log: { level } }) => log.setLevel(level));
  hangup.call = () => {
    log.reopen();
    void reload.request();
  };
  const renamed = new AbortController();
  using _name =
    usesHostname && isGenericHostname(world.hostname)
      ? awaitHostname(hostname, world.clock, (name) => {
          const anew =
            privileges.account === undefined
              ? "start the agent again to use it"
              : "ending, to be started anew with it";
          log.info(`this machine has a host name of its own now, ${name}: ${anew}`);
          if (privileges.account !== undefined) renamed.abort();
        })
      : undefined;
  // Beside the journal, where the account may write.
  const restarts = openRestarts(join(dirname(configuration.journal.path), "restarts"), log);
  const end = await runAgent(
    configuration,
    {
      ...world,
      env: { ...world.env, ...prepared.proxies },
      log,
      simulated,
      environment: childEnvironment(world.env),
      privileges,
      reload,
      configurationText: () => reload.current.text,
      // Without root it could not be started again: launchd starts both.
      restart: privileges.account === undefined ? "backoff" : "never",
      restarts,
      ...(privileges.account !== undefined && { buffering: restarts }),
    },
    AbortSignal.any([world.signal, renamed.signal]),
  );
  if (renamed.signal.aborted && !world.signal.aborted) return exitCode.temporary;
  if (end.status === "ended") {
    log.info("ending, to be started anew with root");
    return exitCode.temporary;
  }
  if (world.signal.aborted || !reload.restart.aborted) return exitCode.ok;
  if (privileges.account === undefined) return reload.current;
  log.info("ending, to be started anew with root");
  return exitCode.temporary;
}

/** Or why it can't be written to. */
function openLog({ log }: RunConfiguration["configuration"], world: World): OwnedLogger | string {
  try {
    return createLogger(log, {
      clock: world.clock,
      fd: 2,
      tty: world.standardErrorIsTerminal,
      env: world.env,
    });
  } catch (error) {
    return `log.file: ${causeOf(error)}`;
  }
}

function sayHello(
  { configuration, file, simulated }: RunConfiguration,
  { version }: World,
  log: Logger,
): void {
  log.info(`mac-powermetrics-agent ${version} starts`, {
    configuration: file ?? "defaults",
    simulated,
    listening: configuration.web.enabled ? configuration.web.listen_addresses.join(", ") : "off",
  });
  if (simulated) log.warn("SIMULATED: no Mac is asked, every number is made up");
}

/** What would keep the agent from starting with it is wrong with it, too. */
async function loadAgain(args: readonly string[], world: World): Promise<Reloaded<RunConfiguration>> {
  const { uid, home, hostname } = world;
  const next = await readConfiguration(args, world, { uid, home, hostname, stateFolder: stateFolder(world) });
  if ("code" in next) return { ok: false, problems: next.stderr.trimEnd().split("\n").filter(isProblem) };
  const { problems } = await reportTrust(next, world);
  if (problems.length > 0) return { ok: false, problems };
  const message =
    (await preflight(next, world))?.message ?? (await accountProblem(next.configuration, world));
  return message === undefined ? { ok: true, next } : { ok: false, problems: [message] };
}

const isProblem = (line: string): boolean => !line.startsWith("warning: ");
