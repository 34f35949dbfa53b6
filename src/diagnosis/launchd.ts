/**
 * Temporary launchd jobs that find out what launchd does: restarts, timers, networking without root, and orphans.
 *
 *     write DIR/LABEL.plist ─► bootstrap ─► … ─► bootout ─► wait until it is gone ─► remove DIR
 *                                            always, also after an interrupt or a limit
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { launchdJob, plistText } from "../daemon/launchd-files.ts";
import type { Argv } from "../source/child.ts";
import { skipped, type Item, type Result } from "./items.ts";
import { pathOf, runTool, seconds, waitFor, type Machine, type Output } from "./machine.ts";
import type { Attempt, Cadence, ProbeName, Target } from "./probe.ts";
import { isAlive, strangerOf } from "./processes.ts";

const labelOf = (name: string): string => `dev.mac-powermetrics.trial.${name}`;
const processTypes = ["Standard", "Interactive", "Background"] as const;

interface Trial {
  readonly machine: Machine;
  readonly folder: string;
  readonly signal: AbortSignal;
  /** What launchctl said, in order. */
  readonly calls: Output[];
}

type TrialItem = Omit<Item, "run"> & {
  readonly jobs: readonly string[];
  readonly run: (trial: Trial) => Promise<Result>;
};

const cadenceJob = (type: string): string => `cadence-${type.toLowerCase()}`;

export function launchdItems(machine: Machine): readonly Item[] {
  const { throttleSeconds } = machine.pace;
  const items: readonly TrialItem[] = [
    {
      name: "launchd restart",
      expected: `a start ${throttleSeconds} s after the one that ended with 75`,
      limitMs: 60_000 + 3000 * throttleSeconds,
      jobs: ["restart"],
      run: tryRestart,
    },
    {
      name: "launchd cadence",
      expected: "timers and windows of 100 ms as punctual as in a shell",
      limitMs: 120_000,
      jobs: processTypes.map(cadenceJob),
      run: tryCadence,
    },
    {
      name: "launchd network",
      expected: "addresses of the local network are reached after root is given up",
      limitMs: 60_000,
      jobs: ["connect"],
      run: tryNetwork,
    },
    {
      name: "launchd orphan",
      expected: "powermetrics ends with a parent that gave up root and was killed",
      limitMs: 60_000,
      jobs: ["orphan"],
      run: tryOrphan,
    },
  ];
  return items.map(({ jobs, run, ...item }) => ({
    ...item,
    run: (signal) => withTrial(machine, { jobs, signal }, run),
  }));
}

/** What a user who pulls the plug may leave behind goes with the next trial. */
async function withTrial(
  machine: Machine,
  { jobs, signal }: { jobs: readonly string[]; signal: AbortSignal },
  run: (trial: Trial) => Promise<Result>,
): Promise<Result> {
  // launchd takes jobs of root's only, and root's temporary folder may be its caller's.
  const parent = pathOf(machine, "/var/tmp");
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, "mac-agent-trial-"));
  const trial = { machine, folder, signal, calls: [] };
  try {
    for (const name of jobs) await unload(trial, name);
    const result = await run(trial);
    const said = errorsIn(folder, jobs);
    return { ...result, details: { result: result.details, launchctl: trial.calls, said } };
  } finally {
    for (const name of jobs) await unload(trial, name);
    rmSync(folder, { recursive: true, force: true });
  }
}

function errorsIn(folder: string, jobs: readonly string[]): Record<string, string> {
  const said = jobs.map((name): [string, string] => [name, read(join(folder, `${name}.err`)).trim()]);
  return Object.fromEntries(said.filter(([, text]) => text !== ""));
}

/** Not stopped by the trial's own signal: this is what comes after it. */
async function launchctl({ machine, calls }: Trial, ...args: Argv): Promise<Output> {
  const { signal } = new AbortController();
  const output = await runTool(machine, [machine.system.layout.launchctl, ...args], { signal });
  calls.push(output);
  return output;
}

const isLoaded = async ({ machine }: Trial, name: string): Promise<boolean> => {
  const argv = [machine.system.layout.launchctl, "print", `system/${labelOf(name)}`];
  return (await runTool(machine, argv, { signal: new AbortController().signal })).code === 0;
};

