/** The flags of Node.js and V8 for a process that lives for months, whose memory matters more than a hundredth of its CPU. */
import { setFlagsFromString } from "node:v8";

/**
 * One optimizing compiler instead of two, for what is called very often only, and bytecode of the start given up after two full
 * collections instead of six: 2.5 MB private and 4 MB resident, as test/bench/README.md has it. Set by the process itself, since on
 * its command line each of them makes V8 refuse the compiled code that Node.js brings of its own modules, 20 ms at each start.
 */
export const longLifeFlags = ["--no-maglev", "--invocation-count-for-turbofan=20000", "--bytecode-old-age=2"];

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
