/**
 * The status of the whole agent: gathers every stage's state into one document for each request, and computes nothing without one.
 *
 *     sources, pipelines ┐
 *     latest snapshots   ├─► Status ─► /api/v1/status, events, the page, top
 *     sinks, journal     │
 *     log ─► events      ┘
 *
 * status.ts has the document, readings.ts and overall.ts compute parts of it, history.ts the past, energy-today.ts and energy-by-app.ts what it used, view.ts what the page and `top` make of it.
 */
import type { DeliveryState } from "../delivery/types.ts";
import { lossReasons, type Journal, type JournalState } from "../journal/types.ts";
import { ownMetrics } from "../meter/catalogue.ts";
import { ownSource } from "../meter/own-meter.ts";
import { stalenessLimit, type Snapshot } from "../meter/snapshot.ts";
import type { SourcePipeline } from "../meter/source-pipeline.ts";
import type { Metric } from "../metric/metric.ts";
import type { SourceName } from "../parse/sample.ts";
import type { Clock } from "../runtime/clock.ts";
import { defined } from "../runtime/defined.ts";
import type { Source, SourceFailure } from "../source/source.ts";
import { createEnergyByApp } from "./energy-by-app.ts";
import { createEnergyToday, type EnergyPrice } from "./energy-today.ts";
import { createFeed, type Feed } from "./feed.ts";
import { historyGroups } from "./history-group.ts";
import { createSnapshotMemory, isCharted, mostPoints, type History } from "./history.ts";
import { adviceFor, overallOf } from "./overall.ts";
import { readingsOf } from "./readings.ts";
import {
  statusVersion,
  type AgentEvent,
  type AgentIdentity,
  type JournalStatus,
  type Machine,
  type SinkStatus,
  type SourceStatus,
  type Status,
  type TargetStatus,
} from "./status.ts";
import { boundsOf, type TimeRange } from "./time-range.ts";

export interface BoardOptions {
  readonly clock: Clock;
  readonly hostname: string;
  /** The label `instance` of its metrics. */
  readonly instance: string;
  readonly version: string;
  readonly nodeVersion: string;
  readonly simulated: boolean;
  /** Of a kilowatt-hour. */
  readonly energyPrice?: EnergyPrice | undefined;
  /** Whether there are counters of tasks to tell apps by. */
  readonly watchesTasks: boolean;
  readonly sources: readonly StatusSource[];
  readonly pipelines: Readonly<Record<SourceName, Pick<SourcePipeline, "isUp" | "lastTime">>>;
  /** The current snapshots, the agent's own included. */
  readonly latest: () => readonly Snapshot[];
  readonly sinks: () => readonly StatusSink[];
  /** Absent where nothing is scraped. */
  readonly targets?: () => readonly TargetStatus[];
  /** Absent where none is kept: the last ten minutes are then remembered here. */
  readonly journal?: Pick<Journal, "history" | "state">;
  readonly events: () => readonly AgentEvent[];
  /** What is known of the machine so far. */
  readonly facts: () => Pick<Machine, "chip" | "osVersion">;
  /** The effective configuration as YAML, secrets hidden. */
  readonly configurationText: () => string;
}

type StatusSource = Pick<Source, "name" | "intervalMs">;

/** What the status shows of a delivery. */
interface StatusSink {
  readonly sink: string;
  readonly type: string;
  /** Without credentials. */
  readonly address: string;
  readonly state: DeliveryState;
}

/** What the status API and the page answer from. */
export interface StatusBoard {
  /** With the effective configuration. */
  status(): Status;
  history(range: TimeRange): History;
  readonly feed: Feed;
}

export interface Board extends StatusBoard {
  /** A snapshot was published. */
  published(snapshot: Snapshot): void;
  /** A source's tool failed. */
  failed(source: SourceName, failure: SourceFailure): void;
}

export function createBoard(options: BoardOptions): Board {
  const { clock, journal } = options;
  const startedAt = clock.now();
  const memory = journal === undefined ? createSnapshotMemory() : undefined;
  const energyToday = createEnergyToday(clock, journal, options.energyPrice);
  const energyByApp = options.watchesTasks ? createEnergyByApp(clock, journal) : undefined;
  const failures = new Map<SourceName, SourceStatus["lastFailure"]>();
  const feed = createFeed(clock, () => JSON.stringify(live()));

  /** All that changes. */
  function live(): Status {
    const time = clock.now();
    const snapshots = options.latest();
    const own = ownCounts(snapshots.find(({ source }) => source === ownSource));
    const kept = journal?.state();
    const targets = options.targets?.() ?? [];
    const parts = {
      time,
      sources: options.sources.map((source) => sourceStatus(source, own)),
      sinks: options.sinks().map((sink) => sinkStatus(sink, kept)),
      ...(targets.length > 0 && { targets }),
      ...(kept !== undefined && { journal: journalStatus(kept) }),
    };
    const { hostname: host, instance, version, nodeVersion: node, simulated } = options;
    const { chip, osVersion } = options.facts();
    return {
      version: statusVersion,
      overall: overallOf(parts),
      agent: { host, instance, version, node, startedAt, ...own.cost },
      machine: { simulated, ...defined({ chip, osVersion }), ...machineOf(snapshots) },
      ...parts,
      readings: {
        ...readingsOf(snapshots),
        ...defined({ energyToday: energyToday.read(), energyByApp: energyByApp?.read() }),
      },
      events: options.events(),
    };
  }

  function sourceStatus({ name, intervalMs }: StatusSource, own: OwnCounts): SourceStatus {
    const { isUp: up, lastTime: lastSample } = options.pipelines[name];
    return defined({
      name,
      intervalMs,
      ...own.ofSource(name),
      up,
      lastSample,
      lastFailure: failures.get(name),
    });
  }

  return {
    feed,
    status: () => ({ ...live(), configuration: options.configurationText() }),
    history: (range) => historyOf(range, options, (fromMs) => memory?.since(fromMs) ?? []),
    published(snapshot) {
      memory?.put(snapshot);
      energyToday.published(snapshot);
      energyByApp?.published(snapshot);
      feed.changed();
    },
    failed: (source, { message }) => void failures.set(source, { time: clock.now(), reason: message }),
  };
}

