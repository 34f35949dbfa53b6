/**
 * Changes letter case as Go's strings.ToLower and ToUpper do, which Prometheus uses: each character by itself, to
 * exactly one other. JavaScript knows longer mappings (ß to SS) and a Σ that is another one at the end of a word.
 */

export function lowerCase(text: string): string {
  return eachCharacter(text, simpleLower);
}

export function upperCase(text: string): string {
  return eachCharacter(text, simpleUpper);
}

function eachCharacter(text: string, change: (character: string) => string): string {
  let changed = "";
  for (const character of text) changed += change(character);
  return changed;
}

/** The dotted capital I is the only letter whose long mapping has a short one beside it. */
function simpleLower(character: string): string {
  return character === "\u0130" ? "i" : (single(character.toLowerCase()) ?? character);
}

/** Greek vowels with a small iota below have theirs beside, as the capital that JavaScript only knows the way back from. */
function simpleUpper(character: string): string {
  return single(character.toUpperCase()) ?? greekCapital(character) ?? character;
}

function greekCapital(character: string): string | undefined {
  const code = character.codePointAt(0) ?? 0;
  return [code + 8, code + 9]
    .map((place) => String.fromCodePoint(place))
    .find((capital) => capital.toLowerCase() === character);
}

function single(mapped: string): string | undefined {
  return Array.from(mapped).length === 1 ? mapped : undefined;
}
