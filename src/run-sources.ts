/** Runs the sources of an agent: starts them, gives up root, and waits for the first that ends for good. */
import type { Collection } from "./collection.ts";
import type { Privileges } from "./daemon/privileges.ts";
import { pauseBeforeRestart, type Restarts } from "./daemon/restarts.ts";
import type { SourcePipeline } from "./meter/source-pipeline.ts";
import { untilAborted, type Clock } from "./runtime/clock.ts";
import type { Logger } from "./runtime/log.ts";
import type { ChildCpu } from "./source/child-cpu.ts";
import type { SourceEnd } from "./source/source.ts";
import type { Board } from "./status/board.ts";

/** The sources, and who hears of them. */
interface Fed extends Collection {
  readonly board: Pick<Board, "failed">;
  readonly powermetricsCpu: Pick<ChildCpu, "started">;
}

interface RunDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly privileges: Privileges;
  readonly restarts: Restarts;
}

interface RunningSources {
  readonly running: readonly Promise<SourceEnd>[];
  /** The first end for good, after a pause in which the others go on; without one, that the agent is to stop. */
  end(): Promise<SourceEnd>;
}

/** One by one, powermetrics first; root is given up as soon as it lives, or at once where it is disabled. */
export async function startSources(
  { sources, pipelines, board, powermetricsCpu }: Fed,
  deps: RunDeps,
  stopping: AbortSignal,
): Promise<RunningSources> {
  const { clock, restarts } = deps;
  let startedAt = clock.monotonic();
  const started = (pid: number): void => {
    startedAt = clock.monotonic();
    powermetricsCpu.started(pid);
    dropPrivileges(deps);
  };
  if (!sources.some(isStream)) dropPrivileges(deps);
  const starts = streamFirst(sources).map((source) => () => {
    const pipeline = pipelines[source.name];
    const failed: SourcePipeline["failed"] = (failure) => {
      pipeline.failed(failure);
      board.failed(source.name, failure);
    };
    return source.run({ ...pipeline, started, failed }, stopping);
  });
  const running = await startInTurn(starts, clock, stopping);
  return {
    running,
    end: () =>
      firstEnd(running, stopping, async (ended) => {
        // It goes on as soon as it is started with other arguments.
        if (ended.reason === "buffered") return;
        const delivered = pipelines.powermetrics.lastTime !== undefined;
        const pauseMs = restarts.next(delivered ? clock.monotonic() - startedAt : 0);
        await pauseBeforeRestart(ended, pauseMs, deps, stopping);
      }),
  };
}

/** The others answer at once, while a first document takes a whole window more. They keep their order, in which sysctl tells the boot time. */
export function streamFirst<S extends { readonly name: string }>(sources: readonly S[]): readonly S[] {
  return sources.toSorted((a, b) => Number(isStream(b)) - Number(isStream(a)));
}

const isStream = ({ name }: { readonly name: string }): boolean => name === "powermetrics";

function dropPrivileges({ privileges, log }: RunDeps): void {
  const { account } = privileges;
  if (account === undefined) return;
  privileges.drop();
  log.info("gave up root", { account });
}

/**
 * Calls each in order, one a turn of the event loop: starting a process blocks this one for some 5 ms, and requests are answered in between.
 * Returned promises are not awaited.
 */
export async function startInTurn<T>(
  starts: readonly (() => T)[],
  clock: Pick<Clock, "sleep">,
  signal: AbortSignal,
): Promise<readonly T[]> {
  const started: T[] = [];
  for (const start of starts) {
    await clock.sleep(0, signal);
    started.push(start());
  }
  return started;
}

/** The first end for good, after `pause`, in which the others go on; without one, that all are to stop. */
function firstEnd(
  running: readonly Promise<SourceEnd>[],
  stopping: AbortSignal,
  pause: (ended: Extract<SourceEnd, { status: "ended" }>) => Promise<void>,
): Promise<SourceEnd> {
  const stopped = untilAborted(stopping).then((): SourceEnd => ({ status: "stopped" }));
  const ends = running.map(async (source): Promise<SourceEnd> => {
    const end = await source;
    if (end.status === "ended") await pause(end);
    return stopping.aborted ? { status: "stopped" } : end;
  });
  return Promise.race([stopped, ...ends]);
}
