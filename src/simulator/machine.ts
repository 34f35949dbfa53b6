/** How busy the CPUs of the simulated Mac are, as its kernel would count it: without the faults of its powermetrics. */
import type { Clock } from "../runtime/clock.ts";

/**
 * Stands in for what a Mac's own kernel says; the chips are loaded only now, and no share is known until they are.
 *
 * @param preset the simulator's flags, as the tools get them
 */
export function simulatedMachine(
  clock: Pick<Clock, "now">,
  preset: string,
): { readonly busyShare: () => number | undefined } {
  let shareOf: ShareOf | undefined;
  void simulatedShare(preset).then((loaded) => {
    shareOf = loaded;
  });
  let before = clock.now();
  return {
    busyShare() {
      const startMs = before;
      before = clock.now();
      return shareOf?.(startMs, before);
    },
  };
}

type ShareOf = (startMs: number, endMs: number) => number | undefined;

/**
 * Undefined where a window of the clock is none of the simulator's: with a start or a pace of its own, and on Intel, whose cores
 * are reported by their idle states.
 */
export async function simulatedShare(preset: string): Promise<ShareOf> {
  const { configure } = await import("./settings.ts");
  const { siliconState, usedTime } = await import("./silicon.ts");
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
