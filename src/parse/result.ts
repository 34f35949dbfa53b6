/** Owns how parsing ends: with a value, or with an error that is a value too. */

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
