/**
 * Judges windows of powermetrics by what a single document cannot show: the windows before it, and the operating system's own count
 * of CPU time.
 */
import type { Core, PowermetricsSample, Processor } from "../parse/sample.ts";

/** M2 chips on macOS 13 report idle cores as fully active. Both readings may differ by less for being of slightly different windows. */
const mostDifference = 0.4;
const windowsInDoubt = 3;

/**
 * `isLate`: the document waited in a buffer, so that what was counted since the last one is of another window.
 *
 * @param busyShare of all CPUs since the call before, 0…1; undefined where it cannot be read
 */
export function createPlausibility(
  busyShare: () => number | undefined = () => undefined,
): (sample: PowermetricsSample, isLate: boolean) => PowermetricsSample {
  const judgeZeros = createZeroJudge();
  let windows = 0;

  return (sample, isLate) => {
    const judged = withImplausible(sample, judgeZeros(sample.findings.zeroWhileBusy ?? []));
    const busy = busyShare();
    const { processor } = judged;
    const active = meanActivity(processor?.cores ?? []);
    if (processor === undefined || active === undefined || busy === undefined || isLate) return judged;
    windows = Math.abs(active - busy) > mostDifference ? windows + 1 : 0;
    return windows < windowsInDoubt ? judged : withoutActivity(judged, processor);
  };
}

/**
 * A chip may publish its energy every two seconds: a window at 0 mW while cores were busy is followed by one that has it all. Only
 * when a second such window follows, the values of both could not be true. Returns what is to be counted.
 */
function createZeroJudge(): (fields: readonly string[]) => readonly string[] {
  let before = new Map<string, "withheld" | "counted">();
  return (fields) => {
    const counted = fields.flatMap((field) => {
      const last = before.get(field);
      return last === undefined ? [] : last === "withheld" ? [field, field] : [field];
    });
    before = new Map(fields.map((field) => [field, before.has(field) ? "counted" : "withheld"]));
    return counted;
  };
}

function meanActivity(cores: readonly Core[]): number | undefined {
  const ratios = cores.flatMap(({ activeRatio }) => activeRatio ?? []);
  return ratios.length === 0 ? undefined : ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length;
}

/** Frequencies are means over the same residencies. */
function withoutActivity(sample: PowermetricsSample, processor: Processor): PowermetricsSample {
  const bare = ({ id, cluster }: Core): Core => (cluster === undefined ? { id } : { id, cluster });
  const withheld = {
    ...processor,
    cores: processor.cores.map(bare),
    clusters: processor.clusters.map((cluster) => ({ ...cluster, cores: cluster.cores.map(bare) })),
  };
  const fields = processor.cores.map(() => "core_active_ratio");
  return withImplausible({ ...sample, processor: withheld }, fields);
}

function withImplausible(sample: PowermetricsSample, fields: readonly string[]): PowermetricsSample {
  if (fields.length === 0) return sample;
  const { findings } = sample;
  return { ...sample, findings: { ...findings, implausible: [...findings.implausible, ...fields] } };
}
