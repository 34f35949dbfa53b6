/// <reference lib="dom" />
/** The colours that charts are drawn with: the style sheet's, in light and dark. */

/** The value of a custom property such as `--muted`. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** The colour of the series with this number; the six can be distinguished with colour blindness, too. */
export function seriesColour(index: number): string {
  return colour(`--series-${index % 6}`);
}
