/** The type of settings once they are read: nobody changes them in place. */

/** `T` with everything in it readonly; maps, dates and functions as they are. */
export type Frozen<T> = T extends readonly (infer Item)[]
  ? readonly Frozen<Item>[]
  : T extends Map<unknown, unknown> | Date | ((...values: never[]) => unknown)
    ? T
    : T extends object
      ? { readonly [Key in keyof T]: Frozen<T[Key]> }
      : T;
