/** Owns `run`: the agent in the foreground until it is told to stop. */
import { runAgent } from "../agent.ts";
import { createLogger } from "../runtime/log/logger.ts";
import { childEnvironment } from "../source/child.ts";
import { exitCode, type ExitCode } from "./exit.ts";
import { obstacle, prepare, type RunChoice } from "./load.ts";
import type { World } from "./world.ts";

/** 0 after a stop, 75 when powermetrics ended and may not be started again, 69 and 77 when it can't be asked at all. */
export async function run(choice: RunChoice, world: World): Promise<ExitCode> {
  const prepared = prepare(choice, world);
  if (typeof prepared === "number") return prepared;
  const hindrance = obstacle(prepared, world);
  if (hindrance !== undefined) {
    world.stderr(`${hindrance.message}\n`);
    return hindrance.code;
  }
  const { configuration, warnings, file, simulated } = prepared;
  using log = createLogger(configuration.log, {
    clock: world.clock,
    fd: 2,
    tty: world.standardErrorIsTerminal,
    env: world.env,
  });
  for (const warning of warnings) log.warn(warning);
  world.onHangup(() => log.reopen());
  log.info(`mac-powermetrics-agent ${world.version} starts`, {
    configuration: file ?? "defaults",
    simulated,
    listening: configuration.web.enabled ? configuration.web.listen_addresses.join(", ") : "off",
  });
  if (simulated) log.warn("SIMULATED: no Mac is asked, every number is made up");

  const end = await runAgent(
    configuration,
    { ...world, log, simulated, environment: childEnvironment(world.env), restart: "backoff" },
    world.signal,
  );
  if (end.status === "stopped") return exitCode.ok;
  log.error(end.message, { reason: end.reason });
  return exitCode.temporary;
}
