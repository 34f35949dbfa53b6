/** What was written, whoever wrote it: values with the place they come from, before the schema is asked. */
import type { Plain } from "./field.ts";
import type { Origin } from "./problem.ts";

export type Node = MapNode | ListNode | ScalarNode;

export interface MapNode {
  readonly kind: "map";
  readonly entries: Map<string, Entry>;
  readonly origin: Origin;
}

export interface Entry {
  /** Where the key stands. */
  readonly origin: Origin;
  readonly node: Node;
}

export interface ListNode {
  readonly kind: "list";
  readonly items: Node[];
  readonly origin: Origin;
}

export interface ScalarNode {
  readonly kind: "scalar";
  readonly value: string | number | boolean | null;
  /** The value as text; for an unquoted number that is its spelling in the file. */
  readonly text: string;
  /** The text with its references, when it had any: what a message may show. */
  readonly reference?: string;
  /** Its reference could not be replaced; that is reported already. */
  readonly unresolved?: true;
  readonly origin: Origin;
}

/** A tree from plain values that all share one origin; `text` sees every string, to replace references. */
export function nodeOf(value: Plain, origin: Origin, text: (value: string) => string = (same) => same): Node {
  if (value === null || typeof value === "number" || typeof value === "boolean") {
    return { kind: "scalar", value, text: String(value), origin };
  }
  if (typeof value === "string") return { kind: "scalar", value: text(value), text: text(value), origin };
  if (isList(value)) return { kind: "list", items: value.map((item) => nodeOf(item, origin, text)), origin };
  const entries = Object.entries(value).flatMap(([key, item]): [string, Entry][] =>
    item === undefined ? [] : [[key, { origin, node: nodeOf(item, origin, text) }]],
  );
  return { kind: "map", entries: new Map(entries), origin };
}

/** The values alone, for a place where the schema did not expect this shape. */
export function plainOf(node: Node): Plain {
  switch (node.kind) {
    case "scalar":
      return node.value;
    case "list":
      return node.items.map(plainOf);
    case "map":
      return Object.fromEntries([...node.entries].map(([key, entry]) => [key, plainOf(entry.node)]));
  }
}

/**
 * The tree with `value` at `path`; what is missing on the way is made, what is of another shape is replaced.
 * Undefined when a list index would leave a hole.
 */
export function overlay(
  root: Node | undefined,
  path: readonly (string | number)[],
  value: Node,
): Node | undefined {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  if (typeof key === "number") {
    const items = root?.kind === "list" ? root.items : [];
    if (key > items.length) return undefined;
    const item = overlay(items[key], rest, value);
    if (item === undefined) return undefined;
    return {
      kind: "list",
      items: [...items.slice(0, key), item, ...items.slice(key + 1)],
      origin: originOf(root, value),
    };
  }
  const entries = root?.kind === "map" ? root.entries : new Map<string, Entry>();
  const below = entries.get(key);
  const node = overlay(below?.node, rest, value);
  if (node === undefined) return undefined;
  return {
    kind: "map",
    entries: new Map([...entries, [key, { origin: below?.origin ?? value.origin, node }]]),
    origin: originOf(root, value),
  };
}

/** A container stays where it was written, also when a value inside comes from elsewhere. */
const originOf = (root: Node | undefined, value: Node): Origin =>
  root === undefined || root.kind === "scalar" ? value.origin : root.origin;

/** The node at a path, or the nearest one above it. */
export function nearestNode(root: Node, path: readonly PropertyKey[]): Node {
  const [key, ...rest] = path;
  if (key === undefined) return root;
  const below =
    root.kind === "map"
      ? root.entries.get(String(key))?.node
      : root.kind === "list"
        ? root.items[Number(key)]
        : undefined;
  return below === undefined ? root : nearestNode(below, rest);
}

/** A key without a value, or with one that could not be read. */
export function isNothing(node: Node): boolean {
  return node.kind === "scalar" && (node.value === null || node.unresolved === true);
}

export function isList(value: Plain): value is readonly Plain[] {
  return Array.isArray(value);
}
