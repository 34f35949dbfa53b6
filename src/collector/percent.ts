/** Owns the step from a ratio (0…1) to a percentage (0…100). */
export function percent(ratio: number | undefined): number | undefined {
  return ratio === undefined ? undefined : 100 * ratio;
}
