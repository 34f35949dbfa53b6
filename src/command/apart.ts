/**
 * Reads the command line and the configuration of `run` in a process that ends: their libraries take 20 MB that a
 * daemon would keep for life, and while they load there, the agent loads here.
 *
 *     run ── prepare, with its own arguments ──► this program again
 *         ◄─ settled values, or what to say instead ─┘
 */
import { causeOf } from "../runtime/cause.ts";
import { runTool, type ToolRun } from "../source/child.ts";
import { exitCode } from "./exit.ts";
import { unpackReply, type Reply, type Settled, type Unsettled } from "./reply.ts";
import type { StartWorld, World } from "./world.ts";

/** A file on a network that sleeps may take its time. */
const timeoutMs = 60_000;
const maxBytes = 16 * 1024 * 1024;

/**
 * Whose system it was when the agent started. Once root is given up, a process of the account would find another home and
 * another state folder, and with them other values for the same file.
 */
export interface StartedAs extends Pick<World, "uid" | "home" | "hostname"> {
  readonly stateFolder: string;
}

/** What the other process is given before its arguments, as JSON. */
export interface Given {
  readonly cwd: string;
  /** Absent at the start itself: both processes see the same system. */
  readonly startedAs?: StartedAs;
}

/** @param args what follows `run` on the command line */
export async function settleApart(
  args: readonly string[],
  world: StartWorld,
  startedAs?: StartedAs,
): Promise<Settled | Unsettled> {
  const given: Given = { cwd: world.cwd, ...(startedAs !== undefined && { startedAs }) };
  const run = await runTool([...world.self, "prepare", JSON.stringify(given), ...args], {
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

function replyOf(run: ToolRun, [program = ""]: StartWorld["self"]): Reply | string {
  if (run.status !== "ended") return `its reader ended early (${run.status})`;
  if (run.exit.kind === "not_started") return `cannot start ${program}: ${run.exit.message}`;
  try {
    return unpackReply(run.stdout.toString("utf8"));
  } catch (error) {
    return run.stderr === "" ? causeOf(error) : run.stderr;
  }
}

function failed(cause: string): Unsettled {
  return { code: exitCode.temporary, stdout: "", stderr: `cannot read the configuration: ${cause}\n` };
}

function whole(env: StartWorld["env"]): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
