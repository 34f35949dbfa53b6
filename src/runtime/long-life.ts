/** The flags of Node.js and V8 for a process that lives for months, whose memory matters more than a hundredth of its CPU. */
import { setFlagsFromString } from "node:v8";

/**
 * Set by the process itself, since on its command line each of them makes V8 refuse the compiled code that Node.js brings of its own modules, 20 ms
 * at each start. What each brings is in test/bench/README.md.
 *
 * - Maglev alone, for what is called often: TurboFan takes 5 MB and, in the first minutes, a sixth of the CPU. A backlog drains at 0.85 of its speed.
 * - Bytecode of the start is given up after two full collections instead of six.
 */
export const longLifeFlags = ["--no-turbofan", "--invocation-count-for-maglev=5000", "--bytecode-old-age=2"];

/**
 * A buffer that is kept, if of a few bytes, keeps its slab. At the 64 KB of Node.js 24 and 26 that is 0.2 MB more of a running agent than at
 * 8 KB, and nothing in it makes small buffers at a rate at which their slabs would count.
 */
export const slabBytes = 8192;

/** For the whole process, and for good. */
export function settleForLongLife(): void {
  Buffer.poolSize = slabBytes;
  for (const flag of longLifeFlags) setFlagsFromString(flag);
}
