/** Reads a YAML file within bounds; what its aliases, merge keys and references stand for is put in their place. */
import {
  LineCounter,
  Scalar,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  parseDocument,
  type Pair,
  type YAMLError,
  type YAMLMap,
} from "yaml";
import { isUnread, keyOf, type FileContents, type Node } from "./document.ts";
import { interpolate, type Variable } from "./interpolate.ts";
import { problemAt, quote, type Origin, type Path, type Problem } from "./problem.ts";

/** Far beyond any real configuration, and small enough that the worst input costs a second at most. */
const largestFile = 256 * 1024;
/** Values in a file, each use of an alias counted: what a chain of aliases may unfold to. */
const mostValues = 20_000;
const deepestNesting = 32;

/** Never throws for what the file holds. */
export function readYaml(
  file: string,
  bytes: Uint8Array,
  variable: (name: string) => Variable,
): FileContents {
  const decoded = decode(bytes);
  if ("message" in decoded) return unreadFile({ kind: "file", file, line: 1, column: 1 }, decoded.message);
  const { text } = decoded;
  const lines = new LineCounter();
  const originAt = (offset: number): Origin => {
    const { line, col } = lines.linePos(offset);
    return { kind: "file", file, line, column: col };
  };
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    schema: "core",
    resolveKnownTags: false,
    stringKeys: true,
    // Checked below: the library compares every key with every other.
    uniqueKeys: false,
  });
  const [error] = document.errors;
  if (error !== undefined)
    return { node: undefined, problems: [syntaxProblem(error, text, originAt)], originAt };
  const problems = document.warnings.map(({ pos, message }) =>
    problemAt(originAt(pos[0]), `cannot parse yaml: ${worded(message)}`),
  );
  const unfolding = { text, problems, variable, originAt, anchors: new Map<string, Anchor>(), values: 0 };
  const { contents } = document;
  return { node: contents === null ? undefined : unfold(contents, [], unfolding), problems, originAt };
}

