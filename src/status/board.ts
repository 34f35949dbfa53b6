/**
 * The status of the whole agent: gathers every stage's state into one document when somebody asks, and only then.
 *
 *     sources, pipelines ┐
 *     latest snapshots ├─► Status ─► /api/v1/status, events, the page, top
 *     sinks, journal   │
 *     log ─► events    ┘
 */
import { createFeed, type Feed } from "../endpoint/api/feed.ts";
import {
  historyGroups,
  historyRanges,
  mostPoints,
  type History,
  type HistoryRange,
} from "../endpoint/api/history.ts";
import { readingsOf } from "../endpoint/api/readings.ts";
import type { StatusBoard } from "../endpoint/api/routes.ts";
import {
  statusVersion,
  type AgentEvent,
  type Machine,
  type SinkStatus,
  type SourceStatus,
  type Status,
} from "../endpoint/api/status.ts";
import type { DeliveryState } from "../delivery/types.ts";
import { lossReasons, type Journal, type JournalState } from "../journal/types.ts";
import type { SourcePipeline } from "../meter/source-pipeline.ts";
import { stalenessLimit } from "../meter/latest.ts";
import { ownSource } from "../meter/own-meter.ts";
import type { Snapshot } from "../meter/snapshot.ts";
import type { Clock } from "../runtime/clock.ts";
import { defined } from "../runtime/defined.ts";
import type { Source, SourceFailure } from "../source/source.ts";
import type { SourceName } from "../parse/sample.ts";
import { adviceFor } from "./advice.ts";
import { overallOf } from "./overall.ts";
import { countsOf, infoOf, type OwnCounts } from "./own-values.ts";
import { rememberSnapshots } from "./remembered.ts";

interface BoardOptions {
  readonly clock: Clock;
  readonly hostname: string;
  readonly version: string;
  readonly nodeVersion: string;
  readonly simulated: boolean;
  readonly sources: readonly Pick<Source, "name" | "intervalMs">[];
  readonly pipelines: Readonly<Record<SourceName, Pick<SourcePipeline, "isUp" | "lastTime">>>;
  /** The current snapshots, the agent's own included. */
  readonly latest: () => readonly Snapshot[];
  readonly sinks: () => readonly SinkView[];
  /** Absent where none is kept: the last ten minutes are then remembered here. */
  readonly journal?: Pick<Journal, "history" | "state">;
  readonly events: () => readonly AgentEvent[];
  /** What is known of the machine so far. */
  readonly facts: () => Pick<Machine, "chip" | "osVersion">;
  /** The effective configuration as YAML, secrets hidden. */
  readonly configurationText: () => string;
}

/** What the status shows of a delivery. */
interface SinkView {
  readonly sink: string;
  readonly type: string;
  /** Without credentials. */
  readonly address: string;
  readonly state: DeliveryState;
}

interface Board extends StatusBoard {
  readonly feed: Feed;
  /** A snapshot was published. */
  published(snapshot: Snapshot): void;
  /** A source's tool failed. */
  failed(source: SourceName, failure: SourceFailure): void;
}

export function createBoard(options: BoardOptions): Board {
  const { clock, journal } = options;
  const startedAt = clock.now();
  const remembered = journal === undefined ? rememberSnapshots() : undefined;
  const failures = new Map<SourceName, SourceStatus["lastFailure"]>();
  const feed = createFeed(clock, () => JSON.stringify(live()));

  /** All that changes. */
  function live(): Status {
    const time = clock.now();
    const snapshots = options.latest();
    const own = countsOf(snapshots.find(({ source }) => source === ownSource));
    const kept = journal?.state();
    const parts = {
      time,
      sources: options.sources.map((source) => sourceStatus(source, own)),
      sinks: options.sinks().map((sink) => sinkStatus(sink, kept)),
      ...(kept !== undefined && { journal: journalStatus(kept) }),
    };
    const { hostname: host, version, nodeVersion: node, simulated } = options;
    return {
      version: statusVersion,
      overall: overallOf(parts),
      agent: { host, version, node, startedAt, ...own.cost },
      machine: { simulated, ...infoOf(snapshots), ...chipAndVersion(options.facts()) },
      ...parts,
      readings: readingsOf(snapshots),
      events: options.events(),
    };
  }

  function sourceStatus(
    { name, intervalMs }: Pick<Source, "name" | "intervalMs">,
    own: OwnCounts,
  ): SourceStatus {
    const { isUp, lastTime } = options.pipelines[name];
    return {
      name,
      intervalMs,
      ...own.ofSource(name),
      ...defined({ up: isUp, lastSample: lastTime, lastFailure: failures.get(name) }),
    };
  }

  return {
    feed,
    status: () => ({ ...live(), configuration: options.configurationText() }),
    history: (range) => historyOf(range, options, (fromMs) => remembered?.since(fromMs) ?? []),
    published(snapshot) {
      remembered?.put(snapshot);
      feed.changed();
    },
    failed: (source, { message }) => void failures.set(source, { time: clock.now(), reason: message }),
  };
}

