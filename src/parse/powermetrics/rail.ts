/** Owns power and energy: the figures that powermetrics derives per rail, and when they cannot be true. */
import { defined } from "../defined.ts";
import type { Fields } from "../field.ts";
import type { FindingLog } from "../finding.ts";
import type { Core, Processor } from "../sample.ts";

type Rails = Pick<
  Processor,
  | "cpuMilliwatts"
  | "gpuMilliwatts"
  | "aneMilliwatts"
  | "dramMilliwatts"
  | "combinedMilliwatts"
  | "packageMilliwatts"
  | "cpuMillijoules"
  | "gpuMillijoules"
  | "aneMillijoules"
  | "packageMillijoules"
>;

/** A kilowatt: three times what the largest Mac draws at the wall. */
const mostMilliwatts = 1e6;

/**
 * Core time from which a rail at zero is a fault. An efficiency core draws tens of milliwatts, so 50 ms of it are
 * several millijoules, and energy is counted in whole ones: at that use a true reading rounds to no less than one.
 */
const busyCoreNs = 50e6;

interface Rail {
  readonly milliwatts: number | undefined;
  readonly millijoules: number | undefined;
}

/** Apple Silicon: mJ and mW; `*_power` is `*_energy` over the window, so either stands in for the other. */
export function readRails(
  processor: Fields,
  elapsedNs: number,
  cores: readonly Core[],
  log: FindingLog,
): Rails {
  const rail = (name: string): Rail => readRail(processor, name, elapsedNs, log);
  const busy = isBusy(cores, elapsedNs);
  const reported = rail("cpu");
  const cpu = busy ? withoutZero(reported, ["cpu_power", "cpu_energy"], log) : reported;
  const gpu = rail("gpu");
  const ane = rail("ane");
  const whole = rail("package");
  const isCpuWithheld = reported.milliwatts !== cpu.milliwatts;
  const combined = readCombined(
    processor,
    isCpuWithheld ? (gpu.milliwatts ?? 0) + (ane.milliwatts ?? 0) : -1,
    log,
  );
  return defined({
    cpuMilliwatts: cpu.milliwatts,
    gpuMilliwatts: gpu.milliwatts,
    aneMilliwatts: ane.milliwatts,
    dramMilliwatts: rail("dram").milliwatts,
    combinedMilliwatts: combined.isReported ? combined.milliwatts : whole.milliwatts,
    cpuMillijoules: cpu.millijoules,
    gpuMillijoules: gpu.millijoules,
    aneMillijoules: ane.millijoules,
    packageMillijoules: whole.millijoules,
  });
}

/** Intel: watts and joules of the package. There is no rail of the CPUs alone, and none is made up. */
export function readPackage(
  processor: Fields,
  elapsedNs: number,
  cores: readonly Core[],
  log: FindingLog,
): Rails {
  const millijoules = amountOfEnergy(
    "package_joules",
    thousandfold(processor.number("package_joules")),
    elapsedNs,
    log,
  );
  const watts = processor.number("package_watts");
  const milliwatts =
    watts === undefined
      ? meanMilliwatts(millijoules, elapsedNs)
      : log.within("package_watts", watts * 1000, 0, mostMilliwatts);
  const reported = { milliwatts, millijoules };
  const rail = isBusy(cores, elapsedNs)
    ? withoutZero(reported, ["package_watts", "package_joules"], log)
    : reported;
  return defined({ packageMilliwatts: rail.milliwatts, packageMillijoules: rail.millijoules });
}

/** The energy of a window in mJ, withheld when it would take more power than any Mac has. */
export function amountOfEnergy(
  field: string,
  millijoules: number | undefined,
  elapsedNs: number,
  log: FindingLog,
): number | undefined {
  const most = elapsedNs > 0 ? (mostMilliwatts * elapsedNs) / 1e9 : Number.MAX_SAFE_INTEGER;
  return log.within(field, millijoules, 0, most);
}

function readRail(processor: Fields, name: string, elapsedNs: number, log: FindingLog): Rail {
  const millijoules = amountOfEnergy(`${name}_energy`, processor.number(`${name}_energy`), elapsedNs, log);
  const power = processor.number(`${name}_power`);
  const milliwatts =
    power === undefined
      ? meanMilliwatts(millijoules, elapsedNs)
      : log.within(`${name}_power`, power, 0, mostMilliwatts);
  return { milliwatts, millijoules };
}

function meanMilliwatts(millijoules: number | undefined, elapsedNs: number): number | undefined {
  return millijoules === undefined || elapsedNs <= 0 ? undefined : (millijoules * 1e9) / elapsedNs;
}

function isBusy(cores: readonly Core[], elapsedNs: number): boolean {
  const active = cores.reduce((sum, { activeRatio }) => sum + (activeRatio ?? 0), 0);
  return active * elapsedNs >= busyCoreNs;
}

function withoutZero(rail: Rail, [power, energy]: readonly [string, string], log: FindingLog): Rail {
  return {
    milliwatts: log.within(power, rail.milliwatts, Number.MIN_VALUE, mostMilliwatts),
    millijoules: log.within(energy, rail.millijoules, Number.MIN_VALUE, Number.MAX_SAFE_INTEGER),
  };
}

/** `others` is what the sum has without the CPU when that was withheld: a sum of no more is as wrong as the CPU's zero. */
function readCombined(
  processor: Fields,
  others: number,
  log: FindingLog,
): { readonly isReported: boolean; readonly milliwatts: number | undefined } {
  const reported = processor.number("combined_power");
  const milliwatts = log.within("combined_power", reported, 0, mostMilliwatts);
  const lacksCpu = milliwatts !== undefined && milliwatts <= others * (1 + 1e-5);
  if (lacksCpu) log.implausible("combined_power");
  return { isReported: reported !== undefined, milliwatts: lacksCpu ? undefined : milliwatts };
}

function thousandfold(value: number | undefined): number | undefined {
  return value === undefined ? undefined : value * 1000;
}
