/** Writes log lines to a file or a terminal: at once and whole, counted where it can't be. */
import { closeSync, writeSync } from "node:fs";
import { causeOf } from "./cause.ts";
import { openToAppend } from "./files.ts";

export interface LineWriter extends Disposable {
  write(line: string): void;
  /** Lines that could not be written since the last call. */
  takeLost(): number;
  /** The reason where a named file can't be opened again; the old one is then kept. */
  reopen(): string | undefined;
}

/** A terminal or a pipe that is full for this long loses the line: the agent goes on. */
const patienceMs = 50;

/** The names of what is open already, which may be a pipe. */
const standard: Readonly<Record<string, number>> = { "/dev/stdout": 1, "/dev/stderr": 2 };

/** @throws Error `cannot open PATH: cause` */
export function openLines(named: string | number): LineWriter {
  const destination = standard[named] ?? named;
  let fd = typeof destination === "string" ? openLog(destination) : destination;
  let lost = 0;
  return {
    write(line) {
      if (!writeWhole(fd, Buffer.from(`${line}\n`))) lost++;
    },
    takeLost() {
      const count = lost;
      lost = 0;
      return count;
    },
    reopen() {
      if (typeof destination === "number") return undefined;
      try {
        const opened = openLog(destination);
        closeSync(fd);
        fd = opened;
        return undefined;
      } catch (error) {
        return causeOf(error);
      }
    },
    [Symbol.dispose]() {
      if (typeof destination === "string") closeSync(fd);
    },
  };
}

function openLog(path: string): number {
  try {
    return openToAppend(path, 0o640);
  } catch (error) {
    throw new Error(`cannot open ${path}: ${causeOf(error)}`, { cause: error });
  }
}

/** Writes until all is out; false for a reader that is gone, a full disk, or a pipe that stays full. */
function writeWhole(fd: number, bytes: Buffer): boolean {
  let waited = 0;
  for (let written = 0; written < bytes.length;) {
    try {
      written += writeSync(fd, bytes, written);
    } catch (error) {
      if (!isFull(error) || waited++ >= patienceMs) return false;
      pause();
    }
  }
  return true;
}

function isFull(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EAGAIN";
}

const bell = new Int32Array(new SharedArrayBuffer(4));

/** One millisecond, blocking: a line must be out before the call returns. */
function pause(): void {
  Atomics.wait(bell, 0, 0, 1);
}