async function unload(trial: Trial, name: string): Promise<void> {
  if (!(await isLoaded(trial, name))) return;
  await launchctl(trial, "bootout", `system/${labelOf(name)}`);
  const never = new AbortController().signal;
  await waitFor(trial.machine, 15_000, never, async () => ((await isLoaded(trial, name)) ? undefined : true));
}

interface Job {
  readonly name: string;
  readonly probe: ProbeName;
  readonly args: readonly string[];
  /** Besides the program and where it writes. */
  readonly keys?: Readonly<Record<string, string | number | boolean>>;
}

/** Loads the job; what it writes is read with `answers`. Undefined when it is loaded, or why it is not. */
async function load(trial: Trial, { name, probe, args, keys = {} }: Job): Promise<string | undefined> {
  const { folder, machine } = trial;
  const path = join(folder, `${labelOf(name)}.plist`);
  const job = {
    Label: labelOf(name),
    ProgramArguments: [...machine.self, "probe", probe, answerFile(trial, name), ...args],
    RunAtLoad: true,
    ExitTimeOut: 5,
    EnvironmentVariables: { PATH: "/usr/bin:/bin:/usr/sbin:/sbin" },
    StandardErrorPath: join(folder, `${name}.err`),
    ...keys,
  };
  writeFileSync(path, plistText(job), { mode: 0o644, flag: "wx" });
  const { code, stderr, end } = await launchctl(trial, "bootstrap", "system", path);
  return code === 0
    ? undefined
    : `cannot load ${labelOf(name)}: ${stderr.trim() === "" ? end : stderr.trim()}`;
}

const answerFile = ({ folder }: Trial, name: string): string => join(folder, `${name}.json`);

