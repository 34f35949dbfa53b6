/** Feeds every stage's state into the agent's own metrics, and collects those at a slow interval. */
import type { Deliveries } from "./delivery/deliveries.ts";
import { deliveryStatuses, type DeliveryListener } from "./delivery/types.ts";
import { lossReasons, type Journal, type JournalState } from "./journal/types.ts";
import type { SourcePipeline } from "./meter/source-pipeline.ts";
import type { OwnMeter } from "./meter/own-meter.ts";
import type { Latest, Snapshot } from "./meter/snapshot.ts";
import type { Clock } from "./runtime/clock.ts";
import type { Logger } from "./runtime/log.ts";
import type { ChildCpu } from "./source/child-cpu.ts";
import type { Source } from "./source/source.ts";
import type { SourceName } from "./parse/sample.ts";
import type { TimeJump } from "./source/heartbeat.ts";

/** Between two snapshots of the agent's own metrics, milliseconds: each takes as much CPU as a document of powermetrics. */
export const ownIntervalMs = 60_000;
/** Whoever asks for them sees none that are older, milliseconds. */
const ownFreshMs = 5000;

export interface TelemetryOptions {
  readonly own: OwnMeter;
  readonly clock: Clock;
  readonly log: Logger;
  readonly version: string;
  readonly nodeVersion: string;
  readonly sources: readonly Source[];
  readonly pipelines: Readonly<Record<SourceName, Pick<SourcePipeline, "isUp" | "lastTime" | "lagMs">>>;
  readonly powermetricsCpu: Pick<ChildCpu, "refresh" | "seconds">;
  readonly journal: Pick<Journal, "state">;
  readonly deliveries: Pick<Deliveries, "reports">;
  readonly publish: (snapshot: Snapshot) => void;
  /** Takes what is shown and neither kept nor sent. */
  readonly latest: Pick<Latest, "put">;
  /** Whether the last load of the configuration succeeded. */
  readonly reload: { readonly successful: boolean };
}

export interface Telemetry {
  /** The machine slept, or its clock was set. */
  jumped(jump: TimeJump): void;
  /** Publishes until the signal aborts; the first snapshot comes at once, the last one then. */
  run(signal: AbortSignal): Promise<void>;
  /** Shows what they are now, once they were published, where what is shown is too old for somebody who asks. */
  refresh(): Promise<void>;
  /** Publishes that the agent says nothing of itself any more. */
  end(): void;
}

export function createTelemetry(options: TelemetryOptions): Telemetry {
  const { own, clock, log, powermetricsCpu } = options;
  let view: View | undefined;
  const seen = (): View => (view ??= look(options));
  watchProcess(options);
  watchSources(options);
  watchJournal(own, seen);
  watchSinks(own, seen);
  const countLosses = lossCounter(own);
  own.count("sleeps", 0, {});
  own.count("asleepSeconds", 0, {});
  /** When the last snapshot was taken, by the monotonic clock; absent before the first is published, and after the end. */
  let takenAt: number | undefined;
  /** The last one; it may be under way. */
  let taken: Promise<Snapshot> | undefined;

  function take(): Promise<Snapshot> {
    takenAt = clock.monotonic();
    view = undefined;
    countLosses(seen().journal);
    taken = own.snapshot(seen().now);
    return taken;
  }

  async function show(): Promise<void> {
    const snapshot = await take();
    if (takenAt !== undefined) options.latest.put(snapshot);
  }

  return {
    jumped(jump) {
      if (jump.kind === "stepped") {
        log.warn("the clock was set", { by_ms: jump.byMs });
        return;
      }
      log.info("the machine slept", { asleep_s: Math.round(jump.asleepMs / 1000) });
      own.count("sleeps", 1, {});
      own.count("asleepSeconds", jump.asleepMs / 1000, {});
    },
    async run(signal) {
      let publishedAt: number | undefined;
      while (!signal.aborted) {
        await powermetricsCpu.refresh(signal);
        publishedAt = clock.monotonic();
        options.publish(await take());
        await clock.sleep(ownIntervalMs, signal, { align: "early" });
      }
      // What happened since, such as a source's end. In the millisecond of the last ones it would be another value of the same time.
      if (publishedAt !== undefined && clock.monotonic() - publishedAt >= 1) options.publish(await take());
    },
    async refresh() {
      if (takenAt === undefined) return;
      // Those that are fresh may not be there yet.
      await (clock.monotonic() - takenAt > ownFreshMs ? show() : taken);
    },
    end() {
      takenAt = undefined;
      const snapshot = own.end(clock.now());
      if (snapshot !== undefined) options.publish(snapshot);
    },
  };
}

/** What several metrics are taken from: looked at once for all of them, since the journal asks its database. */
interface View {
  readonly now: number;
  readonly journal: JournalState;
  readonly reports: ReturnType<Deliveries["reports"]>;
}

