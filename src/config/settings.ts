/** The rules that several keys of the configuration share. */
import * as z from "zod";
import { parseAddress } from "../runtime/address.ts";
import { durationSetting } from "../runtime/setting.ts";

export function enabled(source: string) {
  return z.boolean().default(true).describe(`Read ${source}`);
}

/** Below 100 ms the tools cost more than their samples are worth; beyond a day a sample means nothing. */
export function interval(text: string) {
  return durationSetting()
    .refine((ms) => ms >= 100 && ms <= 86_400_000, "must be between 100ms and 24h")
    .prefault(text);
}

/** An argument list, run without a shell; a daemon that starts as root never looks a program up in PATH. */
export function command(path: string) {
  return z
    .array(z.string())
    .refine(
      ([program]) => program?.startsWith("/") === true,
      "must begin with the absolute path of a program",
    )
    .default([path])
    .describe("Program and first arguments");
}

/** Prometheus' label names, without those that it keeps for itself or that the agent sets. */
export function labelName() {
  return z
    .string()
    .regex(
      /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/,
      "must be a label name: letters, digits and _, and not __ in front",
    );
}

/** `host:port`, `[v6]:port`, or `:port` for every interface; port 0 takes a free one. */
export function listenAddress() {
  return z.string().refine((text) => parseAddress(text) !== undefined, {
    error: ({ input }) => `must be host:port, got ${JSON.stringify(input)}`,
  });
}

/** The rule "at least `text`" for durations and sizes, as arguments of `refine`. */
export function atLeast(least: number, text: string): [(value: number) => boolean, string] {
  return [(value) => value >= least, `must be at least ${text}`];
}
