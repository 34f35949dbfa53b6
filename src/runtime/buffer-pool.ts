/** Owns how large the slabs are of which Node.js cuts small buffers. */

/**
 * A buffer that is kept, if of a few bytes, keeps its slab. At the 64 KB of Node.js 24 that is 0.2 MB more of a running agent than at
 * 8 KB, and nothing in it makes small buffers at a rate at which their slabs would count.
 */
export function keepSlabsSmall(): void {
  Buffer.poolSize = slabBytes;
}

export const slabBytes = 8192;
