/** What commands are given of the outside world, which cli.ts makes and tests fake, and the codes they exit with. */
import type { Clock } from "../runtime/clock.ts";
import type { Random } from "../runtime/random.ts";
import type { ConfigContext } from "./load.ts";

/** What starting this program again takes. */
export interface StartContext extends Pick<ConfigContext, "cwd" | "env"> {
  readonly clock: Clock;
  /** Aborts at SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
  /** The agent's version, for User-Agent and build info. */
  readonly version: string;
  /** The command that runs this agent again, for the simulator too: runtime, its options, script. */
  readonly self: readonly string[];
}

export interface CommandContext extends ConfigContext, StartContext {
  readonly random: Random;
  /** Calls back at each SIGHUP. */
  onHangup(callback: () => void): void;
  readonly nodeVersion: string;
  /** As `process.arch`. */
  readonly arch: string;
  readonly standardErrorIsTerminal: boolean;
  fileExists(path: string): boolean;
  /** Writes bytes to standard output and waits until they are taken; false when the reader is gone. */
  write(bytes: string): Promise<boolean>;
}

/** Those above 2 are of sysexits.h. */
export const exitCode = {
  ok: 0,
  failure: 1,
  usage: 2,
  noPowermetrics: 69,
  temporary: 75,
  notRoot: 77,
  badConfiguration: 78,
} as const;

export type ExitCode = (typeof exitCode)[keyof typeof exitCode];
