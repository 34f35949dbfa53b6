/// <reference lib="dom" />
/** The colours that charts are drawn with: the style sheet's, in light and dark. */

/** The value of a custom property such as `--muted`. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** Of the series with this number; told apart by those who see few colours, too. */
export function seriesColour(index: number): string {
  return colour(`--series-${index % 6}`);
}
