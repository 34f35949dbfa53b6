/** Counts what a phase of the fleet is measured by: requests, samples and what became of them, bytes, waits. */
import type { DeliveryListener } from "../../src/delivery/types.ts";
import type { Body, SendResult } from "../../src/sink/sink.ts";

export interface Tallies {
  requests: number;
  /** In requests that were answered as stored; what comes a second time counts twice. */
  answered: number;
  /** In requests of which nobody knows whether they were stored: cut off, timed out, failed. */
  uncertain: number;
  /** Delivered for good, each sample once: what the receiver must hold at least. */
  sent: number;
  /** By reason; never to be delivered. */
  readonly dropped: Map<string, number>;
  /** Of requests that were answered as stored. */
  bytes: number;
  /** Milliseconds of each request, sent to answered. */
  readonly latencies: number[];
  /** Milliseconds from a live snapshot's time to its delivery. */
  readonly ages: number[];
  /** By code, of requests that delivered nothing. */
  readonly errors: Map<string, number>;
}

export function newTallies(): Tallies {
  return {
    requests: 0,
    answered: 0,
    uncertain: 0,
    sent: 0,
    dropped: new Map(),
    bytes: 0,
    latencies: [],
    ages: [],
    errors: new Map(),
  };
}

/** What delivery itself says became of the samples. */
export function accountOf(tallies: Tallies): DeliveryListener {
  return {
    requested: () => undefined,
    sent: (samples) => void (tallies.sent += samples),
    dropped: (samples, reason) => add(tallies.dropped, reason, samples),
  };
}

export function countRequest(tallies: Tallies, result: SendResult, body: Body): void {
  const { outcome, durationMs } = result;
  tallies.requests++;
  tallies.latencies.push(durationMs);
  if (outcome.status === "delivered") {
    tallies.answered += body.samples - outcome.rejected;
    tallies.bytes += body.bytes.length;
  } else if (outcome.status === "retry") tallies.uncertain += body.samples;
  countFailure(tallies, result);
}

/** A probe that gets no answer keeps a Mac from sending anything. */
export function countFailure({ errors }: Tallies, { outcome }: SendResult): void {
  if (outcome.status !== "delivered") add(errors, outcome.code, 1);
}

function add(counts: Map<string, number>, name: string, more: number): void {
  counts.set(name, (counts.get(name) ?? 0) + more);
}

/** NaN of nothing. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}
