/** The real system of the daemon's commands: tools started by src/source, files under the prefix. */
import { layoutUnder } from "../daemon/layout.ts";
import type { System, ToolRunner } from "../daemon/system.ts";
import { childEnvironment, type ChildExit, runTool } from "../source/child.ts";
import type { CommandContext } from "./context.ts";

/** dscl and launchctl answer at once, or wait for a job's end. */
const toolTimeoutMs = 60_000;
const maxBytes = 1024 * 1024;

/** @param prefix absolute, or empty for the system itself */
export function openSystem(prefix: string, context: CommandContext): System {
  return {
    layout: layoutUnder(prefix),
    clock: context.clock,
    tool: toolRunner(context),
    isRoot: context.uid === 0,
  };
}

export function toolRunner({ clock, env }: CommandContext): ToolRunner {
  const options = { clock, environment: childEnvironment(env), timeoutMs: toolTimeoutMs, maxBytes };
  return async (argv) => {
    const run = await runTool(argv, options);
    if (run.status !== "ended") return { code: -1, stdout: "", stderr: run.status };
    const stdout = run.stdout.toString("utf8");
    return { code: codeOf(run.exit), stdout, stderr: run.stderr === "" ? reasonOf(run.exit) : run.stderr };
  };
}

function codeOf(exit: ChildExit): number {
  return exit.kind === "exited" ? exit.code : -1;
}

function reasonOf(exit: ChildExit): string {
  switch (exit.kind) {
    case "not_started":
      return exit.message;
    case "exited":
      return exit.code === 0 ? "" : `exit status ${exit.code}`;
    case "signalled":
      return `signal ${exit.signal}`;
    case "abandoned":
      return "cannot be ended";
  }
}
