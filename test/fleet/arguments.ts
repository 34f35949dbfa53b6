/** The command line of `npm run fleet`: its flags with their defaults, what each accepts, and the help text. */
import { parseArgs } from "node:util";
import { parseDuration } from "../../src/runtime/quantity.ts";
import { createKnownSecrets } from "../../src/runtime/redact.ts";
import { remoteWriteSchema } from "../../src/sink/remote-write/schema.ts";
import { isProgram, programNames } from "./programs.ts";

export interface FleetPlan {
  readonly hosts: number;
  readonly intervalMs: number;
  /** The URL of a remote write receiver, or the name of a program of this machine. */
  readonly receiver: string;
  readonly protocol: "v1" | "v2";
  readonly durationMs: number;
  /** Part of the Macs that go to sleep each minute. */
  readonly churn: number;
  /** Absent when nobody comes back at once. */
  readonly herd?: HerdPlan;
  readonly seed: number;
}

export interface HerdPlan {
  readonly offlineMs: number;
  readonly durationMs: number;
  /** Absent when half of what the receiver carries decides. */
  readonly drainRate?: number;
}

export type Wish =
  | { readonly status: "run"; readonly plan: FleetPlan }
  | { readonly status: "help"; readonly text: string }
  /** One line for each thing that is wrong. */
  | { readonly status: "wrong"; readonly mistakes: readonly string[] };

const flags = {
  hosts: { type: "string", default: "1000", value: "N", help: "Macs, each with connections of its own" },
  interval: {
    type: "string",
    default: "15s",
    value: "DURATION",
    help: "time between two snapshots of a Mac",
  },
  receiver: {
    type: "string",
    default: "victoria-metrics",
    value: "WHERE",
    help: `URL of a remote write receiver, or ${programNames.join(" or ")}: started fresh for each phase`,
  },
  protocol: {
    type: "string",
    value: "v1|v2",
    help: "version of remote write (default: v2 for prometheus, else v1)",
  },
  duration: { type: "string", default: "2m", value: "DURATION", help: "length of the ordinary day" },
  churn: { type: "string", default: "0.1", value: "PART", help: "part of the Macs that sleep, each minute" },
  herd: { type: "boolean", default: true, help: "--no-herd leaves out 09:00, when all come back at once" },
  offline: { type: "string", default: "8h", value: "DURATION", help: "how long the herd was away" },
  "herd-duration": {
    type: "string",
    default: "10m",
    value: "DURATION",
    help: "most time for each herd; it ends when all have caught up",
  },
  "drain-rate": {
    type: "string",
    value: "N",
    help: "samples a second and Mac (default: half of what the receiver carries)",
  },
  seed: { type: "string", default: "1", value: "N", help: "chooses who sleeps and how long each waits" },
  help: { type: "boolean", short: "h", default: false, help: "prints this" },
} as const;

type Flag = keyof typeof flags;
/** A flag's text as given, undefined without one and without a default. */
type Texts = Readonly<Partial<Record<Flag, string>>>;

export function readArguments(args: readonly string[]): Wish {
  // Not strict: its complaints are longer than a line, and it takes "-5" for a flag.
  const { values, tokens } = parseArgs({
    args: [...args],
    options: flags,
    strict: false,
    allowNegative: true,
    tokens: true,
  });
  if (values.help === true) return { status: "help", text: help() };
  const strange = tokens.flatMap((token) => {
    if (token.kind === "positional") return [unknown(token.value)];
    if (token.kind !== "option") return [];
    return isFlag(token.name) ? misused(token.name, values[token.name]) : [unknown(token.rawName)];
  });
  return strange.length > 0
    ? { status: "wrong", mistakes: strange }
    : planOf(values as Texts, values.herd === true);
}

function isFlag(name: string): name is Flag {
  return Object.hasOwn(flags, name);
}

function unknown(got: string): string {
  const names = Object.keys(flags).map((name) => `--${name}`);
  return `flag must be one of ${names.join(", ")}, got ${got}`;
}

