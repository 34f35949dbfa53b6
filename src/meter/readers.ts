/** Reads the frames of each source: which parser reads them, and when and over which window the sample was taken. */
import type { CollectorSettings } from "../collector/collector.ts";
import { parseIoreg } from "../parse/ioreg.ts";
import { parsePmset } from "../parse/pmset.ts";
import { parsePowermetrics } from "../parse/powermetrics.ts";
import { parsed, type ParseResult } from "../parse/result.ts";
import type { Samples, SourceName, SysctlSample } from "../parse/sample.ts";
import { parseSysctl } from "../parse/sysctl.ts";
import { parseVmStat } from "../parse/vm-stat.ts";
import type { Machine } from "../source/host.ts";
import { defined } from "../runtime/defined.ts";
import { splitReports } from "../source/poll.ts";
import type { Frame } from "../source/source.ts";
import { createPlausibility, createSampleTimes, createWindowJudge } from "./windows.ts";

/** A sample with its time and window. */
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

/** What powermetrics does not say of the machine, and sysctl does. */
type MachineNames = Pick<SysctlSample, "chip" | "osVersion">;

type Readers = { readonly [S in SourceName]: Read<Samples[S]> };

/**
 * @param intervals between two frames of a source, milliseconds; absent for a recording, which does not say
 * @param machine the one that the reports are of, where it can be asked
 */
export function createReaders(
  settings: CollectorSettings,
  intervals: Readonly<Record<SourceName, number>> | undefined,
  machine: Machine | undefined,
): Readers {
  let memoryBytes = machine?.memoryBytes;
  let names: MachineNames = {};
  return {
    powermetrics: powermetricsReader(settings, intervals?.powermetrics, machine, () => names),
    vm_stat: (frame) => taken(frame, parseVmStat(frame.bytes, memoryBytes)),
    sysctl(frame) {
      const result = parseSysctl(frame.bytes);
      if (result.ok) {
        const { chip = names.chip, osVersion = names.osVersion } = result.value;
        names = defined({ chip, osVersion });
        memoryBytes = result.value.memoryBytes ?? memoryBytes;
      }
      return taken(frame, result);
    },
    pmset: (frame) => taken(frame, parsePmset(...splitReports(frame.bytes))),
    ioreg: ioregReader(intervals !== undefined),
  };
}

/** Timestamps are whole seconds. */
const timestampPrecisionMs = 1000;

function powermetricsReader(
  settings: CollectorSettings,
  intervalMs: number | undefined,
  machine: Machine | undefined,
  names: () => MachineNames,
): Read<Samples["powermetrics"]> {
  const check = createPlausibility(machine?.busyShare);
  const timeOf = createSampleTimes();
  const judge = createWindowJudge(intervalMs);
  const wanted = {
    tasks: settings.tasks.enabled,
    frequencyResidency: settings.frequencyResidency,
    interrupts: settings.interrupts,
  };
  return ({ bytes, receivedAt }) => {
    const document = parsePowermetrics(bytes, wanted);
    if (!document.ok) return document;
    const { timestampMs, elapsedNs } = document.value;
    const verdict = judge(document.value);
    if (verdict.status === "skipped") return parsed({ skipped: verdict.why });
    const time = timeOf(timestampMs, elapsedNs);
    const windowMs = elapsedNs / 1e6;
    const lagMs = Math.max(0, receivedAt - time);
    const sample = check({ ...document.value, ...names() }, lagMs > windowMs / 2 + timestampPrecisionMs);
    return parsed({ sample, time, windowMs, accrues: verdict.accrues, lagMs });
  };
}

/** A gauge that was not read for longer has stopped; it is read every 30 to 60 s. */
const longestGaugeAgeMs = 5 * 60_000;
/** The gauge's time is of the same clock, in whole seconds. */
const gaugeAheadMs = 1000;

/**
 * A sample is of the time when the battery's gauge was read, which may be a minute ago; the GPUs' figures share it. Where there is no
 * such time, or none that is newer than the sample before, it is of the moment it came.
 */
function ioregReader(isLive: boolean): Read<Samples["ioreg"]> {
  let last: number | undefined;
  return ({ bytes, receivedAt }) => {
    // What the gauge said before this life may be in the journal already.
    last ??= isLive ? receivedAt : 0;
    const result = parseIoreg(...splitReports(bytes));
    if (!result.ok) return result;
    const { updateTimeMs: updated } = result.value;
    const isStuck = isLive && updated !== undefined && receivedAt - updated > longestGaugeAgeMs;
    const isOwn =
      !isStuck &&
      updated !== undefined &&
      updated > last &&
      (!isLive || updated <= receivedAt + gaugeAheadMs);
    const time = isOwn ? updated : receivedAt;
    last = time;
    return parsed({
      sample: isStuck ? withoutGauge(result.value) : result.value,
      time,
      windowMs: 0,
      accrues: true,
    });
  };
}

/** Its figures are those of long ago. */
function withoutGauge({ gpus, findings }: Samples["ioreg"]): Samples["ioreg"] {
  const implausible = [...findings.implausible, "battery_update_time"];
  return { ...(gpus !== undefined && { gpus }), findings: { ...findings, implausible } };
}

/** A report of a polled tool is a state at the moment it came. */
function taken<Sample>(frame: Frame, result: ParseResult<Sample>): ParseResult<Timed<Sample>> {
  if (!result.ok) return result;
  return parsed({ sample: result.value, time: frame.receivedAt, windowMs: 0, accrues: true });
}
