/**
 * Owns reading the configuration in a process that ends: YAML and the rules take 17 MB that a daemon would keep for life,
 * and while they load there, the agent loads here.
 *
 *     run ── prepare {choice, cwd} ──► this program again
 *         ◄─ settled values, or what is wrong with them ─┘
 */
import { causeOf } from "../runtime/cause.ts";
import { packSecrets, unpackSecrets } from "../runtime/secret.ts";
import { runTool, type ToolRun } from "../source/run.ts";
import { exitCode, type ExitCode } from "./exit.ts";
import type { Prepared, RunChoice } from "./load.ts";
import type { World } from "./world.ts";

export interface Settled extends Omit<Prepared, "printable"> {
  /** The effective configuration as YAML, secrets hidden. */
  readonly text: string;
}

/** Everything that is wrong, one line each. */
export interface Unsettled {
  readonly code: ExitCode;
  readonly problems: readonly string[];
}

export interface Question {
  readonly choice: RunChoice;
  readonly cwd: string;
}

/** From the other process; only between two of the same version. */
export interface Reply {
  readonly version: string;
  readonly answer: Settled | Unsettled;
}

/** A file on a network that sleeps may take its time. */
const timeoutMs = 60_000;
const maxBytes = 16 * 1024 * 1024;

export async function settleApart(choice: RunChoice, world: World): Promise<Settled | Unsettled> {
  const question: Question = { choice, cwd: world.cwd };
  const run = await runTool([...world.self, "prepare", JSON.stringify(question)], {
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

/** What the other process says. */
export function packReply(reply: Reply): string {
  return packSecrets(reply);
}

function replyOf(run: ToolRun, [program = ""]: World["self"]): Reply | string {
  if (run.status !== "ended") return `its reader ended early (${run.status})`;
  if (run.exit.kind === "not_started") return `cannot start ${program}: ${run.exit.message}`;
  try {
    // Our own program wrote it, and says of which version it is.
    return unpackSecrets(run.stdout.toString("utf8")) as Reply;
  } catch (error) {
    return run.stderr === "" ? causeOf(error) : run.stderr;
  }
}

function failed(cause: string): Unsettled {
  return { code: exitCode.temporary, problems: [`cannot read the configuration: ${cause}`] };
}

function whole(env: World["env"]): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
