/** The texts and numbers of expositions, as the specifications and Go spell them. */

export class Unreadable extends Error {
  readonly reason: "syntax" | "utf8";
  constructor(reason: "syntax" | "utf8") {
    super(reason);
    this.reason = reason;
  }
}

export function unescaped(text: string, quotes: boolean): string {
  let plain = "";
  for (let at = 0; at < text.length; at++) {
    const pair = text.slice(at, at + 2);
    const character =
      pair === "\\\\" ? "\\" : pair === "\\n" ? "\n" : pair === '\\"' && quotes ? '"' : undefined;
    plain += character ?? text[at] ?? "";
    if (character !== undefined) at++;
  }
  return plain;
}

const words = new Map([
  ...["inf", "+inf", "infinity", "+infinity"].map((word) => [word, Infinity] as const),
  ...["-inf", "-infinity"].map((word) => [word, -Infinity] as const),
  ["nan", NaN] as const,
]);

function numberIn(token: string): number | undefined {
  const word = words.get(token.toLowerCase());
  if (word !== undefined) return word;
  const isDecimal = /^[-+]?[0-9.]+(e[-+]?[0-9]+)?$/i.test(token) && /^[-+]?\.?[0-9]/.test(token);
  const value = Number(token);
  return isDecimal && Number.isFinite(value) ? value : undefined;
}

export function numberOf(token: string): number {
  const value = numberIn(token);
  if (value === undefined) throw new Unreadable("syntax");
  return value;
}

/** As Go's %g of the shortest digits, with `.0` where there is neither a point nor an exponent. */
export function spelledBound(text: string): string {
  const value = numberIn(text);
  if (value === undefined) return text;
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  if (value === 0) return "0.0";
  const size = Math.abs(value);
  const sign = value < 0 ? "-" : "";
  const exponential = size.toExponential().replace(/e([-+])(\d)$/, "e$10$2");
  if (size < 1e-4 || size >= 1e6) return sign + exponential;
  return sign + (Number.isInteger(size) ? size.toFixed(1) : String(size));
}
