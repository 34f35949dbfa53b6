/** What a frame of each source means: which parser reads it and when its sample was taken. */
import type { CollectorSettings } from "../collector/collector.ts";
import { parsePmset } from "../parse/pmset.ts";
import { parsePowermetrics } from "../parse/powermetrics.ts";
import { parsed, type ParseResult } from "../parse/result.ts";
import type { Samples, SourceName } from "../parse/sample.ts";
import { parseSysctl } from "../parse/sysctl.ts";
import { parseVmStat } from "../parse/vm-stat.ts";
import type { Machine } from "../source/machine.ts";
import { splitReports } from "../source/poll.ts";
import type { Frame } from "../source/source.ts";
import type { Read, Timed } from "./intake.ts";
import { sampleTimes } from "./sample-time.ts";
import { judgeWindows } from "./windows.ts";

type Readers = { readonly [S in SourceName]: Read<Samples[S]> };

/**
 * @param intervalMs the interval asked of powermetrics; absent for a recording, where nobody knows
 * @param machine the one that the reports are of, where it can be asked
 */
export function createReaders(
  settings: CollectorSettings,
  intervalMs: number | undefined,
  machine: Machine | undefined,
): Readers {
  let memoryBytes = machine?.memoryBytes;
  return {
    powermetrics: powermetricsReader(settings, intervalMs),
    vm_stat: (frame) => taken(frame, parseVmStat(frame.bytes, memoryBytes)),
    sysctl(frame) {
      const result = parseSysctl(frame.bytes);
      if (result.ok) memoryBytes = result.value.memoryBytes ?? memoryBytes;
      return taken(frame, result);
    },
    pmset: (frame) => taken(frame, parsePmset(...splitReports(frame.bytes))),
  };
}

function powermetricsReader(
  settings: CollectorSettings,
  intervalMs: number | undefined,
): Read<Samples["powermetrics"]> {
  const timeOf = sampleTimes();
  const judge = judgeWindows(intervalMs);
  const wanted = {
    tasks: settings.tasks.enabled,
    frequencyResidency: settings.frequencyResidency,
    interrupts: settings.interrupts,
  };
  return ({ bytes }) => {
    const document = parsePowermetrics(bytes, wanted);
    if (!document.ok) return document;
    const sample = document.value;
    const verdict = judge(sample);
    if (verdict.status === "skipped") return parsed({ skipped: verdict.why });
    const time = timeOf(sample.timestampMs, sample.elapsedNs);
    return parsed({ sample, time, windowMs: sample.elapsedNs / 1e6, accrues: verdict.accrues });
  };
}

/** A report of a polled tool is a state at the moment it came. */
function taken<Sample>(frame: Frame, result: ParseResult<Sample>): ParseResult<Timed<Sample>> {
  if (!result.ok) return result;
  return parsed({ sample: result.value, time: frame.receivedAt, windowMs: 0, accrues: true });
}
