/** Looks for values in a text in ways of its own: whatever the case, separators, accents and encoding. */

/** Letters and digits only, without accents. */
function bare(text: string): string {
  return text
    .normalize("NFKD")
    .toLowerCase()
    .replaceAll("ß", "ss")
    .replace(/[^\p{L}\p{N}]/gu, "");
}

/** The values that stand somewhere in the text. */
export function leaks(text: string, values: readonly string[]): string[] {
  const readings = [text, ...decodings(text)].map(bare);
  return values.filter((value) => readings.some((reading) => reading.includes(bare(value))));
}

function decodings(text: string): string[] {
  const bytes = (run: string, unit: RegExp, radix: number): string =>
    Buffer.from([...run.matchAll(unit)].map(([, code = ""]) => Number.parseInt(code, radix))).toString(
      "utf8",
    );
  const decimals = text.replace(/(?:\\[0-2]\d{2})+/g, (run) => bytes(run, /\\(...)/g, 10));
  const unescaped = text
    .replace(/(?:%[0-9a-f]{2})+/gi, (run) => bytes(run, /%(..)/g, 16))
    .replace(/(?:\\x[0-9a-f]{2})+/gi, (run) => bytes(run, /\\x(..)/gi, 16))
    .replace(/(?:\\[0-3][0-7]{2})+/g, (run) => bytes(run, /\\(...)/g, 8))
    .replace(/\\u([0-9a-f]{4})/gi, (_all, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
    .replace(/&#x([0-9a-f]+);/gi, (_all, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
    .replace(/&#(\d+);/g, (_all, code: string) => String.fromCharCode(Number(code)))
    .replace(/&(?:apos|quot|amp|lt|gt);/g, " ");
  const base64 = [...text.matchAll(/[A-Za-z0-9+/]{8,}={0,2}/g)].flatMap(([token]) =>
    [0, 1, 2, 3].map((from) => Buffer.from(token.slice(from), "base64").toString("utf8")),
  );
  const hex = [...text.replace(/,? ?0x/g, "").matchAll(/[0-9a-f]{8,}/gi)].map(([token]) =>
    Buffer.from(token, "hex").toString("utf8"),
  );
  return [unescaped, decimals, ...base64, ...hex];
}

/** One value as tools write it. */
export function spellings(value: string): Record<string, string> {
  const bytes = [...Buffer.from(value)];
  const hex = (byte: number): string => byte.toString(16).padStart(2, "0");
  const each = (spell: (code: number) => string): string =>
    Array.from(value, (character) => spell(character.charCodeAt(0))).join("");
  return {
    itself: value,
    "upper case": value.toUpperCase(),
    "lower case": value.toLowerCase(),
    "decomposed characters": value.normalize("NFD"),
    "a Bonjour name": value.replace(/[’']/g, "").replace(/[^\p{L}\p{N}]+/gu, "-"),
    underscores: value.replace(/[^\p{L}\p{N}]+/gu, "_"),
    "a URL's component": encodeURIComponent(value),
    "percent signs": bytes.map((byte) => `%${hex(byte)}`).join(""),
    "JSON escapes": each((code) => `\\u${code.toString(16).padStart(4, "0")}`),
    "Bonjour's decimal escapes": bytes.map((byte) => `\\${String(byte).padStart(3, "0")}`).join(""),
    "a Bonjour instance": bytes
      .map((byte) =>
        /[a-z0-9]/i.test(String.fromCharCode(byte))
          ? String.fromCharCode(byte)
          : `\\${String(byte).padStart(3, "0")}`,
      )
      .join(""),
    "an array of bytes": bytes.map((byte) => `0x${hex(byte)}`).join(", "),
    "bytes in a row": bytes.map((byte) => `0x${hex(byte)}`).join(" "),
    "one hexadecimal number": `0x${Buffer.from(value).toString("hex")}`,
    "octal escapes": bytes.map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join(""),
    "hexadecimal escapes": bytes.map((byte) => `\\x${hex(byte)}`).join(""),
    "XML references": each((code) => `&#${code};`),
    "hexadecimal XML references": each((code) => `&#x${code.toString(16)};`),
    base64: Buffer.from(value).toString("base64"),
    "base64 of more": Buffer.from(`key=${value};`).toString("base64"),
    hexadecimal: Buffer.from(value).toString("hex"),
    "a hex dump": `<${Buffer.from(`${value}\0\0`).toString("hex").toUpperCase()}>`,
    "UTF-8 read as Latin-1": Buffer.from(value).toString("latin1"),
  };
}
