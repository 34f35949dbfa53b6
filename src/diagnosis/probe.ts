/**
 * The other side of a diagnosis: what has to be tried in a process of its own, because it may hang, gives up root, or is
 * started by launchd. Prints, or writes into the file it is given, one JSON value.
 */
import { closeSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { causeOf, codeOf } from "../runtime/cause.ts";
import type { Clock } from "../runtime/clock.ts";
import { spawnChild, type ChildExit } from "../source/child.ts";
import { createFramer } from "../source/frame.ts";
import { median, quantile } from "./machine.ts";

export interface ProbeDeps {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly environment: Readonly<Record<string, string>>;
  readonly stdout: (text: string) => void;
}

type Probe = (args: readonly string[], deps: ProbeDeps) => Promise<unknown>;

export const probes = {
  keychain,
  commits,
  parent,
  connect,
  cadence,
  restart,
  orphan,
} satisfies Record<string, Probe>;

export type ProbeName = keyof typeof probes;

/** @param argv the probe's name, the file for its answer or `-`, and what the probe takes */
export async function runProbe(
  [name = "", file = "", ...args]: readonly string[],
  deps: ProbeDeps,
): Promise<number> {
  const probe = Object.hasOwn(probes, name) ? probes[name as ProbeName] : undefined;
  if (probe === undefined) return 2;
  // Opened before root is given up, as the agent does.
  const output = file === "-" ? undefined : openSync(file, "a", 0o600);
  const say = (value: unknown): void => {
    const line = `${JSON.stringify(value)}\n`;
    if (output === undefined) deps.stdout(line);
    else writeSync(output, line);
  };
  try {
    const answer: unknown = await probe(args, { ...deps, stdout: (text) => say(JSON.parse(text)) });
    if (answer !== undefined && answer !== exitAgain) say(answer);
    return answer === exitAgain ? 75 : 0;
  } catch (error) {
    say({ error: causeOf(error) });
    return 1;
  } finally {
    if (output !== undefined) closeSync(output);
  }
}

/** The answer of a process that launchd has to start again. */
const exitAgain = { exit: 75 };

export interface KeychainTimes {
  readonly coldMs: number;
  readonly warmMs: number;
  readonly certificates: number;
}

/** @param args the account to become, `-` for none */
function keychain([uid, gid]: readonly string[], { clock }: ProbeDeps): Promise<KeychainTimes> {
  const { getCACertificates } = process.getBuiltinModule("node:tls");
  become(uid, gid);
  const timed = (): { ms: number; count: number } => {
    const start = clock.monotonic();
    const count = getCACertificates("system").length;
    return { ms: clock.monotonic() - start, count };
  };
  const [cold, warm] = [timed(), timed()];
  return Promise.resolve({
    coldMs: Math.round(cold.ms),
    warmMs: Math.round(warm.ms),
    certificates: cold.count,
  });
}

export interface CommitTimes {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly longestMs: number;
  readonly count: number;
}

/** Commits of 8 KB, some of an interval's, with and without a flush of the drive's own cache. */
function commits(
  [folder = "", count = ""]: readonly string[],
  { clock }: ProbeDeps,
): Promise<Record<string, CommitTimes>> {
  const measure = (fullfsync: 0 | 1): CommitTimes => {
    const path = join(folder, `commits-${fullfsync}.db`);
    using database = new DatabaseSync(path);
    database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA fullfsync = ${fullfsync};
      CREATE TABLE blocks (id INTEGER PRIMARY KEY, content BLOB)`);
    const insert = database.prepare("INSERT INTO blocks (content) VALUES (?)");
    const times = Array.from({ length: Number(count) }, () => {
      const start = clock.monotonic();
      insert.run(Buffer.alloc(8192, 0x5a));
      return clock.monotonic() - start;
    });
    const rounded = (ms: number): number => Number(ms.toFixed(3));
    return {
      p50Ms: rounded(median(times)),
      p99Ms: rounded(quantile(times, 0.99)),
      longestMs: rounded(Math.max(...times)),
      count: times.length,
    };
  };
  const result = { fsync: measure(0), fullfsync: measure(1) };
  for (const name of ["commits-0.db", "commits-1.db"])
    for (const end of ["", "-wal", "-shm"]) rmSync(join(folder, name + end), { force: true });
  return Promise.resolve(result);
}

export interface DroppedParent {
  readonly pid: number | undefined;
  readonly exit: ChildExit;
  /** From the request to end to the end. */
  readonly endedAfterMs: number;
  /** What signalling it gave: `EPERM`, or `delivered`. */
  readonly signalled: string;
}

/** Starts a tool, gives up root once it speaks, and ends it as the agent would. */
async function parent([uid, gid, ...argv]: readonly string[], deps: ProbeDeps): Promise<DroppedParent> {
  const spoken = Promise.withResolvers<undefined>();
  const child = spawnChild(argv, {
    ...deps,
    graceMs: 5000,
    onStdout: () => spoken.resolve(undefined),
    onStderr: () => undefined,
  });
  await Promise.race([spoken.promise, child.ended]);
  become(uid, gid);
  const signalled = trySignal(child.pid);
  const start = deps.clock.monotonic();
  const exit = await child.stop();
  return { pid: child.pid, exit, endedAfterMs: Math.round(deps.clock.monotonic() - start), signalled };
}

/** Signal 0 asks whether we might, and does nothing. */
function trySignal(pid: number | undefined): string {
  try {
    process.kill(pid ?? 0, 0);
    return "delivered";
  } catch (error) {
    return codeOf(error) ?? causeOf(error);
  }
}

export interface Target {
  readonly host: string;
  readonly port: number;
}

export interface Attempt {
  readonly target: string;
  /** `connected`, or the system's error. */
  readonly outcome: string;
  readonly ms: number;
}

async function connect(
  [uid, gid, targets = "[]"]: readonly string[],
  deps: ProbeDeps,
): Promise<readonly Attempt[]> {
  become(uid, gid);
  return Promise.all((JSON.parse(targets) as readonly Target[]).map((target) => attempt(target, deps)));
}

function attempt({ host, port }: Target, { clock }: ProbeDeps): Promise<Attempt> {
  const start = clock.monotonic();
  return new Promise((resolve) => {
    const socket = createConnection({ host, port });
    const end = (outcome: string): void => {
      timer[Symbol.dispose]();
      socket.destroy();
      resolve({ target: `${host}:${port}`, outcome, ms: Math.round(clock.monotonic() - start) });
    };
    const timer = clock.after(3000, () => end("no answer within 3 s"));
    socket.once("connect", () => end("connected"));
    socket.once("error", (error) => end(codeOf(error) ?? error.message));
  });
}

export interface Cadence {
  /** Between timers of 100 ms of our own. */
  readonly timerMs: number;
  /** Between documents of powermetrics, by their own times, where one each 100 ms was asked for; absent without any. */
  readonly documentMs?: number;
  readonly documents: number;
}

async function cadence([count = "", ...argv]: readonly string[], deps: ProbeDeps): Promise<Cadence> {
  const elapsed: number[] = [];
  const framer = createFramer({
    onFrame(frame) {
      const ns = /<key>elapsed_ns<\/key>\s*<integer>(\d+)</.exec(frame.toString("latin1"))?.[1];
      if (ns !== undefined) elapsed.push(Number(ns) / 1e6);
    },
  });
  const child = spawnChild(argv, {
    ...deps,
    onStdout: (chunk) => framer.push(chunk),
    onStderr: () => undefined,
  });
  const gaps: number[] = [];
  for (let last = deps.clock.monotonic(); gaps.length < Number(count) && !deps.signal.aborted;) {
    await deps.clock.sleep(100, deps.signal);
    const now = deps.clock.monotonic();
    gaps.push(now - last);
    last = now;
  }
  await Promise.race([child.ended, deps.clock.sleep(5000, deps.signal)]);
  await child.stop();
  const rounded = (values: readonly number[]): number => Number(median(values).toFixed(1));
  return {
    timerMs: rounded(gaps),
    ...(elapsed.length > 0 && { documentMs: rounded(elapsed) }),
    documents: elapsed.length,
  };
}

/** Ends with 75 at its first start, as the agent does without powermetrics, and stays at the next. */
async function restart([file = ""]: readonly string[], deps: ProbeDeps): Promise<unknown> {
  const first = readFileSync(file, "latin1") === "";
  deps.stdout(JSON.stringify({ pid: process.pid, at: deps.clock.now() }));
  if (first) return exitAgain;
  await untilStopped(deps);
  return undefined;
}

/** Starts a tool, gives up root and waits to be killed; the tool's number is written before. */
async function orphan([uid, gid, ...argv]: readonly string[], deps: ProbeDeps): Promise<unknown> {
  const spoken = Promise.withResolvers<undefined>();
  const child = spawnChild(argv, {
    ...deps,
    onStdout: () => spoken.resolve(undefined),
    onStderr: () => undefined,
  });
  await Promise.race([spoken.promise, child.ended]);
  become(uid, gid);
  deps.stdout(JSON.stringify({ pid: child.pid, parent: process.pid }));
  await untilStopped(deps);
  await child.stop();
  return undefined;
}

async function untilStopped({ clock, signal }: ProbeDeps): Promise<void> {
  while (!signal.aborted) await clock.sleep(60_000, signal);
}

/** For good, groups first. */
function become(uid = "-", gid = "-"): void {
  if (uid === "-") return;
  process.setgroups?.([Number(gid)]);
  process.setgid?.(Number(gid));
  process.setuid?.(Number(uid));
}
