/** What every stage declares its settings with: durations and sizes, text in the file and a number inside; and their type once read. */
import * as z from "zod";
import { durationPattern, parseDuration, parseSize, sizePattern } from "./quantity.ts";

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

/** `T` with everything in it readonly; maps, dates and functions as they are. */
export type Frozen<T> = T extends readonly (infer Item)[]
  ? readonly Frozen<Item>[]
  : T extends Map<unknown, unknown> | Date | ((...values: never[]) => unknown)
    ? T
    : T extends object
      ? { readonly [Key in keyof T]: Frozen<T[Key]> }
      : T;
