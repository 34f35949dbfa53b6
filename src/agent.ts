/**
 * Owns the composition: builds every stage, starts them and stops them; no logic of its own.
 *
 *     collection (sources ─► pipeline) ─► publish ─► latest ─► endpoint
 */
import { createCollection, type Collection, type CollectionWorld } from "./collection.ts";
import type { Configuration } from "./config/schema.ts";
import type { Readiness } from "./endpoint/health.ts";
import { startEndpoint } from "./endpoint/server.ts";
import { parseWebFile } from "./config/web-file.ts";
import { latestSnapshots, stalenessLimit } from "./meter/latest.ts";
import { createOwnMeter } from "./meter/own-meter.ts";
import type { Snapshot } from "./meter/snapshot.ts";
import { childCpu, type ChildCpu } from "./source/child-cpu.ts";
import { createHeartbeat } from "./source/heartbeat.ts";
import type { Source, SourceEnd, SourceListener } from "./source/source.ts";
import { wakeTimeReader, watchTime } from "./source/wake.ts";
import { createTelemetry, ownIntervalMs } from "./telemetry.ts";

export interface AgentWorld extends Omit<CollectionWorld, "heartbeat" | "own" | "publish"> {
  readonly hostname: string;
  readonly version: string;
  readonly nodeVersion: string;
}

/** Runs until the signal aborts or a source ends for good; resolves when everything is closed. */
export async function runAgent(
  configuration: Configuration,
  world: AgentWorld,
  signal: AbortSignal,
): Promise<SourceEnd> {
  const { clock, log } = world;
  const stop = new AbortController();
  const stopping = AbortSignal.any([signal, stop.signal]);

  const heartbeat = createHeartbeat(clock);
  const own = createOwnMeter(clock.now());
  const latest = latestSnapshots(limitOf(configuration));
  const publish = (snapshot: Snapshot): void => latest.put(snapshot);
  const collection = createCollection(configuration, { ...world, heartbeat, own, publish });
  const { sources, intakes } = collection;
  const powermetricsCpu = childCpu(world);
  const telemetry = createTelemetry({ ...world, ...collection, own, powermetricsCpu, publish });

  // From here on things run, and end in the reverse order: what listens first is the last to go.
  await using _endpoint = configuration.web.enabled
    ? await startEndpoint(
        configuration.web,
        {
          latest: () => latest.current(clock.now()),
          ready: () => readiness(collection),
          hostname: world.hostname,
          parseWebConfig: parseWebFile,
          clock,
          log,
        },
        new AbortController().signal,
      )
    : undefined;
  using _silence = heartbeat.onBeat(({ now }) => {
    for (const { name } of sources) intakes[name].checkSilence(now);
  });
  using _time = watchTime({
    heartbeat,
    intervalMs: Math.max(0, ...sources.map(({ intervalMs }) => intervalMs)),
    readWakeTime: wakeTimeReader(configuration.sources.sysctl.command, world),
    onJump: (jump) => telemetry.jumped(jump),
  });
  const running = sources.map((source) =>
    source.run(listenerOf(source, collection, powermetricsCpu), stopping),
  );
  const telling = telemetry.run(stopping);

  const end = await firstEnd(running, stopping);
  stop.abort();
  await Promise.all([...running, telling]);
  for (const { name } of sources) intakes[name].end(clock.now());
  log.info("stopped");
  return end;
}

function limitOf({ sources }: Configuration): (source: string) => number {
  const intervals = new Map(Object.entries(sources).map(([name, { interval }]) => [name, interval]));
  return (source) => stalenessLimit(intervals.get(source) ?? ownIntervalMs);
}

function listenerOf({ name }: Source, { intakes }: Collection, cpu: ChildCpu): SourceListener {
  return { ...intakes[name], started: (pid) => cpu.started(pid) };
}

function readiness({ sources, intakes }: Collection): Readiness {
  const silent = sources.filter(({ name }) => intakes[name].lastTime === undefined).map(({ name }) => name);
  if (silent.length === 0) return { ready: true };
  return { ready: false, reason: `no sample yet of ${silent.join(", ")}` };
}

/** The first source that ended for good; without one, that we were told to stop. */
async function firstEnd(running: readonly Promise<SourceEnd>[], stopping: AbortSignal): Promise<SourceEnd> {
  const stopped = new Promise<SourceEnd>((resolve) => {
    const tell = (): void => resolve({ status: "stopped" });
    if (stopping.aborted) tell();
    else stopping.addEventListener("abort", tell, { once: true });
  });
  return Promise.race([stopped, ...running]);
}
