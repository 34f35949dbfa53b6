/** Owns the smc sampler of Intel Macs; no capture of it is known, so numbers are taken in any spelling and other keys let be. */
import { defined } from "../defined.ts";
import type { FindingLog } from "../finding.ts";
import { spelledNumber } from "../plist/number.ts";
import type { PlistDict } from "../plist/value.ts";
import type { Smc } from "../sample.ts";

/** Beyond these a sensor is not there or not read: an SMC answers 0, -127 or 255 for what it does not have. */
const celsius = { least: -40, most: 150 };
const mostRpm = 20_000;

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
