/** Backs off a receiver that refuses requests: probes it after 1, 2, 4, 8 and from then on every 15 minutes. */

const firstProbeMs = 60_000;
const lastProbeMs = 15 * 60_000;

export interface Circuit {
  /** Another refusal: how long to leave the receiver alone. */
  next(): number;
  /** Let in. */
  close(): void;
}

export function createCircuit(): Circuit {
  let refusals = 0;
  return {
    next: () => Math.min(firstProbeMs * 2 ** refusals++, lastProbeMs),
    close: () => void (refusals = 0),
  };
}
