/** Leaves out properties that are undefined: `exactOptionalPropertyTypes` distinguishes a missing property from an undefined one. */

/** What may be undefined becomes optional; the rest stays as it is. */
export type Defined<Value> = {
  [Key in keyof Value as undefined extends Value[Key] ? never : Key]: Value[Key];
} & {
  [Key in keyof Value as undefined extends Value[Key] ? Key : never]?: Exclude<Value[Key], undefined>;
};

/** The same object without its undefined properties: itself where it has none, as is mostly so. */
export function defined<Value extends object>(value: Value): Defined<Value> {
  if (!Object.values(value).includes(undefined)) return value;
  const entries: [string, unknown][] = Object.entries(value);
  return Object.fromEntries(entries.filter(([, one]) => one !== undefined)) as Defined<Value>;
}
