/** Text from elsewhere, as a log or a terminal can show it. */

/** C0, DEL and C1, the direction of text and other format characters, and the line separators of Unicode. */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** What could begin another line, move a cursor or turn the text around as `\n` or, in JSON's spelling, `\u001b`. */
export function printable(text: string): string {
  return text.replace(unprintable, (character) => (character === "\n" ? "\\n" : escaped(character)));
}

function escaped(character: string): string {
  // Two units beyond U+FFFF, as in JSON.
  return character
    .split("")
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("");
}
