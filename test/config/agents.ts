/** Simulated agents for tests: real processes with everything switched on, and the addresses they listen on. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { bareEnvironment } from "../support/environment.ts";
import { disposableFolder } from "../support/folder.ts";

export interface RunningAgent extends AsyncDisposable {
  /** host:port of its pull endpoint. */
  readonly address: string;
}

const root = fileURLToPath(new URL("../../", import.meta.url));

/** @param simulator the simulator's own flags, see `simulate powermetrics --help` */
export async function startAgent(simulator: string, sinks: object = {}): Promise<RunningAgent> {
  const { path: folder, [Symbol.dispose]: removeFolder } = disposableFolder();
  const configuration = join(folder, "agent.yaml");
  await writeFile(configuration, JSON.stringify({ ...everything(folder), ...sinks }));
  const child = spawn(
    process.execPath,
    ["src/cli.ts", "run", "--simulate", "--config", configuration, "--web.listen-address", "127.0.0.1:0"],
    {
      cwd: root,
      env: { ...bareEnvironment, MAC_POWERMETRICS_SIMULATE: simulator },
      stdio: ["ignore", "ignore", "pipe"],
    },
  );
  return {
    address: await listening(createInterface(child.stderr)),
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.kill("SIGTERM")) await once(child, "exit");
      removeFolder();
    },
  };
}

function everything(folder: string): object {
  const interval = "1s";
  // Each poll costs processes, which three agents at once would not get through in a second, and on a busy machine not in four.
  const polled = "15s";
  return {
    sources: {
      powermetrics: {
        interval,
        tasks: { enabled: true, top: 3 },
        frequency_residency: true,
        interrupts: true,
      },
      vm_stat: { interval: polled },
      sysctl: { interval: polled },
      pmset: { interval: polled },
      ioreg: { interval: polled },
    },
    journal: { path: join(folder, "journal.db") },
    log: { format: "json" },
  };
}

/** The address that the log tells; the rest of the log is read and let go, so that the agent never waits for us. */
async function listening(lines: AsyncIterable<string> & NodeJS.EventEmitter): Promise<string> {
  return new Promise((resolve, reject) => {
    const said: string[] = [];
    lines.on("line", (line: string) => {
      const address = /"address":"([^"]+)"/.exec(line)?.[1];
      if (address !== undefined) resolve(address);
      else if (said.length < 20) said.push(line);
    });
    lines.once("close", () => reject(new Error(`cannot start the agent: ${said.join("\n")}`)));
  });
}
