/** What commands are given of the outside world: cli.ts makes the real one, tests make theirs. */
import type { Clock } from "../runtime/clock.ts";
import type { Random } from "../runtime/random.ts";
import type { ConfigWorld } from "./load.ts";

/** What starting this program again takes. */
export interface StartWorld extends Pick<ConfigWorld, "cwd" | "env"> {
  readonly clock: Clock;
  /** Aborts at SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
  /** The agent's version, for User-Agent and build info. */
  readonly version: string;
  /** The command that runs this agent again, for the simulator too: runtime, its options, script. */
  readonly self: readonly string[];
}

export interface World extends ConfigWorld, StartWorld {
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
