/** Owns the wiring of every stage's state to the agent's own metrics, and the slow interval at which they are told. */
import type { Intake } from "./meter/intake.ts";
import type { OwnMeter } from "./meter/own-meter.ts";
import type { Snapshot } from "./meter/snapshot.ts";
import type { Clock } from "./runtime/clock.ts";
import type { Logger } from "./runtime/log.ts";
import type { ChildCpu } from "./source/child-cpu.ts";
import type { Source, SourceName } from "./source/source.ts";
import type { TimeJump } from "./source/wake.ts";

/** Between two snapshots of the agent's own metrics, milliseconds. */
export const ownIntervalMs = 15_000;
/** ps is asked every so many of those: a process a minute is cheap, one every 15 s is not. */
const beatsPerCpuReading = 4;

export interface TelemetryOptions {
  readonly own: OwnMeter;
  readonly clock: Clock;
  readonly log: Logger;
  readonly version: string;
  readonly nodeVersion: string;
  readonly sources: readonly Source[];
  readonly intakes: Readonly<Record<SourceName, Intake>>;
  readonly powermetricsCpu: ChildCpu;
  readonly publish: (snapshot: Snapshot) => void;
}

export interface Telemetry {
  /** The machine slept, or its clock was set. */
  jumped(jump: TimeJump): void;
  /** Publishes until the signal aborts; the first snapshot comes at once. */
  run(signal: AbortSignal): Promise<void>;
}

export function createTelemetry(options: TelemetryOptions): Telemetry {
  const { own, clock, log, powermetricsCpu } = options;
  watchProcess(options);
  watchSources(options);
  own.count("sleeps", 0, {});
  own.count("asleepSeconds", 0, {});

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
      for (let beat = 0; !signal.aborted; beat++) {
        if (beat % beatsPerCpuReading === 0) await powermetricsCpu.refresh();
        options.publish(await own.snapshot(clock.now()));
        await clock.sleep(ownIntervalMs, signal);
      }
    },
  };
}

function watchProcess({ own, version, nodeVersion, powermetricsCpu }: TelemetryOptions): void {
  own.watch("build", () => [[1, { version, node: nodeVersion }]]);
  own.watch("configReloaded", () => [[1, {}]]);
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

function watchSources({ own, sources, intakes }: TelemetryOptions): void {
  own.watch("sourceUp", () =>
    sources.map(({ name }) => [Number(intakes[name].isUp === true), { source: name }] as const),
  );
  own.watch("sourceLastSample", () =>
    sources.flatMap(({ name }) => {
      const { lastTime } = intakes[name];
      return lastTime === undefined ? [] : [[lastTime / 1000, { source: name }] as const];
    }),
  );
  for (const { name: source } of sources) {
    own.count("sourceUnknownKeys", 0, { source });
    own.count("sourceSeriesDropped", 0, { source });
  }
}
