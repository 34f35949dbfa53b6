/** Temporary folders of tests, removed when the test, its file or its block ends. */
import { chmodSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";

/** A test, or the file as a whole. */
interface Ending {
  readonly after: (remove: () => void) => void;
}

/** Removed with the test. All names begin alike, so that what a killed run left is found. */
export function temporaryFolder(t: Ending, parent?: string): string {
  const folder = disposableFolder({ parent });
  t.after(() => folder[Symbol.dispose]());
  return folder.path;
}

/** Removed when all tests of the file have ended. */
export function folderOfFile(): string {
  return temporaryFolder({ after: (remove) => after(remove) });
}

export interface DisposableFolder {
  readonly path: string;
  readonly [Symbol.dispose]: () => void;
}

/** Removed where it goes out of scope. @param options.mode 0o755 for one that every account may enter */
export function disposableFolder(
  options: { parent?: string | undefined; mode?: number } = {},
): DisposableFolder {
  const { parent = tmpdir(), mode = 0o700 } = options;
  const path = mkdtempSync(join(parent, "mac-agent-test-"));
  chmodSync(path, mode);
  return {
    path,
    // Again where a process that is about to end writes into it meanwhile.
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true, maxRetries: 10 }),
  };
}

/** In memory where the system offers it: other tests' disk traffic would be waited for at every commit. */
export const fastParent: string = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
