/** A real terminal for tests: a tmux server of its own, whose screen can be read, resized and typed into. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { disposableFolder } from "../../support/folder.ts";
import { until } from "../../support/until.ts";

const run = promisify(execFile);
const tmux = "/usr/bin/tmux";

export const tmuxMissing: string | false = existsSync(tmux) ? false : `${tmux} is not there: install tmux`;

export interface TestTerminal extends AsyncDisposable {
  /** The lines of the screen; with `escapes` colours too. */
  screen(escapes?: boolean): Promise<readonly string[]>;
  /** Waits for a screen that fits. */
  until(fits: (lines: readonly string[]) => boolean): Promise<readonly string[]>;
  resize(columns: number, rows: number): Promise<void>;
  type(keys: string): Promise<void>;
  /** Of what runs in it. */
  pid(): Promise<number>;
}

export async function openTestTerminal(
  columns: number,
  rows: number,
  command: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<TestTerminal> {
  const { path: folder, [Symbol.dispose]: removeFolder } = disposableFolder();
  const env = { ...process.env, LANG: "C.UTF-8", ...environment };
  const call = async (...argv: readonly string[]): Promise<string> => {
    const { stdout } = await run(tmux, ["-u", "-f", "/dev/null", "-S", join(folder, "socket"), ...argv], {
      env,
    });
    return stdout;
  };
  const size = ["-x", String(columns), "-y", String(rows)];
  // The shell stays after the command, so that what it left behind can be seen.
  const quoted = command.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
  await call(
    "new-session",
    "-d",
    ...size,
    `echo BEFORE; ${quoted}; echo AFTER $?; stty -a | tr ';' '\\n' | grep -w echo; exec cat`,
  );
  const screen = async (escapes = false): Promise<readonly string[]> =>
    (await call("capture-pane", "-p", ...(escapes ? ["-e"] : []))).split("\n").slice(0, -1);
  return {
    screen,
    async until(fits) {
      let lines: readonly string[] = [];
      return until(
        async () => {
          lines = await screen();
          return fits(lines) && lines;
        },
        () => `no such screen:\n${lines.join("\n")}`,
      );
    },
    async resize(newColumns, newRows) {
      await call("resize-window", "-x", String(newColumns), "-y", String(newRows));
    },
    async type(keys) {
      await call("send-keys", "-l", keys);
    },
    async pid() {
      const shell = (await call("display-message", "-p", "#{pane_pid}")).trim();
      const { stdout } = await run("ps", ["-o", "pid=", "--ppid", shell]);
      return Number(stdout.trim().split(/\s+/)[0]);
    },
    async [Symbol.asyncDispose]() {
      await call("kill-server");
      removeFolder();
    },
  };
}
