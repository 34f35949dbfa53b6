/**
 * Files that root lets an agent read which then gives up root: what they held is kept for as long as they may not be read
 * any more, so that a password that root has just rotated with mode 0600 does not stop delivery.
 */
import { causeOf } from "./cause.ts";
import { readBounded } from "./files.ts";

interface Kept {
  readonly bytes: Buffer;
  warned: boolean;
}

/** By path, for the process: what root has read serves a configuration that is read again later, too. */
const kept = new Map<string, Kept>();

/**
 * The file as it is now, or as it was when it could last be read; a file that is gone is an error in any case.
 * @throws Error `cannot read PATH: cause`
 */
export function readKept(path: string, maxBytes: number, warn: (message: string) => void): Buffer {
  const before = kept.get(path);
  try {
    const bytes = readBounded(path, maxBytes);
    kept.set(path, { bytes, warned: false });
    return bytes;
  } catch (error) {
    if (before === undefined || !isForbidden(error)) throw error;
    if (!before.warned) {
      before.warned = true;
      warn(`${causeOf(error)}; what it held before stays in use; ${readableAdvice(path)}`);
    }
    return before.bytes;
  }
}

/** How a file is made readable to the agent and to nobody else. */
export function readableAdvice(path: string, account = "_macagent"): string {
  return `run sudo chown root:${account} '${path}' && sudo chmod 640 '${path}'`;
}

function isForbidden(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && "code" in cause && (cause.code === "EACCES" || cause.code === "EPERM");
}
