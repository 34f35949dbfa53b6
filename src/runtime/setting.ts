/** Declares durations and sizes in the configuration: text in the file, a number inside. */
import * as z from "zod";
import { durationPattern, parseDuration } from "./duration.ts";
import { parseSize, sizePattern } from "./size.ts";

/** A Prometheus duration; the value inside is milliseconds. Give its default as text: `.prefault("30s")`. */
export function durationSetting() {
  return quantity("a duration such as 30s, 1m30s or 100ms", durationPattern, parseDuration);
}

/** A size in bytes; the value inside is a whole number of them. Give its default as text: `.prefault("256MB")`. */
export function sizeSetting() {
  return quantity("a size such as 256MB or 512KB", sizePattern, parseSize);
}

function quantity(rule: string, pattern: RegExp, parse: (text: string) => number | undefined) {
  const message = (got: unknown): string =>
    `must be ${rule}, got ${got === undefined ? "nothing" : JSON.stringify(got)}`;
  return z
    .string({ error: ({ input }) => message(input) })
    .regex(pattern, { error: ({ input }) => message(input), abort: true })
    .transform((text, context) => {
      const value = parse(text);
      if (value !== undefined) return value;
      context.issues.push({ code: "custom", input: text, message: message(text) });
      return z.NEVER;
    });
}