function decode(bytes: Uint8Array): { readonly text: string } | { readonly message: string } {
  if (bytes.length > largestFile)
    return { message: `file must be at most ${largestFile} bytes, got ${bytes.length}` };
  const binary = bytes.indexOf(0);
  if (binary >= 0) return { message: `file must be UTF-8 text, got a NUL at byte ${binary}` };
  try {
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch {
    return { message: "file must be UTF-8 text, got other bytes" };
  }
}

/** In place of a file that can't be read. */
export function unreadFile(origin: Origin, message: string): FileContents {
  return { node: undefined, problems: [problemAt(origin, message)], originAt: () => origin };
}

interface Anchor {
  readonly node: Node;
  /** How many there are in it, itself included. */
  readonly values: number;
}

/** One file being unfolded. */
interface Unfolding {
  readonly text: string;
  readonly problems: Problem[];
  readonly anchors: Map<string, Anchor>;
  readonly variable: (name: string) => Variable;
  readonly originAt: (offset: number) => Origin;
  values: number;
}

/** Puts what it stands for in place of every alias, merge key and reference. */
function unfold(node: unknown, path: Path, file: Unfolding): Node {
  if (isAlias(node)) {
    const anchor = file.anchors.get(node.source);
    if (anchor !== undefined)
      return isWithinBounds(node, anchor.values, path, file) ? (anchor.node.clone() as Node) : scalarAt(node);
    // Not what was got: a password that begins with * reads as an alias.
    const message = "alias must name an anchor above it; a text that begins with * must be in quotes";
    report(node, message, path, file);
    return scalarAt(node);
  }
  const { values } = file;
  if (!isWithinBounds(node, 1, path, file)) return scalarAt(node);
  const anchor = isNode(node) ? node.anchor : undefined;
  // From here on it names this node, which is not complete: an alias inside would never end.
  if (anchor !== undefined) file.anchors.delete(anchor);
  const unfolded = unfoldInside(node, path, file);
  // A node inside that has the same name came later.
  if (anchor !== undefined && !file.anchors.has(anchor))
    file.anchors.set(anchor, { node: unfolded, values: file.values - values });
  return unfolded;
}

function unfoldInside(node: unknown, path: Path, file: Unfolding): Node {
  if (isMap(node)) node.items = entriesOf(node, path, file);
  else if (isSeq(node)) node.items = node.items.map((item, index) => unfold(item, [...path, index], file));
  else if (isScalar(node)) replaceReferences(node, path, file);
  return node as Node;
}

function entriesOf(map: YAMLMap, path: Path, file: Unfolding): Pair[] {
  const entries = new Map<string, Pair>();
  const merged: Node[] = [];
  for (const pair of map.items) {
    const key = keyOf(pair);
    // Without quotes, as Prometheus takes it.
    const isMergeKey = key === "<<" && isScalar(pair.key) && pair.key.type === "PLAIN";
    if (isMergeKey) merged.push(unfold(pair.value, path, file));
    else if (entries.has(key)) report(pair.key, `key must be unique, got ${quote(key)} twice`, path, file);
    else {
      pair.value = unfold(pair.value ?? scalarAt(pair.key, null), [...path, key], file);
      entries.set(key, pair);
    }
  }
  // What a map has itself wins, and of several that are merged the first (https://yaml.org/type/merge.html).
  for (const from of merged.flatMap((node) => (isSeq(node) ? (node.items as Node[]) : [node]))) {
    if (isMap(from)) {
      for (const pair of from.items) if (!entries.has(keyOf(pair))) entries.set(keyOf(pair), pair);
    } else if (!isUnread(from)) {
      const message = "merge key << must be given a map, or a list of maps, as *anchor names one";
      report(from, message, path, file);
    }
  }
  return [...entries.values()];
}

function replaceReferences(node: Scalar, path: Path, file: Unfolding): void {
  const { value } = node;
  if (typeof value !== "string") return;
  const result = interpolate(value, file.variable);
  if (result.ok) {
    node.value = result.text;
    return;
  }
  // Where the reference itself stands inside a longer value.
  const [start, end] = node.range ?? [0, 0];
  const [reference = "$"] = /^\$\{?\w*/.exec(value.slice(result.at)) ?? [];
  const at = start + Math.max(0, file.text.slice(start, end).indexOf(reference));
  file.problems.push(problemAt(file.originAt(at), result.message, path));
  node.value = undefined;
}

function isWithinBounds(node: unknown, values: number, path: Path, file: Unfolding): boolean {
  const isTooDeep = path.length > deepestNesting;
  const isReported = file.values === Infinity;
  file.values += values;
  if (file.values <= mostValues && !isTooDeep) return true;
  // Said once; the rest of the file is not looked at.
  file.values = Infinity;
  const message = isTooDeep
    ? `nesting must be at most ${deepestNesting} deep`
    : `file must hold at most ${mostValues} values, aliases unfolded`;
  if (!isReported) report(node, message, path, file);
  return false;
}

function report(node: unknown, message: string, path: Path, { problems, originAt }: Unfolding): void {
  problems.push(problemAt(originAt(offsetOf(node)), message, path));
}

const offsetOf = (node: unknown): number => (isNode(node) ? (node.range?.[0] ?? 0) : 0);

/** Where another node stands: null for a key without a value, undefined for what can't be read. */
function scalarAt(node: unknown, value?: null): Scalar {
  const at = offsetOf(node);
  return Object.assign(new Scalar(value), { range: [at, at, at] });
}

/** The first one only: the others are mostly its consequences. */
function syntaxProblem(error: YAMLError, text: string, originAt: (offset: number) => Origin): Problem {
  const [at] = error.pos;
  const hint = hasBareReference(lineAt(text, at))
    ? "; a ${reference} inside braces or brackets must be in quotes"
    : "";
  return problemAt(originAt(at), `cannot parse yaml: ${worded(error.message)}${hint}`);
}

function lineAt(text: string, at: number): string {
  const end = text.indexOf("\n", at);
  return text.slice(text.lastIndexOf("\n", at - 1) + 1, end < 0 ? text.length : end);
}

/** `{ key: ${NAME} }`: YAML takes the reference's own brace for a map. */
function hasBareReference(line: string): boolean {
  const opening = line.search(/[{[]/);
  return opening >= 0 && /[^"'$]\$\{/.test(line.slice(opening));
}

/**
 * In the house grammar, and without what the library quotes from the file: a password that begins with `|`, `*` or `!` and is
 * not in quotes is a syntax error, and would be in its message.
 */
function worded(message: string): string {
  const unquoted = message.replace(/(?<=[\w)]): .*$/s, "").replace(/^(Invalid escape sequence) .*$/s, "$1");
  return unquoted.charAt(0).toLowerCase() + unquoted.slice(1).replace(/\.$/, "");
}