function misused(name: Flag, value: string | boolean | undefined): readonly string[] {
  if (flags[name].type === "boolean")
    return typeof value === "boolean" ? [] : [`--${name} must be without a value, got ${value ?? ""}`];
  return typeof value === "string" ? [] : [`--${name} must have a value, got none`];
}

function planOf(texts: Texts, wantsHerd: boolean): Wish {
  const mistakes: string[] = [];

  function refuse(name: Flag, rule: string): number {
    mistakes.push(`--${name} must ${rule}, got ${told(texts[name])}`);
    return NaN;
  }

  function whole(name: Flag, least: number, most: number): number {
    const text = texts[name] ?? "";
    const value = /^[0-9]+$/.test(text) ? Number(text) : NaN;
    return value >= least && value <= most
      ? value
      : refuse(name, `be a whole number from ${least} to ${most}`);
  }

  function duration(name: Flag, leastMs: number, least: string): number {
    const ms = parseDuration(texts[name] ?? "");
    return ms !== undefined && ms >= leastMs
      ? ms
      : refuse(name, `be a duration of at least ${least}, as 15s or 2m`);
  }

  function share(name: Flag): number {
    const text = texts[name] ?? "";
    const value = /^[0-9]*\.?[0-9]+$/.test(text) ? Number(text) : NaN;
    return value <= 1 ? value : refuse(name, "be a number from 0 to 1");
  }

  function receiver(): string {
    const wanted = texts.receiver ?? "";
    if (isProgram(wanted) || remoteWriteSchema.safeParse({ url: wanted }).success) return wanted;
    const shown = told(createKnownSecrets().redact(wanted));
    mistakes.push(`--receiver must be an http URL or one of ${programNames.join(", ")}, got ${shown}`);
    return wanted;
  }

  /** VictoriaMetrics speaks version 1 only. */
  function protocol(): "v1" | "v2" {
    const wanted = texts.protocol ?? (texts.receiver === "prometheus" ? "v2" : "v1");
    if (wanted !== "v1" && wanted !== "v2") refuse("protocol", "be v1 or v2");
    return wanted === "v2" ? "v2" : "v1";
  }

  const intervalMs = duration("interval", 100, "100ms");
  const herd: HerdPlan = {
    offlineMs: duration("offline", Number.isNaN(intervalMs) ? 0 : intervalMs, "one interval"),
    durationMs: duration("herd-duration", 1000, "1s"),
    ...(texts["drain-rate"] !== undefined && { drainRate: whole("drain-rate", 1, 1e9) }),
  };
  const plan: FleetPlan = {
    hosts: whole("hosts", 1, 100_000),
    intervalMs,
    receiver: receiver(),
    protocol: protocol(),
    durationMs: duration("duration", 1000, "1s"),
    churn: share("churn"),
    ...(wantsHerd && { herd }),
    seed: whole("seed", 0, 2 ** 32 - 1),
  };
  return mistakes.length > 0 ? { status: "wrong", mistakes } : { status: "run", plan };
}

function told(text: string | undefined): string {
  return text === undefined || text === "" ? "nothing" : text;
}

function help(): string {
  const lines = Object.entries(flags).map(([name, flag]) => {
    const left = `  --${name}${"value" in flag ? ` ${flag.value}` : ""}`;
    const standard = "default" in flag && flag.default !== false ? ` (default: ${flag.default})` : "";
    return `${left.padEnd(28)}${flag.help}${standard}`;
  });
  return [
    "usage: npm run fleet -- [flags]",
    "",
    "Imitates the traffic of many Macs from one process and tells what the receiver carries.",
    "",
    ...lines,
    "",
    "Example, a small fleet against a receiver that runs already:",
    "  npm run fleet -- --hosts 50 --offline 10m --duration 30s --receiver http://127.0.0.1:8428/api/v1/write",
    "",
    "Exit code: 0, 1 when the receiver does not hold what was delivered to it, 2 for a mistake in the flags.",
  ].join("\n");
}
