/** Fakes for the tests of sources: a recording listener, a recording log, a clock that sleeps, and fake tools. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { Clock } from "../../src/runtime/clock.ts";
import type { Argv } from "../../src/source/child.ts";
import type { Frame, SourceFailure, SourceListener } from "../../src/source/source.ts";
import type { FakeClock } from "../support/fake-clock.ts";
import { disposableFolder, folderOfFile } from "../support/folder.ts";

export interface Events extends SourceListener {
  /** In order: `up`, `down`, `started`, `frame`, `failed stalled`, `restarted stalled`, `dropped garbage 12`. */
  readonly names: readonly string[];
  readonly frames: readonly Frame[];
  readonly failures: readonly SourceFailure[];
  readonly pids: readonly number[];
  /** Resolves when the event has come for the nth time. */
  until(name: string, times?: number): Promise<void>;
}

export function collectEvents(): Events {
  const names: string[] = [];
  const frames: Frame[] = [];
  const failures: SourceFailure[] = [];
  const pids: number[] = [];
  const waiting = new Set<() => void>();

  function add(name: string): void {
    names.push(name);
    for (const look of [...waiting]) look();
  }
  return {
    names,
    frames,
    failures,
    pids,
    frame(frame) {
      frames.push({ ...frame, bytes: Buffer.from(frame.bytes) });
      add("frame");
    },
    up: (up) => add(up ? "up" : "down"),
    started(pid) {
      pids.push(pid);
      add("started");
    },
    failed(failure) {
      failures.push(failure);
      add(`failed ${failure.reason}`);
    },
    restarted: (reason) => add(`restarted ${reason}`),
    remarked: (kind) => add(`remarked ${kind}`),
    dropped: (kind, bytes) => add(`dropped ${kind} ${bytes}`),
    until: (name, times = 1) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (names.filter((other) => other === name).length < times) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
  };
}

export interface SleepyClock extends Clock {
  /** Both clocks run on while no timer fires, as on a Mac with its lid closed. */
  fallAsleep(ms: number): void;
}

export function sleepyClock(clock: FakeClock): SleepyClock {
  let slept = 0;
  return {
    ...clock,
    now: () => clock.now() + slept,
    monotonic: () => clock.monotonic() + slept,
    fallAsleep(ms) {
      slept += ms;
    },
  };
}

const folder = folderOfFile();
let tools = 0;

export function temporaryFolder(): string {
  return disposableFolder({ parent: folder }).path;
}

/** A tool that is a shell script; `exec cat` in it hangs until its standard input closes. */
export function fakeTool(script: string): Argv {
  const path = join(folder, `tool-${++tools}.sh`);
  writeFileSync(path, script);
  return ["/bin/sh", path];
}

/** Shell text that prints a plist document around `content`. */
export function printDocument(content: string): string {
  return `printf '<?xml version="1.0"?>\\n<plist><string>${content}</string></plist>\\n'\n`;
}

/** Whether a process runs; one that has ended and that nobody has reaped yet does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return process.platform !== "linux";
  }
}

/** Looks until the process is gone; the test runner's own limit ends a wait in vain. */
export async function untilGone(pid: number, signal: AbortSignal): Promise<void> {
  while (isAlive(pid)) await wait(5, undefined, { signal });
}
