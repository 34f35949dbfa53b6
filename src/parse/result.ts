/** How parsing ends: with a value, or with an error that is a value too; and the lines of text output. */

/** Fit for a label value of `mac_agent_source_parse_errors_total`. */
export type ParseErrorKind =
  /** The text breaks the rules of its format. */
  | "syntax"
  /** Well-formed, but not what the tool prints: another format, another mode, or an essential field missing. */
  | "content"
  /** Beyond a bound: too large, too deep, a string too long. */
  | "limit"
  /** Nothing at all. */
  | "empty";

export interface ParseError {
  readonly kind: ParseErrorKind;
  /** In the grammar of errors, with the place and what was wanted there. */
  readonly message: string;
  /** Byte offset in the document, where one is known. */
  readonly offset?: number;
}

export type ParseResult<Value> =
  { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly error: ParseError };

export function parsed<Value>(value: Value): ParseResult<Value> {
  return { ok: true, value };
}

export function failed(error: ParseError): ParseResult<never> {
  return { ok: false, error };
}

/** The lines that say anything, without the blanks around them; whatever the line ends are. */
export function linesOf(text: string | Uint8Array): readonly string[] {
  const whole = typeof text === "string" ? text : Buffer.from(text).toString("utf8");
  return whole
    .split(/[\r\n\0]+/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

/** The tool ended well and printed nothing. */
export function nothingPrinted(tool: string): ParseResult<never> {
  return failed({ kind: "empty", message: `cannot read ${tool}: it printed nothing` });
}

/** The tool printed something else. */
export function unexpectedOutput(tool: string, got: string, want: string): ParseResult<never> {
  return failed({
    kind: "content",
    message: `unexpected ${tool} output: got ${JSON.stringify(got.slice(0, 80))}, want ${want}`,
  });
}
