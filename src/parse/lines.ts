/** Owns text output as lines. */
import { failed, type ParseResult } from "./result.ts";

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
