/**
 * Owns reading the command line and the configuration of `run` in a process that ends: their libraries take 20 MB that a
 * daemon would keep for life, and while they load there, the agent loads here.
 *
 *     run ── prepare, with its own arguments ──► this program again
 *         ◄─ settled values, or what to say instead ─┘
 */
import { causeOf } from "../runtime/cause.ts";
import { packSecrets, unpackSecrets } from "../runtime/secret.ts";
import { runTool, type ToolRun } from "../source/run.ts";
import { exitCode } from "./exit.ts";
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
interface Reply {
  readonly version: string;
  readonly answer: Settled | Unsettled;
}

/** A file on a network that sleeps may take its time. */
const timeoutMs = 60_000;
const maxBytes = 16 * 1024 * 1024;

/** @param args what follows `run` on the command line */
export async function settleApart(args: readonly string[], world: World): Promise<Settled | Unsettled> {
  const run = await runTool([...world.self, "prepare", world.cwd, ...args], {
    clock: world.clock,
    environment: whole(world.env),
    timeoutMs,
    maxBytes,
    signal: world.signal,
  });
  const reply = replyOf(run, world.self);
  if (typeof reply === "string") return failed(reply);
  if (reply.version === world.version) return reply.answer;
  return failed(`the agent here was replaced by ${reply.version}: restart it`);
}

/** What the other process prints. */
export function packReply(answer: Settled | Unsettled, { version }: World): string {
  const reply: Reply = { version, answer };
  return `\n${packSecrets(reply)}\n`;
}

function replyOf(run: ToolRun, [program = ""]: World["self"]): Reply | string {
  if (run.status !== "ended") return `its reader ended early (${run.status})`;
  if (run.exit.kind === "not_started") return `cannot start ${program}: ${run.exit.message}`;
  try {
    // Our own program wrote it, and says of which version it is.
    return unpackSecrets(lineOf(run.stdout.toString("utf8"))) as Reply;
  } catch (error) {
    return run.stderr === "" ? causeOf(error) : run.stderr;
  }
}

/** Flags of Node.js such as --trace-gc hold there too, and print around it. */
function lineOf(stdout: string): string {
  return stdout.split("\n").find((line) => line.startsWith('{"version":')) ?? "";
}

function failed(cause: string): Unsettled {
  return { code: exitCode.temporary, stdout: "", stderr: `cannot read the configuration: ${cause}\n` };
}

function whole(env: World["env"]): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
