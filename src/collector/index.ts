/** The list of collectors: a new one is its file and one line here. The order is the order of the exposition. */
import type { Metric } from "../metric/metric.ts";
import type { SourceName } from "../parse/sample.ts";
import { battery, batteryGauge } from "./battery.ts";
import type { Collector, CollectorSettings } from "./collector.ts";
import { cluster, core } from "./cpu.ts";
import { frequencyResidency } from "./frequency-residency.ts";
import { accelerator, gpu } from "./gpu.ts";
import { interrupts } from "./interrupts.ts";
import { load } from "./load.ts";
import { machine } from "./machine.ts";
import { memory, vmStat } from "./memory.ts";
import { energy, power, systemPower } from "./power.ts";
import { powerSource } from "./power-source.ts";
import { tasks } from "./tasks.ts";
import { smc, thermal } from "./thermal.ts";
import { disk, network } from "./traffic.ts";

type Registry = { readonly [S in SourceName]: readonly Collector<S>[] };

export const collectors: Registry = {
  powermetrics: [
    machine,
    power,
    energy,
    core,
    cluster,
    gpu,
    thermal,
    battery,
    network,
    disk,
    smc,
    frequencyResidency,
    interrupts,
    tasks,
  ],
  vm_stat: [vmStat],
  sysctl: [memory, load],
  pmset: [powerSource],
  ioreg: [systemPower, batteryGauge, accelerator],
};

/** The collectors of one source that the settings turn on. */
export function collectorsOf<S extends SourceName>(
  source: S,
  settings: CollectorSettings,
): readonly Collector<S>[] {
  return collectors[source].filter((one) => one.enabled(settings));
}

/** Every metric of every collector, those that are off by default included. */
export const sampleMetrics: readonly Metric[] = Object.values(collectors)
  .flat()
  .flatMap((one) => Object.values(one.metrics));

/** The powermetrics samplers that the enabled collectors need, without repeats. */
export function neededSamplers(settings: CollectorSettings): readonly string[] {
  return [...new Set(collectorsOf("powermetrics", settings).flatMap((one) => one.samplers))];
}
