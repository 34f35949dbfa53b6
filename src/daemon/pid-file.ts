/**
 * The file with the agent's process number, by which newsyslog signals it to open its log again. It is gone when the agent has
 * ended, so that nobody signals a stranger that has got the same number.
 */
import { closeSync, constants, fstatSync, ftruncateSync, openSync, unlinkSync } from "node:fs";
import { causeOf } from "../runtime/cause.ts";
import { writeAtomically } from "../runtime/files.ts";
import { lookAt } from "./system.ts";

interface PidFile extends Disposable {
  /** Why it could not be written; the agent runs without it. */
  readonly warning?: string;
}

/** Written while we are root; kept open, since without root only what is open can be emptied in a folder of root's. */
export function writePidFile(path: string, pid: number): PidFile {
  let file: number;
  try {
    writeAtomically(path, `${pid}\n`);
    file = openSync(path, constants.O_WRONLY | constants.O_NOFOLLOW);
  } catch (error) {
    const warning = `${causeOf(error)}; newsyslog can't signal the agent to open its log again`;
    return { warning, [Symbol.dispose]: () => undefined };
  }
  return {
    [Symbol.dispose]() {
      try {
        if (lookAt(path)?.ino === fstatSync(file).ino) remove(path, file);
      } finally {
        closeSync(file);
      }
    },
  };
}

function remove(path: string, file: number): void {
  try {
    unlinkSync(path);
  } catch {
    ftruncateSync(file);
  }
}
