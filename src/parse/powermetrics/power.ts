/** Reads power and energy: the figures that powermetrics derives per rail, and when they cannot be true. */
import { defined } from "../../runtime/defined.ts";
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
  const withheldZero = (name: string, read: Rail): Rail =>
    isBusy(cores, elapsedNs) ? withoutZero(read, [`${name}_power`, `${name}_energy`], log) : read;
  const reported = rail("cpu");
  const cpu = withheldZero("cpu", reported);
  const gpu = rail("gpu");
  const ane = rail("ane");
  const whole = withheldZero("package", rail("package"));
  const combined = log.within("combined_power", processor.number("combined_power"), 0, mostMilliwatts);
  const lacksCpu = cpu.milliwatts !== reported.milliwatts && isSumOf(combined, gpu, ane);
  if (lacksCpu) log.zeroWhileBusy("combined_power");
  return defined({
    cpuMilliwatts: cpu.milliwatts,
    gpuMilliwatts: gpu.milliwatts,
    aneMilliwatts: ane.milliwatts,
    dramMilliwatts: rail("dram").milliwatts,
    combinedMilliwatts: lacksCpu ? undefined : processor.has("combined_power") ? combined : whole.milliwatts,
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
      : log.within("package_watts", thousandfold(watts), 0, mostMilliwatts);
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
  const unlessZero = (field: string, value: number | undefined): number | undefined => {
    if (value !== 0) return value;
    log.zeroWhileBusy(field);
    return undefined;
  };
  return {
    milliwatts: unlessZero(power, rail.milliwatts),
    millijoules: unlessZero(energy, rail.millijoules),
  };
}

/** Whether a combined power is that of the rails alone, but for rounding: then a CPU at a false zero is part of it. */
function isSumOf(combined: number | undefined, ...rails: readonly Rail[]): boolean {
  const sum = rails.reduce((total, { milliwatts }) => total + (milliwatts ?? 0), 0);
  return combined !== undefined && combined <= sum * (1 + 1e-5);
}

/** From watts to milliwatts and the like, without the noise of the product: the source has six digits. */
function thousandfold(value: number | undefined): number | undefined {
  return value === undefined ? undefined : Math.round(value * 1e9) / 1e6;
}
