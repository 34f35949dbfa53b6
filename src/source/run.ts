/** Owns one run of a tool that ends by itself: its whole output, bounded in time and size. */
import { asLimit, type Clock } from "../runtime/clock.ts";
import { spawnChild, type Argv, type ChildExit, type Spawn } from "./child.ts";
import { splitLines } from "./lines.ts";

export type ToolRun =
  | { readonly status: "ended"; readonly exit: ChildExit; readonly stdout: Buffer; readonly stderr: string }
  | { readonly status: "timeout" | "oversized" | "stopped"; readonly exit?: ChildExit };

export interface RunOptions {
  readonly clock: Clock;
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly maxBytes: number;
  readonly spawn?: Spawn | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Resolves when the process is gone; `stderr` is its first line. */
export async function runTool(argv: Argv, options: RunOptions): Promise<ToolRun> {
  if (options.signal?.aborted === true) return { status: "stopped" };
  const chunks: Buffer[] = [];
  let length = 0;
  let stderr = "";
  let cut: "timeout" | "oversized" | "stopped" | undefined;
  const firstLine = splitLines((line) => {
    if (stderr === "") stderr = line;
  });

  const child = (options.spawn ?? spawnChild)(argv, {
    clock: options.clock,
    environment: options.environment,
    graceMs: 500,
    onStdout(chunk) {
      length += chunk.length;
      if (length > options.maxBytes) stop("oversized");
      else chunks.push(chunk);
    },
    onStderr: (chunk) => firstLine.push(chunk),
  });
  function stop(why: "timeout" | "oversized" | "stopped"): void {
    cut ??= why;
    void child.stop();
  }
  const onAbort = (): void => stop("stopped");
  options.signal?.addEventListener("abort", onAbort, { once: true });
  const timer = options.clock.after(options.timeoutMs, () => stop("timeout"), asLimit(options.timeoutMs));

  const exit = await child.ended;
  timer[Symbol.dispose]();
  options.signal?.removeEventListener("abort", onAbort);
  firstLine.end();
  return cut === undefined
    ? { status: "ended", exit, stdout: Buffer.concat(chunks), stderr }
    : { status: cut, exit };
}
