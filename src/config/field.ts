/** The schema as a tree of fields: what loading, printing and the example need to know about each key. */
import * as z from "zod";
import { defined } from "../runtime/defined.ts";

/** A value of the configuration as text or YAML gives it, before any rule was applied. */
export type Plain =
  string | number | boolean | null | readonly Plain[] | { readonly [key: string]: Plain | undefined };

export function isList(value: Plain): value is readonly Plain[] {
  return Array.isArray(value);
}

interface Described {
  readonly description: string;
  /** As written in a file; absent when the key has none. */
  readonly fallback?: Plain;
  /** What the example file shows when there is no default. */
  readonly example?: Plain;
  /** Never printed. */
  readonly secret: boolean;
}

export type Field = Described &
  (
    | { readonly kind: "section"; readonly fields: ReadonlyMap<string, Field> }
    | { readonly kind: "record"; readonly values: Field }
    | { readonly kind: "list"; readonly items: () => Field }
    | { readonly kind: "scalar"; readonly type: "string" | "number" | "boolean" }
    | { readonly kind: "choice"; readonly choices: readonly string[] }
    | { readonly kind: "either"; readonly options: readonly Field[] }
  );

type Shape = Field extends infer Each ? (Each extends Field ? Omit<Each, keyof Described> : never) : never;

/** The tree below a schema; wrappers (defaults, optional, transformed) are looked through. Items of lists wait until they are asked for. */
export function fieldOf(schema: z.core.SomeType): Field {
  const chain = unwrapped(schema);
  return { ...described(chain), ...shapeOf(chain.at(-1)) };
}

/** The field at a path; undefined where the schema has none. List items are reached by any index. */
export function fieldAt(root: Field, path: readonly PropertyKey[]): Field | undefined {
  return path.reduce<Field | undefined>((field, key) => field && child(field, key), root);
}

/** The field under one key or index. */
export function child(field: Field, key: PropertyKey): Field | undefined {
  switch (field.kind) {
    case "section":
      return field.fields.get(String(key));
    case "record":
      return field.values;
    case "list":
      return field.items();
    case "either":
      return field.options.map((option) => child(option, key)).find((found) => found !== undefined);
    case "scalar":
    case "choice":
      return undefined;
  }
}

/** The schema and what each wrapper of it wraps, seen from the input's side. */
function unwrapped(schema: z.core.SomeType): readonly z.core.SomeType[] {
  if (schema instanceof z.ZodPipe) return [schema, ...unwrapped(schema.in)];
  if (schema instanceof z.ZodArray || !("unwrap" in schema)) return [schema];
  return [schema, ...unwrapped((schema as z.ZodOptional).unwrap())];
}

function shapeOf(schema: z.core.SomeType | undefined): Shape {
  if (schema instanceof z.ZodObject) {
    const shape: Readonly<Record<string, z.core.SomeType>> = schema.shape;
    const fields = Object.entries(shape).map(([key, value]): [string, Field] => [key, fieldOf(value)]);
    return { kind: "section", fields: new Map(fields) };
  }
  if (schema instanceof z.ZodRecord) return { kind: "record", values: fieldOf(schema.valueType) };
  if (schema instanceof z.ZodArray) return { kind: "list", items: once(() => fieldOf(schema.element)) };
  if (schema instanceof z.ZodUnion) return { kind: "either", options: schema.options.map(fieldOf) };
  if (schema instanceof z.ZodEnum) return { kind: "choice", choices: schema.options.map(String) };
  if (schema instanceof z.ZodLiteral) return { kind: "choice", choices: [...schema.values].map(String) };
  if (schema instanceof z.ZodNumber) return { kind: "scalar", type: "number" };
  return { kind: "scalar", type: schema instanceof z.ZodBoolean ? "boolean" : "string" };
}

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

/** What is said of a wrapper holds more than what is said of what it wraps. */
function described(chain: readonly z.core.SomeType[]): Described {
  const merged = chain.toReversed().map((schema): Partial<Described> => {
    const { description, writeOnly, examples } = (schema as z.ZodType).meta() ?? {};
    const [example] = Array.isArray(examples) ? (examples as Plain[]) : [];
    // Given as a file would write them: `default` on plain values, `prefault` before a transformation.
    const fallback =
      schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault
        ? (schema.def.defaultValue as Plain)
        : undefined;
    return defined({ description, example, fallback, secret: writeOnly === true ? true : undefined });
  });
  return Object.assign({ description: "", secret: false }, ...merged) as Described;
}
