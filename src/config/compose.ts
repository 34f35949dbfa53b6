/** Turns the library's YAML nodes into the tree: places, references, anchors, and the bounds of all that. */
import { isAlias, isMap, isScalar, isSeq, type Scalar } from "yaml";
import { interpolate, type Variable } from "./interpolate.ts";
import { problemAt, quote, type Origin, type Path, type Problem } from "./problem.ts";
import type { Entry, Node } from "./tree.ts";

/** Values in a file, each use of an alias counted: what a chain of aliases may unfold to. */
const mostValues = 20_000;
const deepestNesting = 32;

/** One file being read. */
export interface Reading {
  readonly text: string;
  readonly problems: Problem[];
  readonly variable: (name: string) => Variable;
  originAt(offset: number): Origin;
}

interface Composing extends Reading {
  readonly anchors: Map<string, unknown>;
  values: number;
}

/** Never throws; what can't be composed becomes an unresolved value and a problem. */
export function compose(contents: unknown, reading: Reading): Node {
  return nodeOf(contents, { ...reading, anchors: new Map(), values: 0 }, []);
}

function nodeOf(node: unknown, reading: Composing, path: Path, at = 0): Node {
  const offset = rangeOf(node)?.[0] ?? at;
  const origin = reading.originAt(offset);
  const nothing: Node = { kind: "scalar", value: null, text: "", unresolved: true, origin };
  if (++reading.values > mostValues || path.length > deepestNesting) {
    if (reading.values !== Infinity) reading.problems.push(problemAt(origin, tooMuch(path.length), path));
    // Said once; the rest of the file is not looked at.
    reading.values = Infinity;
    return nothing;
  }
  if (isAlias(node)) {
    if (reading.anchors.has(node.source)) return nodeOf(reading.anchors.get(node.source), reading, path);
    // Not what was got: a password that begins with * reads as an alias.
    const message = "alias must name an anchor above it; a text that begins with * must be in quotes";
    reading.problems.push(problemAt(origin, message, path));
    return nothing;
  }
  if (isMap(node)) {
    if (node.anchor !== undefined) reading.anchors.set(node.anchor, node);
    return { kind: "map", entries: entriesOf(node.items, reading, path), origin };
  }
  if (isSeq(node)) {
    if (node.anchor !== undefined) reading.anchors.set(node.anchor, node);
    return {
      kind: "list",
      items: node.items.map((item, index) => nodeOf(item, reading, [...path, index], offset)),
      origin,
    };
  }
  if (!isScalar(node)) return nothing;
  if (node.anchor !== undefined) reading.anchors.set(node.anchor, node);
  return scalarOf(node, reading, path, origin);
}

function entriesOf(
  pairs: readonly { readonly key: unknown; readonly value: unknown }[],
  reading: Composing,
  path: Path,
): Map<string, Entry> {
  const entries = new Map<string, Entry>();
  const merges = pairs.filter(({ key }) => isMergeKey(key));
  for (const pair of pairs.filter(({ key }) => !isMergeKey(key))) {
    const key = isScalar(pair.key) ? String(pair.key.value) : "";
    const at = rangeOf(pair.key)?.[0] ?? 0;
    const origin = reading.originAt(at);
    if (entries.has(key)) {
      reading.problems.push(problemAt(origin, `key must be unique, got ${quote(key)} twice`, path));
    } else {
      entries.set(key, { origin, node: nodeOf(pair.value, reading, [...path, key], at) });
    }
  }
  // What a map has itself wins, and of several that are merged the first (https://yaml.org/type/merge.html).
  for (const { key, value } of merges)
    merge(nodeOf(value, reading, path, rangeOf(key)?.[0] ?? 0), entries, reading, path);
  return entries;
}

/** `<<` without quotes, as Prometheus takes it. */
const isMergeKey = (key: unknown): boolean => isScalar(key) && key.value === "<<" && key.type === "PLAIN";

function merge(from: Node, into: Map<string, Entry>, reading: Composing, path: Path): void {
  for (const one of from.kind === "list" ? from.items : [from]) {
    if (one.kind === "map") {
      for (const [key, entry] of one.entries) if (!into.has(key)) into.set(key, entry);
    } else if (one.kind !== "scalar" || one.unresolved !== true) {
      const message = "merge key << must be given a map, or a list of maps, as *anchor names one";
      reading.problems.push(problemAt(one.origin, message, path));
    }
  }
}

function scalarOf(node: Scalar, reading: Composing, path: Path, origin: Origin): Node {
  const { value, source = "" } = node;
  if (value === null || typeof value === "boolean" || typeof value === "number") {
    return { kind: "scalar", value, text: source, origin };
  }
  const written = typeof value === "string" ? value : source;
  const result = interpolate(written, reading.variable);
  if (!result.ok) {
    const at = referenceOrigin(node, written.slice(result.at), reading);
    reading.problems.push(problemAt(at, result.message, path));
    return { kind: "scalar", value: written, text: written, unresolved: true, origin };
  }
  const { text } = result;
  return { kind: "scalar", value: text, text, ...(text !== written && { reference: written }), origin };
}

/** Where the reference itself stands inside a longer value. */
function referenceOrigin(node: Scalar, rest: string, reading: Composing): Origin {
  const [start, end] = node.range ?? [0, 0];
  const [reference = "$"] = /^\$\{?\w*/.exec(rest) ?? [];
  return reading.originAt(start + Math.max(0, reading.text.slice(start, end).indexOf(reference)));
}

function rangeOf(node: unknown): readonly number[] | undefined {
  return isScalar(node) || isMap(node) || isSeq(node) || isAlias(node)
    ? (node.range ?? undefined)
    : undefined;
}

const tooMuch = (depth: number): string =>
  depth > deepestNesting
    ? `nesting must be at most ${deepestNesting} deep`
    : `file must hold at most ${mostValues} values, aliases unfolded`;
