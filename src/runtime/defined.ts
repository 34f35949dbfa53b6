/** Leaves out properties that are undefined: `exactOptionalPropertyTypes` distinguishes a missing property from an undefined one. */

/** What may be undefined becomes optional; the rest stays as it is. */
export type Defined<Value> = {
  [Key in keyof Value as undefined extends Value[Key] ? never : Key]: Value[Key];
} & {
  [Key in keyof Value as undefined extends Value[Key] ? Key : never]?: Exclude<Value[Key], undefined>;
};

/** The same object without its undefined properties: itself where it has none, as is mostly so. */
export function defined<Value extends object>(value: Value): Defined<Value> {
  const keys = Object.keys(value) as (keyof Value)[];
  if (keys.every((key) => value[key] !== undefined)) return value;
  // Not by entries, an array of two each: a core without one of its figures, thirty times a document, made a sixth of its garbage.
  const rest: Record<PropertyKey, unknown> = {};
  keys.forEach((key) => {
    if (value[key] !== undefined) rest[key] = value[key];
  });
  return rest as Defined<Value>;
}
