/** Observes one series per state: 1 for the present state, 0 for every other known one. */

/** Observes nothing without a present state; a state not known beforehand is reported verbatim beside the known ones. */
export function observeState(
  present: string | undefined,
  known: readonly string[],
  observe: (state: string, value: 0 | 1) => void,
): void {
  if (present === undefined || present === "") return;
  for (const state of known) observe(state, state === present ? 1 : 0);
  if (!known.includes(present)) observe(present, 1);
}
