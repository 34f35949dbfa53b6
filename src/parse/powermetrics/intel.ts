/** Reads the dialect of Intel Macs: packages of cores of CPUs, watts, an array of GPUs, SMC sensors (src/parse/README.md, 4). */
import { defined } from "../../runtime/defined.ts";
import type { Fields, FindingLog } from "../field.ts";
import type { PlistDict } from "../plist/reader.ts";
import { spelledNumber } from "../plist/text.ts";
import type { Core, Gpu, Processor, Smc } from "../sample.ts";
import type { Window } from "./apple-silicon.ts";
import { coreIds, frequencyOf, readPackage, readResidency, remainingShare } from "./processor.ts";

const knownOfProcessor = new Set(
  "package_watts package_joules freq_hz freq_ratio llc_flushed_ratio packages".split(" "),
);
const knownOfPackage = new Set("package c_state_ns c_state_ratio c_states cores".split(" "));
const knownOfCore = new Set("core c_state_ns c_state_ratio c_states cpus".split(" "));
const knownOfCpu = new Set("cpu freq_hz freq_ratio duty_cycles".split(" "));

export function isIntel(processor: Fields): boolean {
  if (processor.has("clusters")) return false;
  return ["packages", "package_watts", "package_joules", "llc_flushed_ratio"].some((key) =>
    processor.has(key),
  );
}

export function readIntel(processor: Fields, window: Window): Processor {
  processor.expect(knownOfProcessor);
  const rows = (processor.rows("packages") ?? []).flatMap((one) => {
    one.expect(knownOfPackage);
    return one.rows("cores") ?? [];
  });
  const measured = isMeasured(rows);
  const ids = coreIds();
  const cores = rows.flatMap((row): Core[] => {
    row.expect(knownOfCore);
    const idle = measured ? window.log.ratio("core_idle_ratio", row.number("c_state_ratio")) : undefined;
    return (row.rows("cpus") ?? []).flatMap((cpu): Core[] => {
      cpu.expect(knownOfCpu);
      const id = ids.take(cpu);
      const frequencyHz = frequencyOf("core_freq_hz", cpu.number("freq_hz"), window.log);
      return id === undefined ? [] : [defined({ id, frequencyHz, ...activityOf(idle) })];
    });
  });
  return { ...readPackage(processor, window.elapsedNs, cores, window.log), clusters: [], cores };
}

/**
 * No key says how busy a core is; what its C-states leave over is. A virtual machine has neither C-states nor
 * frequencies: there all are 0 because nothing counts, and 100 % activity would be made up.
 */
function isMeasured(cores: readonly Fields[]): boolean {
  return cores.some(
    (core) =>
      (core.number("c_state_ratio") ?? 0) > 0 ||
      core.rows("cpus")?.some((cpu) => (cpu.number("freq_hz") ?? 0) > 0) === true,
  );
}

function activityOf(idleRatio: number | undefined): Pick<Core, "activeRatio" | "idleRatio"> {
  return idleRatio === undefined ? {} : { idleRatio, activeRatio: remainingShare(idleRatio) };
}

/** The integrated GPU, or the first; its frequency is in Hz, 1 while it is idle. */
export function readIntelGpu(gpus: readonly Fields[], window: Window): Gpu | undefined {
  const gpu = gpus.find((one) => one.text("name") === "IntelIG") ?? gpus[0];
  if (gpu === undefined) return undefined;
  const frequencyResidency = window.frequencyResidency
    ? readResidency(gpu.dicts("p_states"), megahertzOf, window.log)
    : undefined;
  const frequencyHz = frequencyOf("gpu_freq_hz", gpu.number("freq_hz"), window.log);
  const idle = window.log.ratio("gpu_idle_ratio", gpu.number("c_state_ratio"));
  return defined({ frequencyHz, ...activityOf(idle), frequencyResidency });
}

/** `frequency` is a string, in Hz. */
function megahertzOf(state: PlistDict): number | undefined {
  const hertz = Number(state.get("frequency"));
  return hertz >= 0 && hertz < Infinity ? hertz / 1e6 : undefined;
}

/** Beyond these a sensor is not there or not read: an SMC answers 0, -127 or 255 for what it does not have. */
const celsius = { least: -40, most: 150 };
const mostRpm = 20_000;

/** No capture of this sampler is known, so numbers are taken in any spelling, and unknown keys are not reported. */
export function readSmc(smc: PlistDict, log: FindingLog): Smc {
  const number = (key: string): number | undefined => {
    const value = smc.get(key);
    if (typeof value === "number" || value === undefined) return value;
    if (typeof value === "string") return spelledNumber(value);
    log.unknown(`smc.${key}`);
    return undefined;
  };
  return defined({
    fanRpm: log.within("fan", number("fan"), 0, mostRpm),
    cpuDieCelsius: log.within("cpu_die", number("cpu_die"), celsius.least, celsius.most),
    gpuDieCelsius: log.within("gpu_die", number("gpu_die"), celsius.least, celsius.most),
  });
}
