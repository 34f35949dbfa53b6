/**
 * The composition: builds every stage, starts them and stops them.
 *
 *     collection (sources ─► pipeline) ─► publish ─┬─► latest ─► endpoint      scraped targets ─► publish ─► journal alone
 *                                                  └─► journal ─► deliveries (a loop a sink)
 */
import { createCollection, intervalsOf, type Collection, type CollectionDeps } from "./collection.ts";
import type { Configuration } from "./config/schema.ts";
import type { Privileges } from "./daemon/privileges.ts";
import type { Restarts } from "./daemon/restarts.ts";
import { reloadRoute, type Readiness } from "./endpoint/health.ts";
import { createDeliveries } from "./delivery/deliveries.ts";
import { apiRoutes } from "./endpoint/status-api.ts";
import { pageRoutes } from "./endpoint/page/routes.ts";
import { startEndpoint } from "./endpoint/server.ts";
import { openJournal } from "./journal/journal.ts";
import { catalogue } from "./meter/catalogue.ts";
import { createOwnMeter, type OwnMeter } from "./meter/own-meter.ts";
import { isOwn, isScraped, latestSnapshots, stalenessLimit, type Snapshot } from "./meter/snapshot.ts";
import { startSources } from "./run-sources.ts";
import type { Scrapes } from "./scrape/scrapes.ts";
import { createMachineFacts, scrapeClients, sinkContextOf, systemAuthorities } from "./sink-context.ts";
import { receiversOf } from "./sink/index.ts";
import type { SystemAuthorities } from "./runtime/http/trust.ts";
import { settleForLongLife } from "./runtime/long-life.ts";
import { childCpu } from "./source/child-cpu.ts";
import { createHeartbeat, wakeTimeReader, watchTime } from "./source/heartbeat.ts";
import type { SourceEnd } from "./source/source.ts";
import { createBoard, type BoardOptions } from "./status/board.ts";
import { createRecentEvents } from "./status/recent-events.ts";
import { createTelemetry, ownIntervalMs, sinkListener } from "./telemetry.ts";

export interface AgentDeps extends Omit<CollectionDeps, "heartbeat" | "own" | "publish"> {
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
  outside: AgentDeps,
  signal: AbortSignal,
): Promise<SourceEnd> {
  settleForLongLife();
  const events = createRecentEvents(outside.log, outside.clock);
  const deps: AgentDeps = { ...outside, log: events.log };
  const { clock, log, reload } = deps;
  const stop = new AbortController();
  const stopping = AbortSignal.any([signal, reload.restart, stop.signal]);
  using journal = openOwnJournal(configuration, deps);
  const stages = createStages(configuration, { ...deps, journal, events: () => events.list() }, stopping);
  const { deliveries, telemetry, machine } = stages;
  const applied = Promise.withResolvers<undefined>();
  // At once, as a reload may be over soon; what it changes comes after what is there at the start.
  reload.onApply((next) => applied.promise.then(() => applyTo(stages, next)));

  // From here on things run, and end in the reverse order: what listens first is the last to go.
  await using _endpoint = await listen(configuration, stages, deps);
  await applyTo(stages, configuration);
  applied.resolve(undefined);
  using _silence = watchSilence(stages);
  const sources = await startSources(stages, deps, stopping);
  await clock.sleep(0, stopping);
  using _time = watchForJumps(configuration, stages, deps);
  const asking = clock.sleep(0, stopping).then(() => machine.ask());
  const reporting = telemetry.run(stopping);

  const end = await sources.end();
  stop.abort();
  const stoppedAt = clock.monotonic();
  await Promise.all([...sources.running, reporting, asking]);
  for (const { name } of stages.sources) stages.pipelines[name].end(clock.now());
  telemetry.end();
  await stages.scraping.finish();
  journal.commit();
  await deliveries.finish(Math.max(shutdownMs - (clock.monotonic() - stoppedAt), leastFlushMs));
  log.info("stopped");
  return end;
}

/** What changes while the agent runs. */
async function applyTo({ deliveries, scraping }: Stages, configuration: Configuration): Promise<void> {
  await deliveries.apply(receiversOf(configuration));
  await scraping.apply(configuration);
}

/** Half a second under the 2 s that a stop may take. */
const shutdownMs = 1500;
/** What is left for the receivers when a source would not end. */
const leastFlushMs = 500;

function openOwnJournal({ journal }: Configuration, { privileges, clock, log }: AgentDeps): OpenJournal {
  return privileges.asAccount(() =>
    openJournal({
      path: journal.path,
      maxBytes: journal.max_size,
      maxAgeMs: journal.max_age,
      historyMs: journal.history,
      minFreeBytes: journal.min_free,
      commitIntervalMs: journal.commit_interval,
      clock,
      log: log.child({ stage: "journal" }),
      metricOf: (name) => catalogue.get(name),
    }),
  );
}

type OpenJournal = ReturnType<typeof openJournal>;

interface StagesDeps extends AgentDeps {
  readonly journal: OpenJournal;
  /** What was logged lately, newest first. */
  readonly events: BoardOptions["events"];
}

type Stages = ReturnType<typeof createStages>;

