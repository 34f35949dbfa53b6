/** The state of a receiver: since when it fails, which protocol it speaks, how long to leave it alone. */
import type { Backoff } from "../runtime/backoff.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/log.ts";
import { createCircuit } from "./circuit.ts";
import type { Ledger } from "./types.ts";

export interface Relation {
  /** Its last answer was none, or kept us out. */
  readonly failing: boolean;
  /** It read a request and judged it. How long the outage was that this ends, in milliseconds; 0 without one. */
  reached(): number;
  failed(reason: string, code: string, waitMs: number): void;
  /** The receiver does not let us in: how long to leave it alone, in milliseconds. */
  refused(reason: string, code: string): number;
  /** False when the receiver only ever sends us from one protocol to the other. */
  switchTo(protocol: string, reason: string): boolean;
}

/** Switches in a row without a delivery before the receiver is taken for broken. */
const switchLimit = 4;

export function createRelation(
  sink: string,
  world: { readonly ledger: Ledger; readonly backoff: Backoff; readonly clock: Clock; readonly log: Logger },
): Relation {
  const { ledger, backoff, clock, log } = world;
  const circuit = createCircuit();
  let failingSince: number | undefined;
  let switches = 0;

  return {
    get failing() {
      return failingSince !== undefined;
    },
    reached() {
      const outageMs = failingSince === undefined ? 0 : clock.now() - failingSince;
      if (failingSince !== undefined) log.info(`reached ${sink} again`, { outage_ms: outageMs });
      failingSince = undefined;
      switches = 0;
      backoff.reset();
      circuit.close();
      ledger.status = "ok";
      return outageMs;
    },
    failed(reason, code, waitMs) {
      if (failingSince === undefined) {
        log.warn(`cannot deliver to ${sink}: ${reason}`, { code, retry_in_ms: Math.round(waitMs) });
      }
      failingSince ??= clock.now();
      ledger.status = "retrying";
    },
    refused(reason, code) {
      const waitMs = circuit.next();
      switches = 0;
      failingSince ??= clock.now();
      ledger.status = "refused";
      log.error(`cannot deliver to ${sink}, it refuses us: ${reason}`, {
        code,
        probe_in_s: Math.round(waitMs / 1000),
      });
      return waitMs;
    },
    switchTo(protocol, reason) {
      switches++;
      if (switches > switchLimit) {
        switches = 0;
        failingSince ??= clock.now();
        ledger.status = "retrying";
        log.error(`cannot agree with ${sink} on a protocol: ${reason}`);
        return false;
      }
      log.info(`switching ${sink} to ${protocol}: ${reason}`);
      ledger.protocol = protocol;
      return true;
    },
  };
}
