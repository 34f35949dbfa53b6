/**
 * Today's energy, by local time: of the whole machine where its gauge counts it, else of the chip.
 *
 *     midnight ── journal ──► somebody asks ── what is published ──► now
 *
 * The journal is read once, when somebody asks for the first time; counters go on from there.
 */
import type { Journal } from "../journal/types.ts";
import { isOwn, type Snapshot } from "../meter/snapshot.ts";
import type { Clock } from "../runtime/clock.ts";
import { mostPoints } from "./history.ts";
import type { EnergyToday } from "./status.ts";

interface Today {
  published(snapshot: Snapshot): void;
  /** Absent before two samples of a counter came today. */
  read(): EnergyToday | undefined;
}

interface Counters {
  readonly of: EnergyToday["of"];
  readonly names: readonly string[];
}

/** As the configuration has it. */
export interface EnergyPrice {
  readonly per_kwh: number;
  readonly currency: string;
}

const joulesPerKwh = 3_600_000;

/** The first that counted is what is shown. */
const counters: readonly Counters[] = [
  { of: "machine", names: ["ioreg_system_energy_joules_total"] },
  // Intel's package contains its rails.
  { of: "chip", names: ["powermetrics_package_energy_joules_total"] },
  {
    of: "chip",
    names: [
      "powermetrics_cpu_energy_joules_total",
      "powermetrics_gpu_energy_joules_total",
      "powermetrics_ane_energy_joules_total",
    ],
  },
];

/** @param journal without one the energy is what was published since the start */
export function createEnergyToday(
  clock: Clock,
  journal?: Pick<Journal, "history">,
  price?: EnergyPrice,
): Today {
  const sums = counters.map(createSum);
  let midnight = midnightBefore(clock.now());
  let isKnown = journal === undefined;

  function add(snapshot: Snapshot): void {
    const day = midnightBefore(snapshot.time);
    if (day < midnight) return;
    if (day > midnight) for (const sum of sums) sum.startDay();
    midnight = day;
    for (const sum of sums) sum.add(snapshot);
  }

  function readJournal(): void {
    isKnown = true;
    const toMs = clock.now();
    midnight = midnightBefore(toMs);
    const series = (name: string): boolean => counters.some(({ names }) => names.includes(name));
    const query = { series, source: isOwn, fromMs: midnight, toMs, maxPoints: mostPoints };
    for (const snapshot of journal?.history(query) ?? []) add(snapshot);
  }

  return {
    published(snapshot) {
      if (isKnown) add(snapshot);
    },
    read() {
      if (!isKnown) readJournal();
      if (midnightBefore(clock.now()) !== midnight) return undefined;
      return withCost(sums.find((sum) => sum.hasStarted())?.read(), price);
    },
  };
}

function withCost(energy: EnergyToday | undefined, price: EnergyPrice | undefined): EnergyToday | undefined {
  if (energy === undefined || price === undefined) return energy;
  const { per_kwh: perKwh, currency } = price;
  return { ...energy, cost: { amount: (energy.joules / joulesPerKwh) * perKwh, currency } };
}

function midnightBefore(time: number): number {
  return new Date(time).setHours(0, 0, 0, 0);
}

/** What counters grew by together since the first of the day's samples, over restarts. */
function createSum({ of, names }: Counters) {
  let last: number | undefined;
  let since: number | undefined;
  let joules: number | undefined;

  function totalOf({ set, values }: Snapshot): number | undefined {
    let total: number | undefined;
    for (const [index, { name }] of set.series.entries())
      if (names.includes(name)) total = (total ?? 0) + (values[index] ?? NaN);
    return total;
  }

  return {
    startDay() {
      joules = since = undefined;
    },
    add(snapshot: Snapshot): void {
      const total = totalOf(snapshot);
      if (total === undefined || Number.isNaN(total)) return;
      // A counter that fell began anew, with the machine or with the agent.
      if (last !== undefined) joules = (joules ?? 0) + (total < last ? total : total - last);
      since ??= snapshot.time;
      last = total;
    },
    hasStarted: () => since !== undefined,
    read(): EnergyToday | undefined {
      return joules === undefined || since === undefined ? undefined : { joules, of, since };
    },
  };
}
