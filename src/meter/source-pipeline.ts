/**
 * One pipeline a source: turns its frames into snapshots, and counts and logs what goes wrong on the way.
 *
 *     frame ─► read (readers.ts: parse, time) ─► measure (meter.ts) ─► publish
 *                └─ parse errors, unknown keys, implausible values ─► the agent's own metrics and the log
 *
 * A bad frame costs that frame; nothing here throws for what a tool printed.
 * Read on in readers.ts and windows.ts for the samples, meter.ts and sample-meter.ts for the snapshots.
 */
import type { CollectorSettings } from "../collector/collector.ts";
import type { Findings, Samples, SourceName } from "../parse/sample.ts";
import type { Logger } from "../runtime/log.ts";
import type { Machine } from "../source/host.ts";
import type { SourceListener } from "../source/source.ts";
import { catalogue } from "./catalogue.ts";
import { createBootTime, createSourceMeter, type BootTime } from "./meter.ts";
import type { OwnMeter } from "./own-meter.ts";
import { createReaders, type Read, type Timed } from "./readers.ts";
import { stalenessLimit, type Snapshot } from "./snapshot.ts";

export interface SourcePipeline extends SourceListener {
  /** Publishes the end of every series of the source, if it has any: at `time`, or right after its last sample. */
  end(time?: number): void;
  /** Ends a source that has been silent for longer than its samples stay current. */
  checkSilence(now: number): void;
  /** Time of the last sample, milliseconds since the Unix epoch; absent before the first. */
  readonly lastTime: number | undefined;
  /** Of the last sample, while the source delivers. */
  readonly lagMs: number | undefined;
  /** Whether the source delivers; absent before it was known. */
  readonly isUp: boolean | undefined;
}

export type SourcePipelines = Readonly<Record<SourceName, SourcePipeline>>;

export interface PipelineOptions {
  readonly settings: CollectorSettings;
  /** Between two frames of a source, milliseconds; absent for a recording, which has no gaps of its own. */
  readonly intervals?: Readonly<Record<SourceName, number>>;
  /** The one that is measured, where it can be asked. */
  readonly machine?: Machine | undefined;
  readonly own: OwnMeter;
  readonly log: Logger;
  readonly publish: (snapshot: Snapshot) => void;
}

/** A pipeline for each source; they share the boot time, and publish to one place. */
export function createSourcePipelines(options: PipelineOptions): SourcePipelines {
  const { settings, intervals, machine } = options;
  const boot = createBootTime();
  const readers = createReaders(settings, intervals, machine);
  return {
    powermetrics: createSourcePipeline("powermetrics", readers.powermetrics, boot, options),
    ioreg: createSourcePipeline("ioreg", readers.ioreg, boot, options),
    vm_stat: createSourcePipeline("vm_stat", readers.vm_stat, boot, options),
    sysctl: createSourcePipeline("sysctl", readers.sysctl, boot, options),
    pmset: createSourcePipeline("pmset", readers.pmset, boot, options),
  };
}

function createSourcePipeline<S extends SourceName>(
  source: S,
  read: Read<Samples[S]>,
  boot: BootTime,
  { settings, intervals, own, publish, log: parentLog }: PipelineOptions,
): SourcePipeline {
  const log = parentLog.child({ source });
  const meter = createSourceMeter(source, settings, catalogue, boot);
  const countFindings = createFindingsCounter(source, own, log);
  const silenceLimitMs = intervals === undefined ? Infinity : stalenessLimit(intervals[source]);
  let last: Timed<Samples[S]> | undefined;
  let isUp: boolean | undefined;

  function end(time = last?.time ?? 0): void {
    const snapshot = meter.end(time);
    if (snapshot !== undefined) publish(snapshot);
  }

  /** A sleep or a stall between two samples ends every series where it began, so that no chart draws a line across it. */
  function checkSilence(now: number): void {
    if (last !== undefined && now - last.time > silenceLimitMs) end();
  }

  function take(timed: Timed<Samples[S]>): void {
    const { sample, time, windowMs, accrues } = timed;
    checkSilence(time - windowMs);
    countFindings(sample.findings);
    if ("bootTimeMs" in sample) boot.report(sample.bootTimeMs);
    const { snapshot, overflowed } = meter.measure(sample, time, windowMs, accrues);
    if (overflowed > 0) own.count("sourceSeriesDropped", overflowed, { source });
    last = timed;
    publish(snapshot);
  }

  return {
    get lastTime() {
      return last?.time;
    },
    get lagMs() {
      return isUp === true ? last?.lagMs : undefined;
    },
    get isUp() {
      return isUp;
    },
    frame(frame) {
      const result = read(frame);
      if (!result.ok) {
        own.count("sourceParseErrors", 1, { source, kind: result.error.kind });
        log.warn(`cannot read a report of ${source}: ${result.error.message}`, { source });
      } else if ("skipped" in result.value) {
        log.debug(`left out a document of ${source}: ${result.value.skipped}`, { source });
      } else {
        take(result.value);
      }
    },
    up: (up) => void (isUp = up),
    ...countsOf(source, own),
    end,
    checkSilence,
  };
}

/** What happens to a source, in the agent's own metrics. */
function countsOf(source: SourceName, own: OwnMeter): Omit<SourceListener, "frame" | "up"> {
  return {
    started: () => undefined,
    failed: ({ reason }) => own.count("sourceFailures", 1, { source, reason }),
    restarted: (reason) => own.count("sourceRestarts", 1, { source, reason }),
    remarked: (kind) => own.count("sourceRemarks", 1, { source, kind }),
    dropped: (kind) => own.count("sourceParseErrors", 1, { source, kind }),
  };
}

/** Each unknown key and implausible field is logged once, up to this many; the counters go on. */
const mostLoggedFindings = 100;

function createFindingsCounter(source: SourceName, own: OwnMeter, log: Logger): (findings: Findings) => void {
  const logged = new Set<string>();

  function logOnce(kind: string, names: readonly string[], message: string): void {
    const fresh = names.filter((name) => !logged.has(`${kind} ${name}`) && logged.size < mostLoggedFindings);
    for (const name of fresh) logged.add(`${kind} ${name}`);
    if (fresh.length > 0) log.warn(message, { source, [kind]: fresh });
  }

  return ({ unknown, implausible }) => {
    if (unknown.length > 0) own.count("sourceUnknownKeys", unknown.length, { source });
    for (const field of implausible) own.count("sourceImplausible", 1, { source, field });
    logOnce("keys", unknown, "unknown keys are left out: this macOS reports more than the agent knows");
    logOnce("fields", implausible, "values that cannot be true are withheld");
  };
}