function historyOf(
  range: HistoryRange,
  { clock, journal, sources }: BoardOptions,
  remembered: (fromMs: number) => Iterable<Snapshot>,
): History {
  const toMs = clock.now();
  const fromMs = toMs - historyRanges[range];
  const stepMs = historyRanges[range] / mostPoints;
  const intervals = new Map<string, number>(sources.map(({ name, intervalMs }) => [name, intervalMs]));
  const snapshots = journal?.history({ fromMs, toMs, maxPoints: mostPoints }) ?? remembered(fromMs);
  return {
    version: 1,
    range,
    fromMs,
    toMs,
    origin: journal === undefined ? "memory" : "journal",
    // Far back the journal keeps every 60th row readily: up to a quarter of an hour lies between two points of a line.
    groups: historyGroups(snapshots, (source) =>
      Math.max(stalenessLimit(intervals.get(source) ?? 0), (range === "1d" ? 7 : 3) * stepMs),
    ),
  };
}

function sinkStatus(
  { sink: id, type, address: target, state }: SinkView,
  kept: JournalState | undefined,
): SinkStatus {
  const { backlog, lastFailure } = state;
  const advice = lastFailure && adviceFor(lastFailure.code);
  return {
    id,
    type,
    target,
    state: state.status,
    protocol: state.protocol,
    sent: state.sent,
    failedRequests: state.failedRequests,
    dropped: { ...state.dropped, ...lossesOf(id, kept) },
    backlog: {
      snapshots: backlog.snapshots,
      bytes: backlog.bytes,
      ...defined({ oldest: backlog.oldestTimeMs }),
    },
    ...defined({
      lastSuccess: state.lastSuccessMs,
      latencyMs: state.lastDurationMs,
      nextAttempt: state.nextAttemptMs,
      skewMs: state.skewMs,
      lastFailure: lastFailure && { ...lastFailure, ...defined({ advice }) },
    }),
  };
}

/** Samples that the sink was owed and the journal lost, by reason. */
function lossesOf(sink: string, kept: JournalState | undefined): Readonly<Record<string, number>> {
  const dropped = kept?.cursors.find((cursor) => cursor.sink === sink)?.dropped ?? {};
  return Object.fromEntries(
    lossReasons.flatMap((reason) => {
      const samples = dropped[reason]?.samples ?? 0;
      return samples === 0 ? [] : [[reason, samples]];
    }),
  );
}

function journalStatus(kept: JournalState): NonNullable<Status["journal"]> {
  const { durable, reason, bytes, snapshots, oldestTimeMs, dropped, setAside, lastSetAsideMs } = kept;
  const orphans = kept.orphans.map(({ sink: id, address, waiting, goneMs: since, untilMs: until }) => ({
    id,
    waiting,
    since,
    until,
    ...defined({ target: address }),
  }));
  const parts = { durable, bytes, snapshots, dropped, setAside };
  return {
    ...parts,
    ...defined({ reason, oldest: oldestTimeMs, lastSetAside: lastSetAsideMs }),
    ...(orphans.length > 0 && { orphans }),
  };
}

function chipAndVersion({
  chip,
  osVersion,
}: Pick<Machine, "chip" | "osVersion">): Pick<Machine, "chip" | "osVersion"> {
  return defined({ chip, osVersion });
}
