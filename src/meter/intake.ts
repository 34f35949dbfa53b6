/**
 * Turns a source's frames into snapshots, and counts and logs what goes wrong on the way:
 *
 *     frame ─► read (parse, time) ─► measure ─► publish
 *                 └─ parse errors, unknown keys, implausible values ─► the agent's own metrics and the log
 *
 * A bad frame costs that frame; nothing here throws for what a tool printed.
 */
import type { ParseResult } from "../parse/result.ts";
import type { Findings, Samples, SourceName } from "../parse/sample.ts";
import type { Logger } from "../runtime/log.ts";
import type { Frame, SourceListener } from "../source/source.ts";
import { stalenessLimit } from "./latest.ts";
import type { SourceMeter } from "./meter.ts";
import type { OwnMeter } from "./own-meter.ts";
import type { Snapshot } from "./snapshot.ts";

/** A sample with what its time and window are. */
export interface Timed<Sample> {
  readonly sample: Sample;
  /** The sample's own time, milliseconds since the Unix epoch. */
  readonly time: number;
  /** Length of the window before it; 0 for a state at one moment. */
  readonly windowMs: number;
  /** Whether its deltas may be added up. */
  readonly accrues: boolean;
  /** From the end of its window to its arrival, where it names a time of its own; milliseconds. */
  readonly lagMs?: number;
}

/** Frame to sample; `skipped` says why a well-formed frame is no sample of the stream. */
export type Read<Sample> = (frame: Frame) => ParseResult<Timed<Sample> | { readonly skipped: string }>;

export interface IntakeOptions<S extends SourceName> {
  readonly source: S;
  readonly read: Read<Samples[S]>;
  readonly meter: SourceMeter<S>;
  readonly own: OwnMeter;
  readonly log: Logger;
  readonly publish: (snapshot: Snapshot) => void;
  /** Between two frames, milliseconds; absent for a recording, which has no gaps of its own. */
  readonly intervalMs?: number;
  /** Told of each sample before it is measured: boot times, for one. */
  readonly onSample?: (sample: Samples[S]) => void;
}

export interface Intake extends SourceListener {
  /**
   * Publishes that nothing of the source is current any more, if anything was: from `time` on, or from its last sample
   * on when nobody knows better.
   */
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

/** Each unknown key and implausible field is logged once, up to this many; the counters go on. */
const loggedFindings = 100;

export function createIntake<S extends SourceName>(options: IntakeOptions<S>): Intake {
  const { source, own, log, publish, meter } = options;
  const logged = new Set<string>();
  let lastTime: number | undefined;
  let isUp: boolean | undefined;
  let lastLagMs: number | undefined;

  function logOnce(kind: string, names: readonly string[], message: string): void {
    const fresh = names.filter((name) => !logged.has(`${kind} ${name}`) && logged.size < loggedFindings);
    for (const name of fresh) logged.add(`${kind} ${name}`);
    if (fresh.length > 0) log.warn(message, { source, [kind]: fresh });
  }

  function countFindings({ unknown, implausible }: Findings): void {
    if (unknown.length > 0) own.count("sourceUnknownKeys", unknown.length, { source });
    for (const field of implausible) own.count("sourceImplausible", 1, { source, field });
    logOnce("keys", unknown, "unknown keys are left out: this macOS reports more than the agent knows");
    logOnce("fields", implausible, "values that cannot be true are withheld");
  }

  function end(time = lastTime ?? 0): void {
    const snapshot = meter.end(time);
    if (snapshot !== undefined) publish(snapshot);
  }

  /** A sleep or a stall between two samples ends every series where it began, so that nobody draws a line across it. */
  function checkSilence(now: number): void {
    const limit = options.intervalMs === undefined ? Infinity : stalenessLimit(options.intervalMs);
    if (lastTime !== undefined && now - lastTime > limit) end();
  }

  function take({ sample, time, windowMs, accrues, lagMs }: Timed<Samples[S]>): void {
    lastLagMs = lagMs;
    checkSilence(time - windowMs);
    countFindings(sample.findings);
    options.onSample?.(sample);
    const { snapshot, overflowed } = meter.measure(sample, time, windowMs, accrues);
    if (overflowed > 0) own.count("sourceSeriesDropped", overflowed, { source });
    lastTime = time;
    publish(snapshot);
  }

  return {
    get lastTime() {
      return lastTime;
    },
    get lagMs() {
      return isUp === true ? lastLagMs : undefined;
    },
    get isUp() {
      return isUp;
    },
    frame(frame) {
      const result = options.read(frame);
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
    started: () => undefined,
    failed: ({ reason }) => own.count("sourceFailures", 1, { source, reason }),
    restarted: (reason) => own.count("sourceRestarts", 1, { source, reason }),
    remarked: (kind) => own.count("sourceRemarks", 1, { source, kind }),
    dropped: (kind) => own.count("sourceParseErrors", 1, { source, kind }),
    end,
    checkSilence,
  };
}
