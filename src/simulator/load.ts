/** How busy the simulated Mac is: every figure is a pure function of (seed, time), so that separate tools agree. */
import { chance, clamp, noise } from "./noise.ts";

/** One stretch of time that a figure covers, milliseconds since the Unix epoch. */
export interface Window {
  readonly startMs: number;
  readonly endMs: number;
  /** As powermetrics reports it; differs from end − start only where a fault wants it to. */
  readonly elapsedNs: number;
}

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

const channel = {
  ripple: 1,
  burst: 10,
  burstStart: 11,
  burstLength: 12,
  burstLevel: 13,
  graphics: 40,
  neural: 50,
} as const;

/** CPU demand, 0…1 of the whole machine: a working day, ripples, short bursts and now and then a long job. */
export function demandAt(seed: number, timeMs: number): number {
  const ripple =
    0.5 * noise(seed, channel.ripple, timeMs, 10 * minute) +
    0.3 * noise(seed, channel.ripple + 1, timeMs, minute) +
    0.2 * noise(seed, channel.ripple + 2, timeMs, 7_000);
  const steady = workingDay(timeMs) * (0.3 + 1.4 * ripple);
  const short = burstAt(seed, 0, timeMs, { every: 4 * minute, odds: 0.35, shortest: 8_000, longest: 90_000 });
  const long = burstAt(seed, 1, timeMs, {
    every: 3 * hour,
    odds: 0.3,
    shortest: 15 * minute,
    longest: 50 * minute,
  });
  return clamp(Math.max(steady, short * 0.85, long), 0.004, 1);
}

/** Graphics demand, 0…1. */
export function graphicsAt(seed: number, timeMs: number): number {
  const steady = 0.03 + 0.25 * workingDay(timeMs) * noise(seed, channel.graphics, timeMs, 20_000);
  const scene = burstAt(seed, 2, timeMs, {
    every: 10 * minute,
    odds: 0.3,
    shortest: 10_000,
    longest: 4 * minute,
  });
  const flicker = 0.7 + 0.6 * noise(seed, channel.graphics + 1, timeMs, 1_500);
  return clamp(Math.max(steady, scene) * flicker);
}

/** Neural Engine demand, 0…1: nearly always 0. */
export function neuralAt(seed: number, timeMs: number): number {
  return burstAt(seed, 3, timeMs, { every: 12 * minute, odds: 0.25, shortest: 3_000, longest: 40_000 });
}

/** The mean of a figure over a window. */
export function meanOver(window: Window, figureAt: (timeMs: number) => number): number {
  const length = window.endMs - window.startMs;
  const points = Math.round(clamp(length / 250, 1, 16));
  let sum = 0;
  for (let point = 0; point < points; point++)
    sum += figureAt(window.startMs + (length * (point + 0.5)) / points);
  return sum / points;
}

/** As of now: long load makes the machine hot, and it stays hot for minutes. */
export function thermalPressureAt(seed: number, timeMs: number): "Nominal" | "Moderate" | "Heavy" {
  const heat = meanOver({ startMs: timeMs - 15 * minute, endMs: timeMs, elapsedNs: 0 }, (at) =>
    demandAt(seed, at),
  );
  if (heat > 0.84) return "Heavy";
  return heat > 0.62 ? "Moderate" : "Nominal";
}

function workingDay(timeMs: number): number {
  const hours = (timeMs % day) / hour;
  return 0.05 + 0.16 * hump(hours, 10.5, 2.2) + 0.2 * hump(hours, 15.5, 2.8) + 0.08 * hump(hours, 21, 1.5);
}

function hump(hours: number, centre: number, width: number): number {
  return Math.exp(-(((hours - centre) / width) ** 2));
}

interface Bursts {
  /** One cell of time holds at most one burst. */
  readonly every: number;
  readonly odds: number;
  readonly shortest: number;
  readonly longest: number;
}

function burstAt(seed: number, kind: number, timeMs: number, bursts: Bursts): number {
  const cell = Math.floor(timeMs / bursts.every);
  const of = (which: number): number => chance(seed, which + kind * 100, cell);
  if (of(channel.burst) >= bursts.odds) return 0;
  const length = bursts.shortest + (bursts.longest - bursts.shortest) * of(channel.burstLength);
  const start = cell * bursts.every + of(channel.burstStart) * Math.max(0, bursts.every - length);
  const edge = Math.min(timeMs - start, start + length - timeMs) / Math.min(2_000, length / 4);
  return clamp(edge) * (0.35 + 0.65 * of(channel.burstLevel));
}