/** Builds all stages and connects them; nothing runs yet. */
function createStages(configuration: Configuration, deps: StagesDeps, stopping: AbortSignal) {
  const { clock, log, journal } = deps;
  const heartbeat = createHeartbeat(clock);
  const own = createOwnMeter(clock.now());
  const powermetricsCpu = childCpu(deps);
  const publish = (snapshot: Snapshot): void => {
    if (isOwn(snapshot.source)) {
      latest.put(snapshot);
      board.published(snapshot);
    }
    if (journal.append(snapshot) === "appended") deliveries.notify();
  };
  const collection = createCollection(configuration, { ...deps, heartbeat, own, publish });

  const latest = latestSnapshots(limitOf(configuration));
  const current = (): readonly Snapshot[] => latest.current(clock.now());
  const context = { ...deps, startedAt: clock.now(), signal: stopping };
  const machine = createMachineFacts(configuration, context);
  const authorities = systemAuthorities(context, log);
  const deliveries = createDeliveries({
    ...deps,
    sinkContext: sinkContextOf(configuration, context, log, authorities, machine),
    latest: current,
    listenerOf: (sink) => sinkListener(own, sink),
  });
  const scraping = createScraping(configuration, { ...deps, own, publish, authorities }, stopping);
  const board = createBoard({
    ...deps,
    ...collection,
    instance: configuration.global.instance,
    energyPrice: configuration.web.energy_price,
    watchesTasks: configuration.sources.powermetrics.tasks.enabled,
    targets: () => scraping.targets(),
    latest: current,
    sinks: () => deliveries.reports(),
    facts: () => machine.known,
  });
  const telemetry = createTelemetry({
    ...deps,
    ...collection,
    own,
    powermetricsCpu,
    deliveries,
    publish,
    latest,
  });
  return {
    scraping,
    ...collection,
    heartbeat,
    powermetricsCpu,
    current,
    machine,
    deliveries,
    board,
    telemetry,
  };
}

interface ScrapingDeps extends StagesDeps {
  readonly own: OwnMeter;
  readonly publish: (snapshot: Snapshot) => void;
  readonly authorities: SystemAuthorities;
}

/** Targets of `scrape_configs`; their code loads where there are any, or were. */
function createScraping({ global: { instance } }: Configuration, deps: ScrapingDeps, signal: AbortSignal) {
  const { own, publish, journal } = deps;
  const log = deps.log.child({ stage: "scrape" });
  let scrapes: Scrapes | undefined;
  return {
    targets: () => scrapes?.targets() ?? [],
    async apply({ scrape_configs: configs, global: times }: Configuration) {
      const hasSources = [...journal.sources().keys()].some(isScraped);
      if (configs.length === 0 && scrapes === undefined && !hasSources) return;
      const { createScrapes } = await import("./scrape/scrapes.ts");
      // Whoever finishes has nothing to end where none were made by then.
      if (signal.aborted) return;
      scrapes ??= createScrapes({
        ...deps,
        log,
        instance,
        signal,
        asReader: (work) => deps.privileges.asAccount(work),
        createClient: scrapeClients(deps, log, deps.authorities),
        listener: {
          publish,
          failed: (job, reason) => own.count("scrapeFailures", 1, { scrape_job: job, reason }),
          dropped: (job, reason, samples) => own.count("scrapeDropped", samples, { scrape_job: job, reason }),
        },
      });
      await scrapes.apply(configs, times);
    },
    finish: async () => scrapes?.finish(),
  };
}

function limitOf({ sources }: Configuration): (source: string) => number {
  const intervals = new Map(Object.entries(intervalsOf(sources)));
  return (source) => stalenessLimit(intervals.get(source) ?? ownIntervalMs);
}

async function listen(
  { web }: Configuration,
  { board, telemetry, current, ...collection }: Stages,
  { hostname, reload, clock, log }: AgentDeps,
): Promise<AsyncDisposable | undefined> {
  if (!web.enabled) return undefined;
  return startEndpoint(web, {
    latest: () => telemetry.refresh().then(current),
    ready: () => readiness(collection),
    hostname,
    routes: [
      ...apiRoutes(board),
      ...(web.page ? pageRoutes(board) : []),
      ...(web.enable_reload ? [reloadRoute(() => reload.request())] : []),
    ],
    webParser: async () => (await import("./config/web-file.ts")).parseWebFile,
    clock,
    log,
  });
}

function readiness({ sources, pipelines }: Collection): Readiness {
  const silent = sources.filter(({ name }) => pipelines[name].lastTime === undefined).map(({ name }) => name);
  if (silent.length === 0) return { ready: true };
  return { ready: false, reason: `no sample yet of ${silent.join(", ")}` };
}

/** Ends the series of a source that has been silent for too long. */
function watchSilence({ heartbeat, sources, pipelines }: Stages): Disposable {
  return heartbeat.onBeat(({ now }) => {
    for (const { name } of sources) pipelines[name].checkSilence(now);
  });
}

function watchForJumps(
  configuration: Configuration,
  { heartbeat, sources, telemetry, deliveries }: Stages,
  deps: AgentDeps,
): Disposable {
  return watchTime({
    heartbeat,
    intervalMs: Math.max(0, ...sources.map(({ intervalMs }) => intervalMs)),
    readWakeTime: wakeTimeReader(configuration.sources.sysctl.command, deps),
    onJump(jump) {
      telemetry.jumped(jump);
      if (jump.kind === "woke") deliveries.woke();
    },
  });
}
