/** Owns the battery and the power source of the simulated Mac, as powermetrics and pmset both see them. */
import { chance } from "./noise.ts";

interface Battery {
  /** Whole percent. */
  readonly percent: number;
  readonly state: "charging" | "discharging" | "charged";
  /** Until empty or full; 0 when neither is ahead. */
  readonly minutesLeft: number;
}

const minute = 60_000;
const phases = { discharging: 330 * minute, charging: 130 * minute, charged: 140 * minute } as const;
const cycle = phases.discharging + phases.charging + phases.charged;

/** A cycle of ten hours: away from the desk, back on mains, full; where in it the Mac is depends on the seed. */
export function batteryAt(seed: number, timeMs: number): Battery {
  const lowest = 12 + Math.floor(chance(seed, 21, 0) * 30);
  const into = (timeMs + chance(seed, 20, 0) * cycle) % cycle;
  if (into < phases.discharging) {
    const left = 1 - into / phases.discharging;
    return {
      percent: level(lowest, left),
      state: "discharging",
      minutesLeft: minutes(left * phases.discharging * 1.3),
    };
  }
  const charged = (into - phases.discharging) / phases.charging;
  if (charged >= 1) return { percent: 100, state: "charged", minutesLeft: 0 };
  return {
    percent: level(lowest, charged),
    state: "charging",
    minutesLeft: minutes((1 - charged) * phases.charging),
  };
}

function level(lowest: number, share: number): number {
  return Math.min(99, Math.round(lowest + (100 - lowest) * share));
}

function minutes(milliseconds: number): number {
  return Math.ceil(milliseconds / minute);
}
