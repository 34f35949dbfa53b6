/** Prints the lines under the table: what a receiver of this size carries, how long a herd takes, and other sizes, with the sums shown. */
import { batchSamples } from "../../src/delivery/batch-selection.ts";
import {
  firstRush,
  fittingRate,
  freeBatches,
  hostsOn,
  jitterSeconds,
  liveRate,
  secondsToDrain,
} from "./estimate.ts";
import type { PhaseResult } from "./phase.ts";
import { samplesPerSecond } from "./report.ts";
import { count, digits, megabytes, span } from "./words.ts";

export interface Herd {
  readonly free: PhaseResult;
  readonly drainRate: number;
  /** Absent when half of the capacity decided. */
  readonly given?: boolean;
  readonly paced: PhaseResult;
}

/** A line: what, its sum, what comes of it. */
type Line = readonly [string, string, string];

const times = 10;

export function extrapolation(herd: Herd): string {
  const lines = [...herdLines(herd), ...otherSizes(herd)];
  const widths = [0, 1].map((at) => Math.max(...lines.map((line) => line[at]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join("   ")
        .trimEnd(),
    )
    .join("\n");
}

/** Of both herds: how long, with which drain rate. */
function herdLines({ free, drainRate, given, paced }: Herd): readonly Line[] {
  const { hosts, backlogMs, intervalMs } = free.phase;
  const { all, most } = free.backlog;
  const capacity = samplesPerSecond(free);
  const live = liveRate(free.series, intervalMs);
  const snapshots = Math.floor(backlogMs / intervalMs);
  const batch = batchOf(free.backlog, drainRate);
  return [
    [
      "backlog",
      `${hosts} Macs · ${snapshots} snapshots · ${meanSeries(free)} series`,
      `${count(all)} samples`,
    ],
    [
      "no limit",
      `${count(all)} / ${count(capacity)}`,
      `${span(all / capacity)}, as fast as it goes; ${measured(free)}`,
    ],
    given === true
      ? ["drain_rate", "as given", String(drainRate)]
      : [
          "drain_rate",
          rateSum(capacity, live, hosts),
          `${drainRate} samples a second and Mac, half of the receiver`,
        ],
    ["mean Mac", drainSum(all / hosts, drainRate), span(secondsToDrain(all / hosts, drainRate))],
    [
      "largest Mac",
      drainSum(most, drainRate),
      `${span(secondsToDrain(most, drainRate))}, all have caught up; ${measured(paced)}`,
    ],
    ["first batches", rushSum(hosts, batch), rushWords(hosts, batch, capacity)],
  ];
}

/** Ten times the Macs: on this receiver, and on one of ten times the capacity. */
function otherSizes({ free }: Herd): readonly Line[] {
  const { hosts, intervalMs } = free.phase;
  const capacity = samplesPerSecond(free);
  const live = liveRate(free.series, intervalMs) * times;
  return [capacity, capacity * times].flatMap((size, at): readonly Line[] => {
    const name =
      at === 0
        ? `${hosts * times} Macs, same receiver`
        : `${hosts * times} Macs, ${times} times the receiver`;
    const rate = fittingRate(size, live, hosts * times);
    if (rate === undefined)
      return [[name, rateSum(size, live, hosts * times), "too little: no drain_rate fits"]];
    const batch = batchOf(free.backlog, rate);
    return [
      [name, rateSum(size, live, hosts * times), `drain_rate ${rate}`],
      [
        "",
        drainSum(free.backlog.most, rate),
        `${span(secondsToDrain(free.backlog.most, rate))}, all have caught up`,
      ],
      ["", rushSum(hosts * times, batch), rushWords(hosts * times, batch, size)],
    ];
  });
}

function rateSum(capacity: number, live: number, hosts: number): string {
  return `(${count(capacity)} / 2 − ${count(live)}) / ${hosts}`;
}

function drainSum(samples: number, rate: number): string {
  return `${count(samples)} / ${rate} + ${jitterSeconds} s`;
}

function rushSum(hosts: number, batch: number): string {
  return `${hosts} · ${freeBatches} · ${count(batch)} / ${jitterSeconds} s`;
}

function rushWords(hosts: number, batch: number, capacity: number): string {
  const rush = firstRush(hosts, batch);
  const verdict = rush > capacity ? `more than the ${count(capacity)} that it carries` : "which it carries";
  return `${count(rush)} samples a second at first, ${verdict}`;
}

/** What a Mac sends at once at this drain rate. */
function batchOf({ limits, most }: PhaseResult["backlog"], drainRate: number): number {
  return Math.min(limits === undefined ? 0 : batchSamples(drainRate, limits), most / freeBatches);
}

function measured({ backlog, seconds }: PhaseResult): string {
  return backlog.left === 0 ? `measured: ${span(seconds)}` : `not finished after ${span(seconds)}`;
}

function meanSeries({ series, phase }: PhaseResult): string {
  return (series / phase.hosts).toFixed(1);
}

/**
 * Live data is dearer than a backlog, one snapshot a request: how many Macs a receiver carries follows from the cores that
 * their ordinary day takes.
 *
 * @param free the herd without limits; without one, what a single core carries
 */
export function carries(day: PhaseResult, free: PhaseResult | undefined): string {
  const { hosts, intervalMs } = day.phase;
  const macs = `Macs of ${meanSeries(day)} series every ${intervalMs / 1000} s`;
  const { cores: dayCores } = day.receiver;
  const cores = free === undefined ? 1 : free.receiver.cores;
  const capacity = free === undefined ? "" : `${capacityOf(free)}, that is `;
  const room = cores === undefined || dayCores === undefined ? undefined : hostsOn(cores, hosts, dayCores);
  if (room === undefined || cores === undefined || dayCores === undefined)
    return `this receiver carries ${capacity}an unknown number of ${macs}: it does not tell what CPU they take`;
  const sum = `${hosts} · ${digits(cores)} / ${digits(dayCores)} = ${count(room)}`;
  return `this receiver carries ${capacity}${sum} ${macs} at the cost of their ordinary day, on ${digits(cores)} ${cores === 1 ? "core" : "cores"}`;
}

/** One process of Node.js sends on little more than one core: beyond, the receiver may have room that nobody asked for. */
function capacityOf(free: PhaseResult): string {
  const { cores, rssBytes } = free.receiver;
  const least = free.own.cores >= 0.9 ? "at least " : "";
  const cost =
    cores === undefined || rssBytes === undefined
      ? ""
      : ` at ${digits(cores)} cores and ${megabytes(rssBytes)}`;
  return `${least}${count(samplesPerSecond(free))} samples/s of a backlog${cost}`;
}
