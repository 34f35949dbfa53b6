/** What both dialects say of the processor: each CPU's id, frequency and time at each frequency; and per rail power and energy, withheld when they cannot be true. */
import { defined } from "../../runtime/defined.ts";
import type { Fields, FindingLog } from "../field.ts";
import type { PlistDict } from "../plist/reader.ts";
import type { Core, FrequencyResidency, Processor } from "../sample.ts";

/** More than any Mac has; ids become label values, so they are bounded. */
const mostCores = 1024;
const mostHertz = 100e9;

export interface CoreIds {
  /** `cpu0` … for a row with the key `cpu`; undefined, and found, when it is missing, strange, or taken already. */
  take(row: Fields): string | undefined;
}

export function coreIds(): CoreIds {
  const taken = new Set<number>();
  return {
    take(row) {
      const number = row.number("cpu");
      if (number === undefined || !isCpu(number) || taken.has(number)) {
        row.strange("cpu");
        return undefined;
      }
      taken.add(number);
      return `cpu${number}`;
    },
  };
}

function isCpu(number: number): boolean {
  return Number.isInteger(number) && number >= 0 && number < mostCores;
}

/** In Hz; 0 is what a core reports that never ran. */
export function frequencyOf(field: string, hertz: number | undefined, log: FindingLog): number | undefined {
  return log.within(field, hertz, 0, mostHertz);
}

/** The key of a state's share of the window. */
export const stateShare = "used_ratio";

/** The share of the window in any state; undefined when there are no states, NaN when one of them is no share. */
export function activeShare(shares: readonly number[] | undefined): number | undefined {
  if (shares === undefined || shares.length === 0) return undefined;
  let sum = 0;
  let at = 0;
  // No iterator: see scanner.ts.
  while (at < shares.length) {
    const share = shares[at++] ?? NaN;
    sum += share >= 0 ? share : NaN;
  }
  return withoutNoise(sum);
}

/** Undefined when one of the states has none. */
export function sharesOf(states: readonly PlistDict[] | undefined): readonly number[] | undefined {
  const shares = states?.map((state) => state.get(stateShare)).filter((share) => typeof share === "number");
  return shares?.length === states?.length ? shares : undefined;
}

/** What is left of the window; the shares have six digits, so what lies beyond twelve is noise of the subtraction. */
export function remainingShare(share: number, other = 0): number {
  return withoutNoise(1 - share - other);
}

function withoutNoise(share: number): number {
  return Math.round(share * 1e12) / 1e12;
}

/** By position, since frequencies repeat. A state with a figure that cannot be true is left out, and found. */
export function readResidency(
  states: readonly PlistDict[] | undefined,
  megahertzOf: (state: PlistDict) => number | undefined,
  log: FindingLog,
): readonly FrequencyResidency[] | undefined {
  return states?.flatMap((state) => {
    const megahertz = megahertzOf(state);
    const used = state.get("used_ns");
    const usedNs = log.amount("frequency_used_ns", typeof used === "number" ? used : undefined);
    return megahertz === undefined || usedNs === undefined ? [] : [{ megahertz, usedNs }];
  });
}

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
