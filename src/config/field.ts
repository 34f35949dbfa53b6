/** The schema as a tree of fields: what loading, printing and the example need to know about each key. */
import * as z from "zod";

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
export function fieldOf(schema: z.core.$ZodType): Field {
  return { ...described(schema), ...shapeOf(schema) };
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

function shapeOf(schema: z.core.$ZodType): Shape {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case "object":
      return {
        kind: "section",
        fields: new Map(Object.entries(def.shape).map(([key, value]) => [key, fieldOf(value)])),
      };
    case "record":
      return { kind: "record", values: fieldOf(def.valueType) };
    case "array":
      return { kind: "list", items: once(() => fieldOf(def.element)) };
    case "union":
      return { kind: "either", options: def.options.map(fieldOf) };
    case "enum":
      return { kind: "choice", choices: Object.values(def.entries).map(String) };
    case "literal":
      return { kind: "choice", choices: def.values.map(String) };
    case "number":
      return { kind: "scalar", type: "number" };
    case "boolean":
      return { kind: "scalar", type: "boolean" };
    default: {
      const inner = innerOf(schema);
      return inner === undefined ? { kind: "scalar", type: "string" } : shapeOf(inner);
    }
  }
}

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

/** What a wrapper wraps, seen from the input's side. */
function innerOf(schema: z.core.$ZodType): z.core.$ZodType | undefined {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case "default":
    case "prefault":
    case "optional":
    case "nullable":
    case "readonly":
    case "nonoptional":
      return def.innerType;
    case "pipe":
      return def.in;
    case "lazy":
      return def.getter();
    default:
      return undefined;
  }
}

function described(schema: z.core.$ZodType): Described {
  const meta = z.globalRegistry.get(schema) ?? {};
  const inner = innerOf(schema);
  const below: Described = inner === undefined ? { description: "", secret: false } : described(inner);
  const fallback = fallbackOf(schema);
  const [example] = Array.isArray(meta["examples"]) ? (meta["examples"] as Plain[]) : [];
  return {
    ...below,
    ...(meta.description !== undefined && { description: meta.description }),
    ...(meta["writeOnly"] === true && { secret: true }),
    ...(fallback !== undefined && { fallback }),
    ...(example !== undefined && { example }),
  };
}

/** Defaults are given as a file would write them: `default` on plain values, `prefault` before a transformation. */
function fallbackOf(schema: z.core.$ZodType): Plain | undefined {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  return def.type === "default" || def.type === "prefault" ? (def.defaultValue as Plain) : undefined;
}
