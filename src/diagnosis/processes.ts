/** What is tried in processes of their own: the keychain, commits to disk, and the end of a tool whose parent gave up root. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { skipped, type Item, type Result } from "./items.ts";
import { hasTool, runTool, seconds, wordsOf, type Machine, type Output } from "./machine.ts";
import type { CommitTimes, DroppedParent, KeychainTimes, ProbeName } from "./probe.ts";
import { powermetricsArgv } from "./stream.ts";

interface Answer<T> {
  /** Undefined where the process gave none. */
  readonly value: T | undefined;
  /** Why there is no value, in one line. */
  readonly why: string;
  readonly output: Output;
}

/** @typeParam T what the probe of that name prints; both are of one program */
async function ask<T>(
  machine: Machine,
  [name, ...args]: readonly [ProbeName, ...string[]],
  signal: AbortSignal,
  limitMs: number,
): Promise<Answer<T>> {
  const output = await runTool(machine, [...machine.self, "probe", name, "-", ...args], { signal, limitMs });
  const [said = ""] = output.stderr.trim().split("\n");
  const why = said === "" ? output.end : `${output.end}: ${said}`;
  try {
    const value = JSON.parse(output.stdout) as T | { readonly error: string };
    if (typeof value === "object" && value !== null && "error" in value)
      return { value: undefined, why: value.error, output };
    return { value, why, output };
  } catch {
    return { value: undefined, why, output };
  }
}

interface Stranger {
  readonly account: string;
  readonly uid: string;
  readonly gid: string;
}

/** The account that the agent becomes, or nobody where it does not exist yet. */
export async function strangerOf(machine: Machine, signal: AbortSignal): Promise<Stranger | undefined> {
  for (const account of [machine.runAs, "nobody"]) {
    const id = (flag: string): Promise<Output> =>
      runTool(machine, ["/usr/bin/id", flag, account], { signal });
    const [user, group] = await Promise.all([id("-u"), id("-g")]);
    // macOS' nobody is -2.
    const [uid, gid] = [user, group].map(({ stdout }) => Number.parseInt(stdout, 10) >>> 0);
    if (user.code === 0 && group.code === 0 && uid !== 0)
      return { account, uid: String(uid), gid: String(gid) };
  }
  return undefined;
}

export function keychainItem(machine: Machine): Item {
  const expected = "the system's certificates within a second";
  return {
    name: "keychain",
    expected,
    limitMs: 75_000,
    async run(signal) {
      const asCaller = await ask<KeychainTimes>(machine, ["keychain"], signal, 45_000);
      const stranger = machine.uid === 0 ? await strangerOf(machine, signal) : undefined;
      const all = [{ who: "", answer: asCaller }];
      if (stranger !== undefined) {
        const { account, uid, gid } = stranger;
        const answer = await ask<KeychainTimes>(machine, ["keychain", uid, gid], signal, 25_000);
        all.push({ who: `as ${account}: `, answer });
      }
      const got = all.map(
        ({ who, answer: { value, why } }) => `${who}${value === undefined ? why : timesOf(value)}`,
      );
      const well = all.every(({ answer: { value } }) => value !== undefined && value.coldMs <= 1000);
      const status = asCaller.value === undefined ? "fail" : well ? "ok" : "warn";
      return { status, got: got.join("; "), details: all.map(({ answer }) => answer.output) };
    },
  };
}

function timesOf({ coldMs, warmMs, certificates }: KeychainTimes): string {
  return `${certificates} certificates in ${coldMs} ms, again in ${warmMs} ms`;
}

export function commitsItem(machine: Machine): Item {
  return {
    name: "commits",
    expected: "a commit that reaches the disk in less than 100 ms",
    limitMs: 45_000,
    async run(signal) {
      const folder = mkdtempSync(join(tmpdir(), "mac-agent-commits-"));
      try {
        const args = ["commits", folder, String(machine.pace.commits)] as const;
        const { value, why, output } = await ask<Record<"fsync" | "fullfsync", CommitTimes>>(
          machine,
          args,
          signal,
          40_000,
        );
        if (value === undefined) return { status: "fail", got: why, details: { output } };
        const { fsync, fullfsync } = value;
        const got = `fullfsync p50 ${fullfsync.p50Ms} ms, p99 ${fullfsync.p99Ms} ms; fsync p50 ${fsync.p50Ms} ms, p99 ${fsync.p99Ms} ms`;
        return { status: fullfsync.p99Ms > 100 ? "warn" : "ok", got, details: value };
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  };
}

export function droppedParentItem(machine: Machine): Item {
  return {
    name: "end by a parent without root",
    expected: "powermetrics ends within two intervals after its output is closed",
    limitMs: 45_000,
    async run(signal) {
      if (!hasTool(machine, machine.commands.powermetrics)) return skipped("needs macOS");
      if (machine.uid !== 0) return skipped("needs root");
      const stranger = await strangerOf(machine, signal);
      if (stranger === undefined) return skipped("no account to become");
      const argv = powermetricsArgv(machine, 500);
      const args = ["parent", stranger.uid, stranger.gid, ...argv] as const;
      const { value, why, output } = await ask<DroppedParent>(machine, args, signal, 30_000);
      if (value === undefined) return { status: "fail", got: why, details: { output } };
      return { ...(await judgeEnd(value, machine, signal)), details: value };
    },
  };
}

async function judgeEnd(
  { pid, exit, endedAfterMs, signalled }: DroppedParent,
  machine: Machine,
  signal: AbortSignal,
): Promise<Result> {
  if (signalled === "ESRCH") return { status: "fail", got: `powermetrics ended by itself: ${wordsOf(exit)}` };
  const alive = pid !== undefined && (await isAlive(pid, machine, signal));
  if (alive) await runTool(machine, ["/bin/kill", "-KILL", String(pid)], { signal });
  const got = `signal: ${signalled}; ${alive ? "still alive, killed as root" : `ended by ${wordsOf(exit)}`} after ${seconds(endedAfterMs)}`;
  if (alive || exit.kind === "not_started" || exit.kind === "abandoned") return { status: "fail", got };
  return { status: endedAfterMs > 1500 ? "warn" : "ok", got };
}

export async function isAlive(pid: number, machine: Machine, signal: AbortSignal): Promise<boolean> {
  const { stdout } = await runTool(machine, ["/bin/ps", "-o", "stat=", "-p", String(pid)], { signal });
  return stdout.trim() !== "" && !stdout.trim().startsWith("Z");
}
