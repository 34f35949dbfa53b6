/** The rule of lists whose blocks are known by a key: two of them must not share it. */
import type * as z from "zod";

/** For `superRefine`; a block without the key shares it with none. */
export function uniqueBy<Key extends string>(key: Key) {
  return (blocks: readonly Readonly<Partial<Record<Key, string>>>[], context: z.RefinementCtx): void => {
    const first = new Map<string, number>();
    for (const [index, block] of blocks.entries()) {
      const value = block[key];
      if (value === undefined) continue;
      const before = first.get(value);
      if (before === undefined) first.set(value, index);
      else
        context.addIssue({
          code: "custom",
          path: [index, key],
          message: `must be unique, block [${before}] has it too`,
        });
    }
  };
}