function look({ clock, journal, deliveries }: TelemetryOptions): View {
  return { now: clock.now(), journal: journal.state(), reports: deliveries.reports() };
}

function watchProcess({ own, version, nodeVersion, powermetricsCpu, reload }: TelemetryOptions): void {
  own.watch("build", () => [[1, { version, node: nodeVersion }]]);
  own.watch("configReloaded", () => [[Number(reload.successful), {}]]);
  own.watch("processMemory", () => [[process.memoryUsage.rss(), {}]]);
  own.watch("processCpu", () => {
    const { user, system } = process.cpuUsage();
    return [[(user + system) / 1e6, {}]];
  });
  own.watch("childCpu", () => {
    const { seconds } = powermetricsCpu;
    return seconds === undefined ? [] : [[seconds, { child: "powermetrics" }]];
  });
}

function watchSources({ own, sources, pipelines }: TelemetryOptions): void {
  own.watch("sourceUp", () =>
    sources.map(({ name }) => [Number(pipelines[name].isUp === true), { source: name }] as const),
  );
  own.watch("sourceLastSample", () =>
    sources.flatMap(({ name }) => {
      const { lastTime } = pipelines[name];
      return lastTime === undefined ? [] : [[lastTime / 1000, { source: name }] as const];
    }),
  );
  own.watch("sourceLag", () =>
    sources.flatMap(({ name }) => {
      const { lagMs } = pipelines[name];
      return lagMs === undefined ? [] : [[lagMs / 1000, { source: name }] as const];
    }),
  );
  for (const { name: source } of sources) {
    own.count("sourceUnknownKeys", 0, { source });
    own.count("sourceSeriesDropped", 0, { source });
  }
}

function watchJournal(own: OwnMeter, view: () => View): void {
  own.watch("journalBytes", () => [[view().journal.bytes, {}]]);
  own.watch("journalSnapshots", () => [[view().journal.snapshots, {}]]);
  own.watch("journalDegraded", () => [[Number(!view().journal.durable), {}]]);
  own.watch("journalSetAside", () => [[view().journal.setAside, {}]]);
  own.watch("journalOldest", () => {
    const { oldestTimeMs } = view().journal;
    return oldestTimeMs === undefined ? [] : [[oldestTimeMs / 1000, {}]];
  });
  own.watch("journalDropped", () =>
    Object.entries(view().journal.dropped).map(([reason, snapshots]) => [snapshots, { reason }] as const),
  );
}

/** Counts what the journal lost, by sink, in the same counters as what deliveries drop. */
function lossCounter(own: OwnMeter): (journal: JournalState) => void {
  const counted = new Map<string, number>();
  return ({ cursors }) => {
    for (const { sink, dropped } of cursors)
      for (const reason of lossReasons) {
        const samples = dropped[reason]?.samples ?? 0;
        const key = JSON.stringify([sink, reason]);
        const before = counted.get(key) ?? 0;
        // The account of a sink that was forgotten and is configured again begins anew.
        const more = samples < before ? samples : samples - before;
        if (more > 0) own.count("sinkDropped", more, { sink, reason });
        counted.set(key, samples);
      }
  };
}

function watchSinks(own: OwnMeter, view: () => View): void {
  own.watch("sinkBacklog", () => [
    ...view().reports.map(({ sink, state }) => [state.backlog.snapshots, { sink }] as const),
    ...view().journal.orphans.map(({ sink, waiting }) => [waiting, { sink }] as const),
  ]);
  own.watch("sinkBacklogAge", () =>
    view().reports.map(({ sink, state: { backlog } }) => {
      const age = backlog.oldestTimeMs === undefined ? 0 : (view().now - backlog.oldestTimeMs) / 1000;
      return [Math.max(0, age), { sink }] as const;
    }),
  );
  own.watch("sinkLastSuccess", () =>
    view().reports.flatMap(({ sink, state: { lastSuccessMs } }) =>
      lastSuccessMs === undefined ? [] : [[lastSuccessMs / 1000, { sink }] as const],
    ),
  );
  own.watch("sinkState", () =>
    view().reports.flatMap(({ sink, state: { status } }) =>
      deliveryStatuses.map((state) => [Number(state === status), { sink, state }] as const),
    ),
  );
  own.watch("clockSkew", () =>
    view().reports.flatMap(({ sink, state: { skewMs } }) =>
      skewMs === undefined ? [] : [[skewMs / 1000, { sink }] as const],
    ),
  );
}

/** Counts what happens to one sink; its counters exist from the start. */
export function sinkListener(own: OwnMeter, sink: string): DeliveryListener {
  own.count("sinkSent", 0, { sink });
  return {
    requested(code, seconds) {
      own.count("sinkRequests", 1, { sink, code });
      own.record("sinkDuration", seconds, { sink });
    },
    sent: (samples) => own.count("sinkSent", samples, { sink }),
    dropped: (samples, reason) => own.count("sinkDropped", samples, { sink, reason }),
  };
}
