/** Our agent as a measured process: on the simulator, from the bundle or from source, with a configuration of its own. */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { get } from "node:http";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { nodeFlags } from "../../src/daemon/launchd-files.ts";
import type { Argv } from "../../src/source/child.ts";
import { runsOf } from "../../src/source/poll.ts";
import { buildBundle } from "../../scripts/build.ts";
import { startProcess, type Started } from "./process.ts";
import { freePort } from "../support/free-port.ts";
import { disposableFolder } from "../support/folder.ts";

/** The command that is measured: the runtime with the flags of an installed agent, and a script. */
export type Program = readonly [node: string, ...args: string[]];

export const fromSource: Program = [
  process.execPath,
  ...nodeFlags,
  fileURLToPath(new URL("../../src/cli.ts", import.meta.url)),
];

export interface Bundle extends Disposable {
  readonly program: Program;
  readonly withoutFlags: Program;
}

/** A bundle of the sources as they are, in a folder of its own, with what says that it is made of modules, as every release has. */
export async function bundled(): Promise<Bundle> {
  const { path: folder, [Symbol.dispose]: dispose } = disposableFolder();
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }\n');
  await buildBundle(join(folder, "dist"));
  const script = join(folder, "dist", "cli.js");
  return {
    program: [process.execPath, ...nodeFlags, script],
    withoutFlags: [process.execPath, script],
    [Symbol.dispose]: dispose,
  };
}

export interface AgentWish {
  readonly program: Program;
  readonly intervalSeconds: number;
  readonly chip: string;
  /** Remote write goes there. */
  readonly pushTo?: string;
  readonly pushEverySeconds?: number;
  /** Only series whose names match go there; all where absent. */
  readonly keep?: string;
  readonly withoutIoreg?: boolean;
  readonly protocol?: "auto" | "prometheus.WriteRequest" | "io.prometheus.write.v2.Request";
}

export interface Agent extends Started {
  readonly origin: string;
}

/** With recorded tools; see there. */
export async function startAgent(wish: AgentWish): Promise<Agent> {
  await using opened = new AsyncDisposableStack();
  const { path: folder } = opened.use(disposableFolder());
  const simulator = `--chip ${wish.chip}`;
  const tools = recordedTools(folder, simulator);
  const agent = opened.use(await startWithTools(wish.program, tools, configuration(wish), simulator));
  const kept = opened.move();
  return { ...agent, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

export interface Settings {
  readonly sources?: Readonly<Record<string, object>>;
  readonly [section: string]: unknown;
}

/** With a journal and an address of its own. @param simulator its flags */
export function startConfigured(program: Program, settings: Settings, simulator = ""): Promise<Agent> {
  return start(program, ["--simulate"], settings, simulator);
}

/** The same with tools of the given commands, which the agent takes for a Mac's. @param simulator flags of those that are the simulator's */
export function startWithTools(
  program: Program,
  tools: Tools,
  settings: Settings,
  simulator: string,
): Promise<Agent> {
  const names = new Set([...Object.keys(tools), ...Object.keys(settings.sources ?? {})]);
  const sources = Object.fromEntries(
    [...names].map((name) => [name, { ...settings.sources?.[name], command: tools[name] }]),
  );
  return start(program, [], { run_as: "root", ...settings, sources }, simulator);
}

/** Commands by source. */
export type Tools = Readonly<Record<string, Argv>>;

/**
 * powermetrics is the simulator where it samples; it otherwise, and the polled tools, are small programs, as Apple's are, which print what the
 * simulator's printed once.
 *
 * @param folder for these programs
 */
export function recordedTools(folder: string, simulator: string): Tools {
  const [node, ...args] = [...fromSource, "simulate"];
  const env = { ...process.env, MAC_POWERMETRICS_SIMULATE: simulator };
  const recorded = (
    name: string,
    runs: readonly (readonly string[])[],
    otherwise: string,
  ): [string, Argv] => {
    const cases = runs.map((run, at) => {
      const file = join(folder, `${name}-${at}.txt`);
      writeFileSync(file, execFileSync(node, [...args, name, ...run], { env }));
      return `"${run.join(" ")}") exec /bin/cat ${file};;`;
    });
    const script = join(folder, name);
    writeFileSync(script, `#!/bin/sh\ncase "$*" in ${cases.join(" ")} esac\n${otherwise}\n`, { mode: 0o755 });
    return [name, [script]];
  };
  const polled = (["vm_stat", "sysctl", "pmset", "ioreg"] as const).map((name) =>
    recorded(name, runsOf(name, { battery: true, gpu: true }), "exit 1"),
  );
  const simulate = [node, ...args, "powermetrics"].map((word) => `'${word}'`).join(" ");
  return Object.fromEntries([...polled, recorded("powermetrics", [["--help"]], `exec ${simulate} "$@"`)]);
}

async function start(
  program: Program,
  flags: readonly string[],
  settings: Settings,
  simulator: string,
): Promise<Agent> {
  const [command, ...args] = program;
  const { path: folder, [Symbol.dispose]: removeFolder } = disposableFolder();
  const address = `127.0.0.1:${await freePort()}`;
  const file = join(folder, "agent.yaml");
  const own = {
    global: { instance: "bench" },
    journal: { path: join(folder, "journal.db") },
    web: { listen_addresses: [address] },
    log: { level: "warn" },
  };
  // JSON is YAML.
  writeFileSync(file, JSON.stringify({ ...own, ...settings }));
  const env = { MAC_POWERMETRICS_SIMULATE: simulator };
  const started = startProcess(command, [...args, "run", ...flags, "--config", file], { env });
  return {
    ...started,
    origin: `http://${address}`,
    async [Symbol.asyncDispose]() {
      await started[Symbol.asyncDispose]();
      removeFolder();
    },
  };
}

function configuration(wish: AgentWish): Record<string, unknown> {
  const {
    intervalSeconds,
    pushTo,
    pushEverySeconds = 15,
    keep = ".*",
    protocol = "auto",
    withoutIoreg,
  } = wish;
  return {
    sources: {
      powermetrics: { interval: `${intervalSeconds}s` },
      ...(withoutIoreg === true && { ioreg: { enabled: false } }),
    },
    ...(pushTo !== undefined && {
      remote_write: [
        {
          url: pushTo,
          protobuf_message: protocol,
          write_relabel_configs: [{ source_labels: ["__name__"], regex: keep, action: "keep" }],
          queue_config: { batch_send_deadline: `${pushEverySeconds}s` },
        },
      ],
    }),
  };
}

/** The body of a successful answer; undefined for any other end. */
export function fetchText(url: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    get(url, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      answer.on("end", () => resolve(answer.statusCode === 200 ? text : undefined));
      answer.on("error", () => resolve(undefined));
    }).on("error", () => resolve(undefined));
  });
}

/** Asks until the answer holds `words`, at most 20 seconds. Milliseconds since the call. */
export async function untilAnswer(
  url: string,
  words: string,
  owner: Started,
  { everyMs = 2 } = {},
): Promise<number> {
  const began = performance.now();
  while (performance.now() - began < 20_000 && owner.child.exitCode === null) {
    if ((await fetchText(url))?.includes(words) === true) return performance.now() - began;
    await wait(everyMs);
  }
  throw new Error(
    `cannot measure ${url}: no answer with ${words} from a process that lives, within 20 s; ${owner.complaint()}`,
  );
}
