/** Turns a ratio (0…1) into a percentage (0…100). */

/** Ratios have six significant digits; what the multiplication adds beyond the fourteenth decimal is noise. */
export function percent(ratio: number | undefined): number | undefined {
  return ratio === undefined ? undefined : Math.round(ratio * 1e14) / 1e12;
}
