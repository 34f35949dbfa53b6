/** What the process that reads the configuration sends to the one that runs the agent: one line of JSON, secrets included. */
import { packSecrets, unpackSecrets } from "../runtime/secret.ts";
import type { Prepared } from "./load.ts";
import type { World } from "./world.ts";

export interface Settled extends Omit<Prepared, "printable"> {
  /** The effective configuration as YAML, secrets hidden. */
  readonly text: string;
  /** Of `--pid-file`, absolute. */
  readonly pidFile?: string;
}

/** Help, a wrong call, or everything that is wrong with the configuration: what to print and how to end. */
export interface Unsettled {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** From the other process; only between two of the same version. */
export interface Reply {
  readonly version: string;
  readonly answer: Settled | Unsettled;
}

/** What `prepare` prints. */
export function packReply(answer: Settled | Unsettled, { version }: World): string {
  const reply: Reply = { version, answer };
  return `\n${packSecrets(reply)}\n`;
}

/** @throws SyntaxError for what holds no reply */
export function unpackReply(stdout: string): Reply {
  // Our own program wrote it, and says of which version it is.
  return unpackSecrets(lineOf(stdout)) as Reply;
}

/** Flags of Node.js such as --trace-gc hold there too, and print around it. */
function lineOf(stdout: string): string {
  return stdout.split("\n").find((line) => line.startsWith('{"version":')) ?? "";
}