function read(path: string): string {
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

/** @typeParam T what the probe of that name writes as its line of this number; undefined once the time is over */
async function answered<T>(
  trial: Trial,
  name: string,
  count: number,
  limitMs: number,
): Promise<T | undefined> {
  const look = (): string | undefined => read(answerFile(trial, name)).split("\n").slice(0, -1)[count - 1];
  const line = await waitFor(trial.machine, limitMs, trial.signal, look);
  return line === undefined ? undefined : (JSON.parse(line) as T);
}

async function tryRestart(trial: Trial): Promise<Result> {
  const { machine } = trial;
  const { throttleSeconds } = machine.pace;
  const service = `system/${labelOf("restart")}`;
  const { KeepAlive } = launchdJob(machine.system.layout);
  const keys = { ThrottleInterval: throttleSeconds, KeepAlive: KeepAlive as boolean };
  const job: Job = { name: "restart", probe: "restart", args: [answerFile(trial, "restart")], keys };
  const failure = await load(trial, job);
  if (failure !== undefined) return { status: "fail", got: failure };
  const first = await answered<{ at: number }>(trial, "restart", 1, 20_000);
  if (first === undefined) return { status: "fail", got: "the job did not start within 20 s" };
  await machine.clock.sleep(machine.pace.lookMs, trial.signal);
  const between = await launchctl(trial, "print", service);
  const second = await answered<{ at: number }>(trial, "restart", 2, 20_000 + 2000 * throttleSeconds);
  await launchctl(trial, "print", service);
  await unload(trial, "restart");
  const gone = await launchctl(trial, "print", service);
  const said = /last exit code = .*/.exec(between.stdout)?.[0] ?? "no last exit code";
  const after = `after bootout print ends with ${gone.code}`;
  if (second === undefined) return { status: "fail", got: `not started again; ${said}; ${after}` };
  const gap = second.at - first.at;
  const punctual = gap < 1000 * (2 * throttleSeconds + 5);
  return { status: punctual ? "ok" : "warn", got: `started again after ${seconds(gap)}; ${said}; ${after}` };
}

async function tryCadence(trial: Trial): Promise<Result> {
  const { machine } = trial;
  const count = String(machine.pace.cadence);
  const argv = [
    count,
    ...machine.commands.powermetrics,
    "-f",
    "plist",
    "-i",
    "100",
    "-n",
    count,
    "-s",
    "cpu_power",
  ];
  const shell = await runTool(machine, [...machine.self, "probe", "cadence", "-", ...argv], {
    signal: trial.signal,
    limitMs: 20_000,
  });
  const figures: Record<string, Cadence> = {};
  if (shell.code === 0) figures["shell"] = JSON.parse(shell.stdout) as Cadence;
  for (const type of processTypes) {
    const name = cadenceJob(type);
    const failure = await load(trial, { name, probe: "cadence", args: argv, keys: { ProcessType: type } });
    if (failure !== undefined) return { status: "fail", got: failure, details: figures };
    const figure = await answered<Cadence>(trial, name, 1, 20_000);
    if (figure !== undefined) figures[type] = figure;
    await unload(trial, name);
  }
  const got = Object.entries(figures).map(
    ([type, { timerMs, documentMs }]) => `${type} ${timerMs}/${documentMs ?? "no"} ms`,
  );
  const { ProcessType: ourType } = launchdJob(machine.system.layout);
  const ours = typeof ourType === "string" ? figures[ourType] : undefined;
  const late = ours === undefined || Math.max(ours.timerMs, ours.documentMs ?? Infinity) > 150;
  return { status: late ? "warn" : "ok", got: `timers/windows: ${got.join(", ")}`, details: figures };
}

async function tryNetwork(trial: Trial): Promise<Result> {
  const { machine, signal } = trial;
  const route = await runTool(machine, [pathOf(machine, "/sbin/route"), "-n", "get", "default"], { signal });
  const gateway = /gateway:\s*(\S+)/.exec(route.stdout)?.[1];
  const targets: readonly Target[] = [
    ...machine.localTargets,
    ...(gateway === undefined ? [] : [{ host: gateway, port: 80 }]),
  ];
  if (targets.length === 0) return skipped("no receiver in the local network, and no gateway");
  const stranger = await strangerOf(machine, signal);
  const [uid, gid] = machine.uid === 0 && stranger !== undefined ? [stranger.uid, stranger.gid] : ["-", "-"];
  const args = (user: string, group: string): readonly string[] => [user, group, JSON.stringify(targets)];
  const here = await runTool(machine, [...machine.self, "probe", "connect", "-", ...args("-", "-")], {
    signal,
  });
  const failure = await load(trial, { name: "connect", probe: "connect", args: args(uid, gid) });
  if (failure !== undefined) return { status: "fail", got: failure };
  const job = await answered<readonly Attempt[]>(trial, "connect", 1, 20_000);
  if (job === undefined) return { status: "fail", got: "the job gave no answer within 20 s" };
  const details = { uid, here: here.stdout === "" ? here : (JSON.parse(here.stdout) as unknown), job };
  // A refusal comes from there: only silence and "no route" may be the privacy setting.
  const blocked = job.filter(({ outcome }) => !["connected", "ECONNREFUSED", "ECONNRESET"].includes(outcome));
  const got = job.map(({ target, outcome, ms }) => `${target} ${outcome} in ${ms} ms`).join(", ");
  return { status: blocked.length > 0 ? "warn" : "ok", got, details };
}

async function tryOrphan(trial: Trial): Promise<Result> {
  const { machine, signal } = trial;
  const stranger = await strangerOf(machine, signal);
  const [uid, gid] = machine.uid === 0 && stranger !== undefined ? [stranger.uid, stranger.gid] : ["-", "-"];
  const argv = [...machine.commands.powermetrics, "-f", "plist", "-i", "500", "-s", "cpu_power"];
  const failure = await load(trial, { name: "orphan", probe: "orphan", args: [uid, gid, ...argv] });
  if (failure !== undefined) return { status: "fail", got: failure };
  const started = await answered<{ pid?: number }>(trial, "orphan", 1, 20_000);
  const pid = started?.pid;
  if (pid === undefined) return { status: "fail", got: "the job did not start powermetrics within 20 s" };
  const start = machine.clock.monotonic();
  await launchctl(trial, "kill", "SIGKILL", `system/${labelOf("orphan")}`);
  const ended = await waitFor(machine, 15_000, signal, async () =>
    (await isAlive(pid, machine, signal)) ? undefined : true,
  );
  if (ended === true)
    return { status: "ok", got: `ended after ${seconds(machine.clock.monotonic() - start)}` };
  const never = new AbortController().signal;
  await runTool(machine, ["/bin/kill", "-KILL", String(pid)], { signal: never });
  return { status: "fail", got: "powermetrics outlived its parent by 15 s; killed it" };
}