/** Of each source for a range: some seconds of work would keep the agent from the rest. Six hours of a sample a second are read as a whole. */
const mostRead = { maxPoints: 6 * mostPoints, aboutPoints: 180 };

/** Far back the journal has key rows readily, up to a quarter of an hour apart: from this range on that is no gap. */
const sparseFromMs = 2 * 3_600_000;
const sparseGapMs = 1_000_000;

function historyOf(
  range: TimeRange,
  { clock, journal, sources }: BoardOptions,
  remembered: (fromMs: number) => readonly Snapshot[],
): History {
  const oldestMs = journal === undefined ? remembered(-Infinity)[0]?.time : journal.state().oldestTimeMs;
  const { fromMs, toMs } = boundsOf(range, clock.now(), oldestMs);
  const stepMs = (toMs - fromMs) / mostPoints;
  const leastGapMs = Math.max(3 * stepMs, toMs - fromMs >= sparseFromMs ? sparseGapMs : 0);
  const intervals = new Map<string, number>(sources.map(({ name, intervalMs }) => [name, intervalMs]));
  const snapshots =
    journal?.history({ source: isCharted, fromMs, toMs, ...mostRead }) ??
    remembered(fromMs).filter(({ time }) => time <= toMs);
  return {
    version: 1,
    ...(typeof range === "string" && { range }),
    fromMs,
    toMs,
    origin: journal === undefined ? "memory" : "journal",
    groups: historyGroups(snapshots, stepMs, (source) =>
      Math.max(stalenessLimit(intervals.get(source) ?? 0), leastGapMs),
    ),
  };
}

function sinkStatus({ sink, type, address, state }: StatusSink, kept: JournalState | undefined): SinkStatus {
  const { backlog, lastFailure } = state;
  return defined({
    id: sink,
    type,
    target: address,
    state: state.status,
    protocol: state.protocol,
    lastSuccess: state.lastSuccessMs,
    latencyMs: state.lastDurationMs,
    sent: state.sent,
    failedRequests: state.failedRequests,
    dropped: { ...state.dropped, ...lossesOf(sink, kept) },
    backlog: defined({
      snapshots: backlog.snapshots,
      bytes: backlog.bytes,
      oldest: backlog.oldestTimeMs,
    }),
    nextAttempt: state.nextAttemptMs,
    skewMs: state.skewMs,
    lastFailure: lastFailure && defined({ ...lastFailure, advice: adviceFor(lastFailure.code) }),
  });
}

/** Samples that the journal lost before the sink got them, by reason. */
function lossesOf(sink: string, kept: JournalState | undefined): Readonly<Record<string, number>> {
  const dropped = kept?.cursors.find((cursor) => cursor.sink === sink)?.dropped ?? {};
  return Object.fromEntries(
    lossReasons.flatMap((reason) => {
      const samples = dropped[reason]?.samples ?? 0;
      return samples === 0 ? [] : [[reason, samples]];
    }),
  );
}

function journalStatus(kept: JournalState): JournalStatus {
  const { durable, reason, bytes, snapshots, oldestTimeMs, dropped, setAside, lastSetAsideMs } = kept;
  const orphans = kept.orphans.map(({ sink: id, address: target, waiting, goneMs: since, untilMs: until }) =>
    defined({ id, target, waiting, since, until }),
  );
  return defined({
    durable,
    reason,
    bytes,
    snapshots,
    oldest: oldestTimeMs,
    dropped,
    setAside,
    lastSetAside: lastSetAsideMs,
    orphans: orphans.length === 0 ? undefined : orphans,
  });
}

interface OwnCounts {
  readonly cost: Pick<AgentIdentity, "cpuSeconds" | "memoryBytes">;
  ofSource(name: string): Pick<SourceStatus, "restarts" | "failures" | "parseErrors">;
}

/** What the agent's own metrics count already; at most one interval of these old. */
function ownCounts(own: Snapshot | undefined): OwnCounts {
  const sum = (metric: Metric, source?: string): number | undefined => {
    const values = (own?.set.series ?? []).flatMap((series, index) => {
      const label = series.labels.find(([name]) => name === "source")?.[1];
      return series.metric.name === metric.name && label === source ? [own?.values[index] ?? 0] : [];
    });
    return values.length === 0 ? undefined : values.reduce((total, value) => total + value, 0);
  };
  return {
    cost: defined({
      cpuSeconds: sum(ownMetrics.processCpu),
      memoryBytes: sum(ownMetrics.processMemory),
    }),
    ofSource: (name) => ({
      restarts: sum(ownMetrics.sourceRestarts, name) ?? 0,
      failures: sum(ownMetrics.sourceFailures, name) ?? 0,
      parseErrors: sum(ownMetrics.sourceParseErrors, name) ?? 0,
    }),
  };
}

function machineOf(
  snapshots: readonly Snapshot[],
): Pick<Machine, "model" | "osBuild" | "chip" | "osVersion"> {
  for (const { set } of snapshots) {
    const info = set.series.find(({ name }) => name === "powermetrics_info");
    if (info === undefined) continue;
    const {
      hw_model: model,
      os_build: osBuild,
      chip,
      os_version: osVersion,
    } = Object.fromEntries(info.labels);
    return defined({ model, osBuild, chip, osVersion });
  }
  return {};
}
