/** Owns what a phase of the fleet is measured by: requests, samples, bytes, waits. */
import type { SendResult } from "../../src/sink/sink.ts";

export interface Tallies {
  requests: number;
  /** Of requests that delivered something; retries of the same samples are no more samples. */
  samples: number;
  bytes: number;
  /** Milliseconds of each request, sent to answered. */
  readonly latencies: number[];
  /** Milliseconds from a live snapshot's time to its delivery. */
  readonly ages: number[];
  /** By code, of requests that delivered nothing. */
  readonly errors: Map<string, number>;
}

export function newTallies(): Tallies {
  return { requests: 0, samples: 0, bytes: 0, latencies: [], ages: [], errors: new Map() };
}

export function countRequest(
  tallies: Tallies,
  result: SendResult,
  body: { readonly bytes: Uint8Array; readonly samples: number },
): void {
  const { outcome, durationMs } = result;
  tallies.requests++;
  tallies.latencies.push(durationMs);
  if (outcome.status === "delivered") {
    tallies.samples += body.samples - outcome.rejected;
    tallies.bytes += body.bytes.length;
  }
  countFailure(tallies, result);
}

/** A probe that gets no answer keeps a Mac from sending anything. */
export function countFailure({ errors }: Tallies, { outcome }: SendResult): void {
  if (outcome.status !== "delivered") errors.set(outcome.code, (errors.get(outcome.code) ?? 0) + 1);
}

/** NaN of nothing. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}
