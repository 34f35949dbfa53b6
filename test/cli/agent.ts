/** The agent as a process of its own in tests: started as a user starts it, waited for by what it prints, ended by its id. */
import assert from "node:assert/strict";
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "../support/folder.ts";
import { until } from "../support/until.ts";
import { bareEnvironment } from "../support/environment.ts";

export { temporaryFolder, until };

/** The program from source; the bundle has a test of its own. */
export const program: readonly string[] = [fileURLToPath(new URL("../../src/cli.ts", import.meta.url))];

type Environment = Readonly<Record<string, string>>;

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Beyond this a process hangs. */
const longestMs = 240_000;

function start(argv: readonly string[], environment: Environment): ChildProcessWithoutNullStreams {
  const child = spawn(process.execPath, argv, {
    env: { ...bareEnvironment, HOME: tmpdir(), ...environment },
    timeout: longestMs,
    killSignal: "SIGKILL",
  });
  child.stdin.end();
  return child;
}

/** Runs one command to its end. */
export async function run(argv: readonly string[], environment: Environment = {}): Promise<Ended> {
  const child = start([...program, ...argv], environment);
  return collect(child);
}

/** A command that goes on until it is told to stop. */
export interface Command {
  /** SIGTERM, and how it ended. */
  stop(): Promise<Ended>;
}

export function startCommand(
  t: TestContext,
  argv: readonly string[],
  environment: Environment = {},
): Command {
  const child = start([...program, ...argv], environment);
  t.after(() => child.kill("SIGKILL"));
  const ended = collect(child);
  return {
    stop() {
      child.kill("SIGTERM");
      return ended;
    },
  };
}

async function collect(child: ChildProcessWithoutNullStreams): Promise<Ended> {
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, stdout, stderr };
}

export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly source?: string;
  readonly address?: string;
}

export interface Agent {
  readonly pid: number;
  /** Of the pull endpoint, without a slash at the end. */
  readonly origin: string;
  readonly log: () => readonly LogLine[];
  /** The first line that fits, waited for. */
  logged(fits: (line: LogLine) => boolean): Promise<LogLine>;
  /** The body of /metrics as soon as it fits. */
  metrics(fits: (text: string) => boolean): Promise<string>;
  kill(signal: NodeJS.Signals): Promise<{ readonly code: number | null; readonly signal: string | null }>;
}

export interface AgentOptions {
  /** YAML. Without sources, intervals are short enough for a test. */
  readonly configuration?: string;
  /** The simulator's own flags. */
  readonly simulator?: string;
  readonly environment?: Environment;
  readonly simulate?: boolean;
  /** A bundle, which starts in half the time. */
  readonly program?: readonly string[];
}

export const shortIntervals = `
sources:
  powermetrics: { interval: 200ms }
  vm_stat: { interval: 3s }
  sysctl: { interval: 3s }
  pmset: { interval: 3s }
`;

/** Starts `run` and waits until it listens; it ends with the test. */
export async function startAgent(t: TestContext, options: AgentOptions = {}): Promise<Agent> {
  const { configuration = shortIntervals, simulator = "", environment = {}, simulate = true } = options;
  const argvOfProgram = options.program ?? program;
  const folder = temporaryFolder(t);
  const config = join(folder, "agent.yaml");
  writeFileSync(config, configuration);
  const argv = ["run", "--config", config, "--web.listen-address", "127.0.0.1:0", "--log.format", "json"];
  const child = start([...argvOfProgram, ...argv, ...(simulate ? ["--simulate"] : [])], {
    STATE_DIRECTORY: folder,
    MAC_POWERMETRICS_SIMULATE: simulator,
    ...environment,
  });
  const exited = once(child, "exit");
  t.after(async () => {
    if (child.exitCode === null && child.signalCode === null && child.kill("SIGKILL")) await exited;
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  child.stdout.resume();

  const log = (): readonly LogLine[] => stderr.split("\n").slice(0, -1).map(parseLine);
  async function logged(fits: (line: LogLine) => boolean): Promise<LogLine> {
    return until(
      () => {
        const line = log().find(fits);
        assert.ok(line ?? child.exitCode === null, `the agent ended: ${stderr}`);
        return line;
      },
      () => `no such line in the log:\n${stderr}`,
    );
  }
  const { address } = await logged(({ msg }) => msg === "listening");
  const origin = `http://${address ?? ""}`;
  return {
    pid: child.pid ?? 0,
    origin,
    log,
    logged,
    async metrics(fits) {
      let text = "";
      return until(
        async () => {
          text = (await fetchText(`${origin}/metrics`)) ?? "";
          return fits(text) ? text : undefined;
        },
        () => `no such answer, got:\n${text}\nlog:\n${stderr}`,
      );
    },
    async kill(signal) {
      child.kill(signal);
      await exited;
      return { code: child.exitCode, signal: child.signalCode };
    },
  };
}

function parseLine(line: string): LogLine {
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    return { level: "none", msg: line };
  }
}

/**
 * How long a stop waits, however busy the machine is: from SIGTERM to the end, without the time on a CPU or in the queue for one,
 * which Linux counts. The agent is to have `option` in NODE_OPTIONS.
 */
export function stopwatch(folder: string): { readonly option: string; waitedMs(): number } {
  const preload = join(folder, "stopwatch.mjs");
  const result = join(folder, "waited");
  writeFileSync(
    preload,
    `import { existsSync, readFileSync, writeFileSync } from "node:fs";
     const file = "/proc/self/schedstat";
     const busyMs = () => {
       const [run = 0, queued = 0] = existsSync(file) ? readFileSync(file, "latin1").split(" ").map(Number) : [];
       return (run + queued) / 1e6;
     };
     const waitedMs = () => performance.now() - busyMs();
     process.once("SIGTERM", () => {
       const before = waitedMs();
       process.once("exit", () => writeFileSync(${JSON.stringify(result)}, String(waitedMs() - before)));
     });\n`,
  );
  return { option: `--import=${preload}`, waitedMs: () => Number(readFileSync(result, "utf8")) };
}

/** SIGTERM ends it with 0, and it waits for less than the 2 s that a stop may take. */
export async function assertStopsInTime(agent: Agent, watch: { waitedMs(): number }): Promise<void> {
  assert.deepEqual(await agent.kill("SIGTERM"), { code: 0, signal: null });
  assert.ok(watch.waitedMs() < 2000, `waited ${Math.round(watch.waitedMs())} ms`);
}

/** The body of a GET that was answered with 200. */
export function fetchText(url: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    get(url, { agent: false }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      answer.on("end", () => resolve(answer.statusCode === 200 ? text : undefined));
      answer.on("error", () => resolve(undefined));
    }).on("error", () => resolve(undefined));
  });
}

/** The value of a series as /metrics writes it, `name` or `name{…}`; absent when it is not there. */
export function valueOf(text: string, series: string): number | undefined {
  const line = text.split("\n").find((it) => it.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1).split(" ")[0]);
}

/** The names of the families that have a sample. */
export function namesIn(text: string): ReadonlySet<string> {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Set(lines.map((line) => line.replace(/[{ ].*$/, "")));
}
