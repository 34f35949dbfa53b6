/**
 * Keeps the web configuration current: read at the start, and again when its file or one of the certificates
 * changes. What replaces a good one must be good; until then the old one stays.
 */
import type { SecureContextOptions } from "node:tls";
import { causeOf } from "../runtime/cause.ts";
import type { Clock } from "../runtime/clock.ts";
import { readBounded } from "../runtime/files.ts";
import type { Logger } from "../runtime/log.ts";
import { fileStamp } from "../runtime/stamp.ts";
import { secureOptions, tlsFiles } from "./tls.ts";
import type { ParseWebConfig, TlsServerConfig, WebConfig } from "./web-config.ts";

export interface WebState {
  readonly tls?: { readonly config: TlsServerConfig; readonly options: SecureContextOptions };
  readonly users: ReadonlyMap<string, string>;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly rateLimit: { readonly burst: number; readonly intervalMs: number };
}

export interface Web {
  /** The configuration in force, or why there has been none yet; looks at the files at most once a second. */
  current(): WebState | string;
  /** Calls back with each later configuration. */
  onChange(callback: (state: WebState) => void): void;
}

interface WebWorld {
  readonly parse: ParseWebConfig;
  readonly clock: Pick<Clock, "monotonic">;
  readonly log: Logger;
}

const lookEveryMs = 1000;
const maxFileBytes = 1024 * 1024;

/** @param file absolute path */
export function createWeb(file: string, { parse, clock, log }: WebWorld): Web {
  const listeners: ((state: WebState) => void)[] = [];
  let state: WebState | string = "web.config_file was not read yet";
  let files: readonly string[] = [file];
  let stamp: string | undefined;
  let lookedAt = -Infinity;

  function look(): void {
    const stampNow = files.map(fileStamp).join(" ");
    if (stampNow === stamp) return;
    const { result, files: named, warnings } = read(file, parse);
    const first = stamp === undefined;
    files = named;
    stamp = files.map(fileStamp).join(" ");
    for (const warning of warnings) log.warn(`${file}: ${warning}`);
    if (typeof result !== "string") {
      state = result;
      if (!first) log.info("web configuration read again", { file });
      for (const listener of listeners) listener(result);
      return;
    }
    if (typeof state === "string") state = result;
    if (!first) log.error(`${result}; the one before stays in force`);
  }

  return {
    current() {
      const now = clock.monotonic();
      if (now - lookedAt >= lookEveryMs) {
        lookedAt = now;
        look();
      }
      return state;
    },
    onChange: (callback) => void listeners.push(callback),
  };
}

interface Reading {
  readonly result: WebState | string;
  /** Also those of a configuration that could not be used, as its certificates may come later. */
  readonly files: readonly string[];
  readonly warnings: readonly string[];
}

function read(file: string, parse: ParseWebConfig): Reading {
  let files: readonly string[] = [file];
  try {
    const parsed = parse(file, readBounded(file, maxFileBytes));
    if (!parsed.ok) throw new Error(parsed.problems.join("; "));
    files = [file, ...tlsFiles(parsed.config.tls_server_config)];
    return { result: stateOf(parsed.config), files, warnings: parsed.warnings };
  } catch (error) {
    return { result: `cannot use web.config_file: ${causeOf(error)}`, files, warnings: [] };
  }
}

/** @throws Error for certificates that are of no use */
function stateOf(config: WebConfig): WebState {
  const tls = config.tls_server_config;
  const headers = Object.entries(config.http_server_config.headers);
  return {
    ...(tls !== undefined && { tls: { config: tls, options: secureOptions(tls) } }),
    users: new Map(Object.entries(config.basic_auth_users)),
    headers: headers.flatMap(([name, value]) =>
      value === undefined || value === "" ? [] : [[name, value] as const],
    ),
    rateLimit: { burst: config.rate_limit?.burst ?? 0, intervalMs: config.rate_limit?.interval ?? 0 },
  };
}
