/**
 * The composition: builds every stage, starts them and stops them; no logic of its own.
 *
 *     collection (sources ─► pipeline) ─► publish ─┬─► latest ─► endpoint
 *                                                  └─► journal ─► deliveries (a loop a sink)
 */
import { createCollection, type Collection, type CollectionWorld } from "./collection.ts";
import type { Configuration } from "./config/schema.ts";
import type { Privileges } from "./daemon/privileges.ts";
import { pauseBeforeRestart, type Restarts } from "./daemon/restarts.ts";
import { reloadRoute, type Readiness } from "./endpoint/health.ts";
import { createDeliveries } from "./delivery/deliveries.ts";
import { apiRoutes } from "./endpoint/status-api.ts";
import { pageRoutes } from "./endpoint/page/routes.ts";
import { startEndpoint } from "./endpoint/server.ts";
import { openJournal } from "./journal/journal.ts";
import { catalogue } from "./meter/catalogue.ts";
import type { SourcePipeline } from "./meter/source-pipeline.ts";
import { latestSnapshots, stalenessLimit } from "./meter/latest.ts";
import { createOwnMeter } from "./meter/own-meter.ts";
import type { Snapshot } from "./meter/snapshot.ts";
import { machineOf, sinkContextOf } from "./receivers.ts";
import { receiversOf } from "./sink/index.ts";
import { settleForLongLife } from "./runtime/long-life.ts";
import { childCpu } from "./source/child-cpu.ts";
import type { HostFacts } from "./runtime/host.ts";
import { createHeartbeat, wakeTimeReader, watchTime } from "./source/heartbeat.ts";
import type { SourceEnd } from "./source/source.ts";
import { startInTurn } from "./source/open.ts";
import { createBoard } from "./status/board.ts";
import { createRecentEvents } from "./status/recent-events.ts";
import { createTelemetry, ownIntervalMs, sinkListener } from "./telemetry.ts";

export interface AgentWorld extends Omit<CollectionWorld, "heartbeat" | "own" | "publish"> {
  readonly hostname: string;
  /** For proxies; what tools see of it is narrower. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The command that runs this program again. */
  readonly self: readonly string[];
  readonly version: string;
  readonly nodeVersion: string;
  /** As `process.platform` and `process.arch`. */
  readonly platform: string;
  readonly arch: string;
  /** Root's, given up as soon as powermetrics lives. */
  readonly privileges: Privileges;
  /** For a source that may not be started again without root. */
  readonly restarts: Restarts;
  readonly reload: {
    /** Reads the configuration again; the reason when it was refused. */
    request(): Promise<string | undefined>;
    readonly successful: boolean;
    /** Calls back with each new configuration, for what can change at once. */
    onApply(apply: (next: Configuration) => Promise<void>): void;
    /** Aborts when the agent must end to start anew. */
    readonly restart: AbortSignal;
  };
  /** The effective configuration as YAML, secrets hidden, for the status page. */
  readonly configurationText: () => string;
}

