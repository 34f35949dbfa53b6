/**
 * What was written, whoever wrote it, in the nodes of the YAML library: first the file (`read-yaml.ts`), then variables and flags laid over it.
 */
import {
  Document,
  Scalar,
  YAMLMap,
  YAMLSeq,
  isCollection,
  isMap,
  isNode,
  isScalar,
  isSeq,
  visit,
  type Pair,
} from "yaml";
import type { Plain } from "./field.ts";
import { fromDefault, problemAt, type Origin, type Path, type Problem } from "./problem.ts";

/** The value of a scalar is undefined where it could not be read; that is reported already. */
export type Node = Scalar | YAMLMap | YAMLSeq;

/** What one file holds. */
export interface FileContents {
  /** Undefined when the file is empty or can't be read as YAML. */
  readonly node: Node | undefined;
  readonly problems: Problem[];
  readonly originAt: (offset: number) => Origin;
}

export interface Written {
  readonly problems: Problem[];
  /** Where a value or a key comes from. */
  readonly originOf: (node: unknown) => Origin;
  /** A node from plain values that all share one origin. */
  readonly nodeOf: (value: Plain, origin: Origin) => Node;
  readonly plainOf: (node: Node) => Plain;
  /** The node at a path; undefined where nothing was written. */
  readonly at: (path: Path) => Node | undefined;
  /** The node at a path, or the nearest one above it; for when nothing is laid over it any more. */
  readonly nearest: (path: readonly PropertyKey[]) => Node;
  /** Lays a value over what is there; what is missing on the way is made, and what is of another shape is replaced. */
  readonly put: (path: Path, value: Plain, origin: Origin) => void;
}

/** Without a file, nothing is written yet. */
export function createWritten(file?: FileContents): Written {
  const { node, problems, originAt }: FileContents = file ?? {
    node: undefined,
    problems: [],
    originAt: () => fromDefault,
  };
  const laid = new Map<unknown, Origin>();
  /** What the library makes nodes with. */
  const document = new Document();

  function originOf(node: unknown): Origin {
    return laid.get(node) ?? originAt((isNode(node) ? node.range?.[0] : undefined) ?? 0);
  }

  function from<Made extends Node>(origin: Origin, made: Made): Made {
    visit(made, (_, each) => void laid.set(each, origin));
    return made;
  }

  const nodeOf = (value: Plain, origin: Origin): Node => from(origin, document.createNode(value) as Node);

  function overlay(below: unknown, [key, ...rest]: Path, value: Node, origin: Origin): Node {
    if (key === undefined) return value;
    if (typeof key === "number") {
      const list = isSeq(below) ? below : from(origin, new YAMLSeq());
      list.set(key, overlay(list.get(key, true), rest, value, origin));
      return list;
    }
    const map = isMap(below) ? below : from(origin, new YAMLMap());
    map.set(from(origin, new Scalar(key)), overlay(map.get(key, true), rest, value, origin));
    return map;
  }

  let root = node === undefined || isNothing(node) ? from(originAt(0), new YAMLMap()) : node;
  const at = (path: Path): Node | undefined =>
    path.length === 0 ? root : isCollection(root) ? (root.getIn(path, true) as Node | undefined) : undefined;
  const find = createFinder();
  return {
    problems,
    originOf,
    nodeOf,
    plainOf: (node) => node.toJS(document) as Plain,
    at,
    nearest: (path) => find(root, path),
    put(path, value, origin) {
      if (leavesHole(path, at)) problems.push(problemAt(origin, "index must follow the last block's", path));
      else root = overlay(root, path, nodeOf(value, origin), origin);
    },
  };
}

function leavesHole(path: Path, at: Written["at"]): boolean {
  return path.some((key, depth) => {
    if (typeof key !== "number") return false;
    const list = at(path.slice(0, depth));
    return key > (isSeq(list) ? list.items.length : 0);
  });
}

/** Finds the nearest node at each path. The library looks through a map entry by entry, which takes a minute for the largest. */
function createFinder(): (root: Node, path: readonly PropertyKey[]) => Node {
  const entries = new Map<YAMLMap, ReadonlyMap<string, unknown>>();

  function entriesOf(map: YAMLMap): ReadonlyMap<string, unknown> {
    const known = entries.get(map) ?? new Map(map.items.map((pair) => [keyOf(pair), pair.value]));
    entries.set(map, known);
    return known;
  }

  return (root, path) => {
    let node = root;
    for (const key of path) {
      const below = isMap(node)
        ? entriesOf(node).get(String(key))
        : isSeq(node)
          ? node.items[Number(key)]
          : undefined;
      if (!isNode(below)) break;
      node = below as Node;
    }
    return node;
  };
}

/** A key without a value, or with one that could not be read. */
export const isNothing = (node: unknown): boolean =>
  isScalar(node) && (node.value ?? undefined) === undefined;

/** The name of an entry; what is no scalar is refused as a key by the library. */
export const keyOf = ({ key }: Pair): string => String(isScalar(key) ? key.value : key);

/** A scalar as text; for an unquoted number that is its spelling in the file. */
export const textOf = ({ value, source }: Scalar): string =>
  typeof value === "string" ? value : (source ?? String(value));

/** The text with its references, where it had any: what a message may show. */
export const referenceOf = ({ value, source }: Scalar): string | undefined =>
  typeof value === "string" && value !== source ? source : undefined;

/** That is reported already. */
export const isUnread = (node: unknown): boolean => isScalar(node) && node.value === undefined;
