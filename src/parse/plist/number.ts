/** Owns numbers as powermetrics spells them: C's `%lld` and `%g`. */
import { ascii, type Cursor } from "./cursor.ts";
import { readText } from "./text.ts";

/** Powers of ten that doubles hold exactly; with a mantissa below 10^15, one division or product rounds correctly. */
const exactPowers = Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));
const exactDigits = 15;
const point = 0x2e;
const plus = 0x2b;

/** Reads a number up to the next tag; NaN where none is spelled, undefined for a failure of the markup. */
export function readNumber(cursor: Cursor): number | undefined {
  const { bytes } = cursor;
  const negative = bytes[cursor.at] === ascii.minus;
  const start = negative ? cursor.at + 1 : cursor.at;
  let at = start;
  let mantissa = 0;
  let scale = 0;
  let digit = digitAt(bytes, at);
  for (; digit >= 0; digit = digitAt(bytes, ++at)) mantissa = mantissa * 10 + digit;
  let digits = at - start;
  if (bytes[at] === point) {
    const fraction = ++at;
    for (digit = digitAt(bytes, at); digit >= 0; digit = digitAt(bytes, ++at))
      mantissa = mantissa * 10 + digit;
    scale = fraction - at;
    digits -= scale;
  }
  if (bytes[at] === 0x65) {
    const sign = bytes[++at];
    if (sign === ascii.minus || sign === plus) at++;
    const first = at;
    let exponent = 0;
    for (digit = digitAt(bytes, at); digit >= 0; digit = digitAt(bytes, ++at))
      exponent = exponent * 10 + digit;
    if (at === first) return readSpelled(cursor);
    scale += sign === ascii.minus ? -exponent : exponent;
  }
  const power = exactPowers[Math.abs(scale)];
  if (bytes[at] !== ascii.less || digits === 0 || digits > exactDigits || power === undefined)
    return readSpelled(cursor);
  cursor.at = at;
  const value = scale < 0 ? mantissa / power : mantissa * power;
  return negative ? -value : value;
}

function digitAt(bytes: Buffer, at: number): number {
  const digit = (bytes[at] ?? 0) - 0x30;
  return digit <= 9 ? digit : -1;
}

function readSpelled(cursor: Cursor): number | undefined {
  const text = readText(cursor);
  return text === undefined ? undefined : spelledNumber(text);
}

/** A number as C or XML spell it, blanks around it allowed; NaN for everything else, the empty text included. */
export function spelledNumber(text: string): number {
  const spelling = text.trim();
  if (spelling === "") return NaN;
  const infinite = /^([+-]?)inf(?:inity)?$/i.exec(spelling);
  if (infinite !== null) return infinite[1] === "-" ? -Infinity : Infinity;
  return Number(spelling);
}
