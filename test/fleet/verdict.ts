/** Decides whether the figures of a phase may be believed: the receiver's own count must hold what counts as delivered. */
import type { PhaseResult } from "./phase.ts";
import { counts, exact } from "./words.ts";

export type Judged = Pick<PhaseResult, "tallies"> & {
  readonly receiver: Pick<PhaseResult["receiver"], "stored" | "isOurs">;
};

/** One line for each thing that is wrong; none when all is well. */
export function faultsOf({ tallies, receiver }: Judged): readonly string[] {
  const { sent, requests, errors, dropped } = tallies;
  if (sent === 0)
    return [
      `cannot deliver anything: ${requests} requests${errors.size === 0 ? "" : ` (${counts(errors)})`}`,
    ];
  // What is refused when it comes again is there since the first time.
  const lost = [...dropped].filter(([reason]) => reason !== "rejected_resend");
  return [
    ...(lost.length === 0 ? [] : [`cannot deliver every sample: ${counts(new Map(lost))}`]),
    ...storageFaults(tallies, receiver),
  ];
}

/**
 *     sent ≤ stored ≤ answered + uncertain
 *
 * What came twice is stored once or twice, as the receiver likes; what was cut off may be stored or not.
 */
function storageFaults(
  { sent, answered, uncertain }: Judged["tallies"],
  { stored, isOurs }: Judged["receiver"],
): readonly string[] {
  if (stored === undefined)
    return isOurs ? ["cannot tell what the receiver stored: its /metrics did not say"] : [];
  if (stored < sent)
    return [`receiver must hold the ${exact(sent)} samples that count as delivered, got ${exact(stored)}`];
  // To a receiver elsewhere others may send as well.
  if (isOurs && stored > answered + uncertain)
    return [`receiver must hold at most ${exact(answered + uncertain)} samples, got ${exact(stored)}`];
  return [];
}
