/** Owns which samplers this powermetrics has: one unknown name makes the whole run fail (FORMATS.md, section 6). */

const heading = /^the following samplers are supported/i;

/** Names from `powermetrics --help`, in its order; empty when the text has no such list. */
export function parseSamplers(helpText: string): readonly string[] {
  const lines = helpText.split(/\r?\n/);
  const start = lines.findIndex((line) => heading.test(line.trim()));
  if (start < 0) return [];
  const names: string[] = [];
  for (const line of lines.slice(start + 1)) {
    const name = /^\s+([a-z][a-z0-9_]*)(?:\s|$)/.exec(line)?.[1];
    if (name !== undefined) names.push(name);
    else if (names.length > 0) break;
  }
  return names;
}
