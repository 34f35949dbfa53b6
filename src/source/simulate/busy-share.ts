/** How busy all CPUs of the simulated Mac were, as its kernel would count it: without the faults of its powermetrics. */
import { configure } from "./settings.ts";
import { siliconState } from "./silicon-state.ts";
import { usedTime } from "./residency.ts";

/**
 * Undefined where a window of the clock is none of the simulator's: with a start or a pace of its own, and on Intel, whose cores
 * are reported by their idle states.
 *
 * @param preset the simulator's flags, as the tools get them
 */
export function simulatedShare(preset: string): (startMs: number, endMs: number) => number | undefined {
  const configured = configure("powermetrics", [], preset);
  if ("problem" in configured) return () => undefined;
  const { host, startMs: shifted, paced } = configured.settings;
  const { chip } = host;
  if (shifted !== undefined || !paced || chip.kind !== "apple") return () => undefined;
  return (startMs, endMs) => {
    if (endMs <= startMs) return undefined;
    const window = { startMs, endMs, elapsedNs: (endMs - startMs) * 1e6 };
    const cores = siliconState(chip, host.os, host.seed, window).clusters.flatMap((cluster) => cluster.cores);
    const used = cores.reduce((sum, { residency }) => sum + usedTime(residency) / residency.totalNs, 0);
    return cores.length === 0 ? undefined : used / cores.length;
  };
}
