/** A real agent on the simulator for tests and screenshots: a process of the command line with its own folder and port. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { bareEnvironment } from "../support/environment.ts";
import { disposableFolder } from "../support/folder.ts";

const cli = fileURLToPath(new URL("../../src/cli.ts", import.meta.url));

export interface RunningAgent extends AsyncDisposable {
  /** `http://127.0.0.1:PORT/` */
  readonly url: string;
  /** Everything it logged so far. */
  log(): string;
}

/** As default intervals are, since a run must end within its interval: on a busy machine a simulated tool takes seconds to start. */
const base = `
sources:
  powermetrics: { interval: 1s }
  vm_stat: { interval: 10s }
web: { listen_addresses: ["127.0.0.1:0"] }
`;

export interface AgentOptions {
  /** Fills its journal. */
  readonly prepare?: (journalPath: string) => void | Promise<void>;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Resolves when it listens. @param sinks further sections of its configuration */
export async function startAgent(
  sinks = "",
  { prepare, environment }: AgentOptions = {},
): Promise<RunningAgent> {
  const { path: folder, [Symbol.dispose]: removeFolder } = disposableFolder();
  const journalPath = join(folder, "journal.db");
  const file = join(folder, "agent.yaml");
  await prepare?.(journalPath);
  await writeFile(file, `${base}journal: { path: ${journalPath}, commit_interval: 1s }\n${sinks}`);
  const argv = [cli, "run", "--simulate", "--config", file, "--log.format", "json"];
  const child = spawn(process.execPath, argv, {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...bareEnvironment, HOME: folder, ...environment },
  });
  const lines: string[] = [];
  const reader = createInterface({ input: child.stderr });
  reader.on("line", (line) => lines.push(line));
  const exited = once(child, "exit");
  const port = await new Promise<number>((resolve, reject) => {
    reader.on("line", (line) => {
      const address = /"address":"127\.0\.0\.1:(\d+)"/.exec(line)?.[1];
      if (address !== undefined) resolve(Number(address));
    });
    reader.on("close", () => reject(new Error(`the agent ended:\n${lines.join("\n")}`)));
  });
  return {
    url: `http://127.0.0.1:${port}/`,
    log: () => lines.join("\n"),
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await exited;
      removeFolder();
    },
  };
}
