/** Owns which sinks a configuration may name: a new sink is one line in each table. */

/** Section name → the schema of its list of blocks. */
export const sinkSections = {};

/** Keys that a section's origin has and this agent lacks, as dotted paths within one block: "not supported" instead of "unknown". */
export const unsupportedSinkKeys: Readonly<Record<string, readonly string[]>> = {};

/** What a block of `config example` shows; everything else is taken from the schema. */
export const sinkExamples: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {};
