/** Runs the real powermetrics source on a fake tool, for its tests. */
import type { TestContext } from "node:test";
import { systemClock, type Clock } from "../../src/runtime/clock.ts";
import { childEnvironment, type Argv, type ChildExit, type Spawn } from "../../src/source/child.ts";
import { createHeartbeat } from "../../src/source/heartbeat.ts";
import { createPowermetrics, type PowermetricsOptions } from "../../src/source/powermetrics.ts";
import type { SourceEnd } from "../../src/source/source.ts";
import { collectEvents, type Events } from "./events.ts";
import { recordingLogger, type RecordingLogger } from "../support/log.ts";

export interface Running {
  readonly events: Events;
  readonly log: RecordingLogger;
  readonly waits: readonly number[];
  readonly end: Promise<SourceEnd>;
  readonly stop: () => Promise<SourceEnd>;
}

/** Starts the real source on a fake tool. */
export function runPowermetrics(
  t: TestContext,
  command: Argv,
  options: Partial<PowermetricsOptions> & { clock?: Clock } = {},
): Running {
  const events = collectEvents();
  const log = recordingLogger();
  const clock = options.clock ?? systemClock;
  const controller = new AbortController();
  const waits: number[] = [];
  const source = createPowermetrics({
    command,
    intervalMs: 1000,
    samplers: ["cpu_power", "gpu_power", "thermal"],
    restart: "backoff",
    backoff: {
      next: () => {
        waits.push(1);
        return 1;
      },
      reset: () => void waits.splice(0),
    },
    clock,
    heartbeat: createHeartbeat(clock),
    log,
    environment: childEnvironment({ PATH: "/usr/bin:/bin" }),
    ...options,
  });
  const end = source.run(events, controller.signal);
  const stop = (): Promise<SourceEnd> => {
    controller.abort();
    return end;
  };
  t.after(stop);
  return { events, log, waits, end, stop };
}

/** A tool that answers `--help` with nothing and says nothing afterwards, and how it ends when it is stopped. */
export function silentSpawn(end: "signalled" | "abandoned"): Spawn {
  return (argv) => {
    const { promise, resolve } = Promise.withResolvers<ChildExit>();
    if (argv.includes("--help")) resolve({ kind: "exited", code: 0 });
    const stop = (): Promise<ChildExit> => {
      resolve(end === "abandoned" ? { kind: end } : { kind: end, signal: "SIGTERM" });
      return promise;
    };
    return { pid: 1, ended: promise, stop };
  };
}

/** The beginning of a tool that has four samplers. */
export const help =
  `if [ "$1" = --help ]; then echo 'The following samplers are supported by --samplers:'; ` +
  `printf '    %s\\n' tasks cpu_power gpu_power thermal; exit 0; fi\n`;
/** Waits for ever, or until its standard input closes. */
export const hang = "exec cat > /dev/null\n";