/** Runs until the signal aborts, or until the pause after a source's end for good is over; resolves when everything is closed. */
export async function runAgent(
  configuration: Configuration,
  outside: AgentWorld,
  signal: AbortSignal,
): Promise<SourceEnd> {
  settleForLongLife();
  const events = createRecentEvents(outside.log, outside.clock);
  const world: AgentWorld = { ...outside, log: events.log };
  const { clock, log } = world;
  const stop = new AbortController();
  const stopping = AbortSignal.any([signal, outside.reload.restart, stop.signal]);

  const heartbeat = createHeartbeat(clock);
  const own = createOwnMeter(clock.now());
  const latest = latestSnapshots(limitOf(configuration));
  using journal = world.privileges.asAccount(() =>
    openJournal({
      ...journalOptions(configuration),
      clock,
      log: log.child({ stage: "journal" }),
      metricOf: (name) => catalogue.get(name),
    }),
  );
  const asked = { ...world, startedAt: clock.now(), signal: stopping };
  const machine = machineOf(configuration, asked);
  const deliveries = createDeliveries({
    ...world,
    journal,
    sinkContext: sinkContextOf(configuration, asked, log, machine),
    latest: () => latest.current(clock.now()),
    listenerOf: (sink) => sinkListener(own, sink),
  });
  function publish(snapshot: Snapshot): void {
    latest.put(snapshot);
    if (journal.append(snapshot) === "appended") deliveries.notify();
    board.published(snapshot);
  }
  const collection = createCollection(configuration, { ...world, heartbeat, own, publish });
  const { sources, pipelines } = collection;
  const powermetricsCpu = childCpu(world);
  const board = createBoard({
    ...world,
    ...collection,
    latest: () => latest.current(clock.now()),
    sinks: () => deliveries.reports(),
    journal,
    events: () => events.list(),
    facts: () => facts,
  });
  let facts: HostFacts = {};
  const telemetry = createTelemetry({
    ...world,
    ...collection,
    own,
    powermetricsCpu,
    journal,
    deliveries,
    publish,
  });

  // From here on things run, and end in the reverse order: what listens first is the last to go.
  await using _endpoint = configuration.web.enabled
    ? await startEndpoint(
        configuration.web,
        {
          latest: () => latest.current(clock.now()),
          ready: () => readiness(collection),
          hostname: world.hostname,
          routes: [
            ...apiRoutes(board),
            ...(configuration.web.page ? pageRoutes(board) : []),
            ...(configuration.web.enable_reload ? [reloadRoute(() => world.reload.request())] : []),
          ],
          webParser: async () => (await import("./config/web-file.ts")).parseWebFile,
          clock,
          log,
        },
        new AbortController().signal,
      )
    : undefined;
  using _silence = heartbeat.onBeat(({ now }) => {
    for (const { name } of sources) pipelines[name].checkSilence(now);
  });
  await deliveries.apply(receiversOf(configuration));
  world.reload.onApply((next) => deliveries.apply(receiversOf(next)));
  let startedAt = clock.monotonic();
  const started = (pid: number): void => {
    startedAt = clock.monotonic();
    powermetricsCpu.started(pid);
    dropPrivileges(world);
  };
  if (!configuration.sources.powermetrics.enabled) dropPrivileges(world);
  const starts = sources.map((source) => () => {
    const pipeline = pipelines[source.name];
    const failed: SourcePipeline["failed"] = (failure) => {
      pipeline.failed(failure);
      board.failed(source.name, failure);
    };
    return source.run({ ...pipeline, started, failed }, stopping);
  });
  const running = await startInTurn(starts, clock, stopping);
  await clock.sleep(0, stopping);
  using _time = watchTime({
    heartbeat,
    intervalMs: Math.max(0, ...sources.map(({ intervalMs }) => intervalMs)),
    readWakeTime: wakeTimeReader(configuration.sources.sysctl.command, world),
    onJump(jump) {
      telemetry.jumped(jump);
      if (jump.kind === "woke") deliveries.woke();
    },
  });
  const asking = clock.sleep(0, stopping).then(async () => (facts = await machine()));
  const telling = telemetry.run(stopping);

  const end = await firstEnd(running, stopping, async (ended) => {
    // It goes on as soon as it is started with other arguments.
    if (ended.reason === "buffered") return;
    const delivered = pipelines.powermetrics.lastTime !== undefined;
    const pauseMs = world.restarts.next(delivered ? clock.monotonic() - startedAt : 0);
    await pauseBeforeRestart(ended, pauseMs, world, stopping);
  });
  stop.abort();
  const stoppedAt = clock.monotonic();
  await Promise.all([...running, telling, asking]);
  for (const { name } of sources) pipelines[name].end(clock.now());
  telemetry.end();
  journal.commit();
  await deliveries.finish(Math.max(shutdownMs - (clock.monotonic() - stoppedAt), leastFlushMs));
  log.info("stopped");
  return end;
}

/** Half a second under the 2 s that a stop may take. */
const shutdownMs = 1500;
/** What is left for the receivers when a source would not end. */
const leastFlushMs = 500;

function journalOptions({ journal }: Configuration) {
  return {
    path: journal.path,
    maxBytes: journal.max_size,
    maxAgeMs: journal.max_age,
    historyMs: journal.history,
    minFreeBytes: journal.min_free,
    commitIntervalMs: journal.commit_interval,
  };
}

function limitOf({ sources }: Configuration): (source: string) => number {
  const intervals = new Map(Object.entries(sources).map(([name, { interval }]) => [name, interval]));
  return (source) => stalenessLimit(intervals.get(source) ?? ownIntervalMs);
}

function dropPrivileges({ privileges, log }: Pick<AgentWorld, "privileges" | "log">): void {
  const { account } = privileges;
  if (account === undefined) return;
  privileges.drop();
  log.info("gave up root", { account });
}

function readiness({ sources, pipelines }: Collection): Readiness {
  const silent = sources.filter(({ name }) => pipelines[name].lastTime === undefined).map(({ name }) => name);
  if (silent.length === 0) return { ready: true };
  return { ready: false, reason: `no sample yet of ${silent.join(", ")}` };
}

/** The first source that ended for good, after a pause in which the others go on; without one, that the agent is to stop. */
async function firstEnd(
  running: readonly Promise<SourceEnd>[],
  stopping: AbortSignal,
  pause: (ended: Extract<SourceEnd, { status: "ended" }>) => Promise<void>,
): Promise<SourceEnd> {
  const stopped = new Promise<SourceEnd>((resolve) => {
    const tell = (): void => resolve({ status: "stopped" });
    if (stopping.aborted) tell();
    else stopping.addEventListener("abort", tell, { once: true });
  });
  const ends = running.map(async (source): Promise<SourceEnd> => {
    const end = await source;
    if (end.status === "ended") await pause(end);
    return stopping.aborted ? { status: "stopped" } : end;
  });
  return Promise.race([stopped, ...ends]);
}
