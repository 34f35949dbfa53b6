/**
 * Reads the end of a log that is written to and rotated meanwhile.
 *
 *     agent.log  ……────────|── last lines ──|── followed …
 *                                     renamed: the new file from its start
 */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import type { Clock } from "../runtime/clock.ts";
import { lookAt } from "./system.ts";

/** Read in one go at most; a longer line is shown in parts. */
const chunkBytes = 64 * 1024;
/** The most that is looked through for the last lines. */
const mostTailBytes = 4 * 1024 * 1024;
const lookEveryMs = 500;

interface Tail {
  /** Text of the last lines, read once. @throws Error of the system */
  readonly last: string;
  /** Hands over what is written until the signal aborts. */
  follow(write: (text: string) => Promise<boolean>, clock: Clock, signal: AbortSignal): Promise<void>;
}

/** @throws Error of the system */
export function lastLines(path: string, lines: number): string {
  const file = openSync(path, "r");
  try {
    return readLast(file, lines).text;
  } finally {
    closeSync(file);
  }
}

export function openTail(path: string, lines: number): Tail {
  let file = openSync(path, "r");
  const { text: last, position: end } = readLast(file, lines);
  let position = end;

  /** What is new in this file; a file that shrank was emptied in place. */
  function read(): string {
    const { size } = fstatSync(file);
    if (size < position) position = 0;
    const buffer = Buffer.alloc(Math.min(chunkBytes, size - position));
    position += readSync(file, buffer, 0, buffer.length, position);
    return buffer.toString("utf8");
  }
  /** To the file that now has the name, once the old one is read to its end. */
  function turn(): void {
    const now = lookAt(path);
    const stat = fstatSync(file);
    if (now === undefined || (now.ino === stat.ino && now.dev === stat.dev)) return;
    closeSync(file);
    file = openSync(path, "r");
    position = 0;
  }

  return {
    last,
    async follow(write, clock, signal) {
      try {
        while (!signal.aborted) {
          const text = read();
          if (text !== "" && !(await write(text))) return;
          if (text !== "") continue;
          turn();
          await clock.sleep(lookEveryMs, signal);
        }
      } finally {
        closeSync(file);
      }
    },
  };
}

function readLast(file: number, lines: number): { text: string; position: number } {
  const { size } = fstatSync(file);
  const from = Math.max(0, size - mostTailBytes);
  let start = size;
  let text = "";
  while (start > from && text.split("\n").length <= lines + 1) {
    const length = Math.min(chunkBytes, start - from);
    const buffer = Buffer.alloc(length);
    readSync(file, buffer, 0, length, start - length);
    start -= length;
    text = buffer.toString("latin1") + text;
  }
  const whole = Buffer.from(text, "latin1").toString("utf8");
  const ended = whole.endsWith("\n") ? whole.slice(0, -1) : whole;
  const kept = ended.split("\n").slice(-lines).join("\n");
  return { text: kept === "" ? "" : `${kept}\n`, position: size };
}
