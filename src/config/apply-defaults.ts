/** Turns what was written into what applies: defaults filled in, text given its type, unknown keys refused. */
import { isMap, isScalar, isSeq, type Scalar, type YAMLMap } from "yaml";
import { isNothing, keyOf, referenceOf, textOf, type Node, type Written } from "./document.ts";
import { isList, type Field, type Plain } from "./field.ts";
import { formatPath, fromDefault, problemAt, quote, suggestion, type Origin, type Path } from "./problem.ts";

export interface Rules {
  /** Replaces the references in a default. */
  readonly defaultText: (text: string) => string;
  /** Makes the name of a file absolute. */
  readonly absolute: (text: string, origin: Origin) => string;
  /** For a key that the schema lacks but the user knows from Prometheus: what to do instead, or nothing to say. */
  readonly unsupported: (path: Path) => string | undefined;
  /** For a key that may stay although it has no effect: what holds instead. */
  readonly ignored: (path: Path) => string | undefined;
}

export interface Applied {
  /** For the schema, as a file would write it. */
  readonly value: Plain | undefined;
  /** Where each value comes from, by its path. Containers have none, unless they are empty. */
  readonly origins: ReadonlyMap<string, Origin>;
  /** One line for each key without an effect. */
  readonly ignoredKeys: readonly string[];
}

interface Applying extends Rules {
  readonly written: Written;
  readonly origins: Map<string, Origin>;
  readonly ignoredKeys: string[];
}

/** A key without a value counts as not written. Problems are added to those of `written`. */
export function applyDefaults(written: Written, field: Field, rules: Rules): Applied {
  const origins = new Map<string, Origin>();
  const ignoredKeys: string[] = [];
  const value = apply(written.at([]), field, [], { ...rules, written, origins, ignoredKeys });
  return { value, origins, ignoredKeys };
}

/** Undefined where nothing was written and there is no default. */
function apply(node: unknown, field: Field, path: Path, to: Applying): Plain | undefined {
  if (node === undefined || isNothing(node)) {
    const { fallback } = field;
    if (fallback === undefined) return undefined;
    const value = typeof fallback === "string" ? to.defaultText(fallback) : fallback;
    return apply(to.written.nodeOf(value, fromDefault), field, path, to);
  }
  const given = structured(node as Node, field, to.written);
  const value = valueOf(given, field, path, to);
  if (isLeaf(value)) to.origins.set(formatPath(path), to.written.originOf(given));
  return value;
}

function valueOf(node: Node, field: Field, path: Path, to: Applying): Plain {
  switch (field.kind) {
    case "section":
      if (isMap(node)) return sectionOf(node, field.fields, path, to);
      break;
    case "record":
      if (isMap(node)) return recordOf(node, field.values, path, to);
      break;
    case "list":
      if (!isSeq(node)) break;
      return node.items.map((item, index) => apply(item, field.items(), [...path, index], to) ?? null);
    case "either": {
      const option = optionFor(node, field.options);
      if (option !== undefined) return valueOf(node, option, path, to);
      break;
    }
    case "choice":
      if (isScalar(node)) return textOf(node);
      break;
    case "scalar":
      if (isScalar(node)) return scalarOf(node, field.type, path, to);
  }
  return to.written.plainOf(node);
}

function sectionOf(node: YAMLMap, fields: ReadonlyMap<string, Field>, path: Path, to: Applying): Plain {
  const { originOf, problems } = to.written;
  for (const pair of node.items) {
    const key = keyOf(pair);
    if (fields.has(key)) continue;
    const instead = to.ignored([...path, key]);
    if (instead === undefined)
      problems.push(problemAt(originOf(pair.key), unknownKey(key, fields, path, to), path));
    else to.ignoredKeys.push(`${formatPath([...path, key])}: has no effect, ${instead}`);
  }
  const entries = [...fields].flatMap(([key, field]): [string, Plain][] => {
    const value = apply(node.get(key, true), field, [...path, key], to);
    return value === undefined ? [] : [[key, value]];
  });
  return Object.fromEntries(entries);
}

function unknownKey(key: string, fields: ReadonlyMap<string, Field>, path: Path, to: Applying): string {
  const instead = to.unsupported([...path, key]);
  if (instead !== undefined) return `key '${key}' is not supported${instead === "" ? "" : `: ${instead}`}`;
  const word = /^[\w.-]{1,64}(?![\w.-])/.exec(key)?.[0];
  if (word === undefined) return `unknown key ${quote(key)}`;
  if (word === key) return `unknown key '${key}'${suggestion(key, fields.keys())}`;
  // `password hunter2`: what stands behind the first word may be a secret.
  return `unknown key '${word}' with more behind it: is its colon missing?`;
}

function recordOf(node: YAMLMap, values: Field, path: Path, to: Applying): Plain {
  const entries = node.items.map((pair): [string, Plain] => {
    const key = keyOf(pair);
    if (key === "__proto__") {
      // The schema would drop it silently.
      to.written.problems.push(problemAt(to.written.originOf(pair.key), "name must not be __proto__", path));
    }
    return [key, apply(pair.value, values, [...path, key], to) ?? null];
  });
  return Object.fromEntries(entries);
}

/** The option of the shape that was written; another shape is left to the schema to refuse. */
function optionFor(node: Node, options: readonly Field[]): Field | undefined {
  const fits = isMap(node) ? ["section", "record"] : isSeq(node) ? ["list"] : ["choice", "scalar"];
  return options.find(({ kind }) => fits.includes(kind));
}

/** YAML reads `job: 123` as a number; the key decides what it is, as in Prometheus. */
function scalarOf(node: Scalar, type: "string" | "number" | "boolean", path: Path, to: Applying): Plain {
  const text = textOf(node);
  const origin = to.written.originOf(node);
  if (type === "string") return namesFile(path) ? to.absolute(text, origin) : text;
  const value = node.value as Plain;
  // Text has a type of its own in a file only.
  if (typeof value !== "string" || (origin.kind === "file" && referenceOf(node) === undefined)) return value;
  if (type === "number") return /^-?[0-9]+(?:\.[0-9]+)?$/.test(text) ? Number(text) : value;
  return /^(?:true|false)$/.test(text) ? text === "true" : value;
}

function namesFile(path: Path): boolean {
  const name = formatPath(path);
  const isListed = /\.file_sd_configs\[\d+\]\.files\[\d+\]$/.test(name);
  return isListed || name.endsWith("_file") || name === "journal.path" || name === "log.file";
}

/**
 * A list or a map that the environment or a flag gives as text: JSON, or the simple forms `a,b` and `a=1,b=2`.
 * Values in a file are never taken apart, so that a variable can't add structure to it.
 */
function structured(node: Node, field: Field, { originOf, nodeOf }: Written): Node {
  const origin = originOf(node);
  if (origin.kind === "file" || origin.kind === "default") return node;
  if (!isScalar(node) || typeof node.value !== "string") return node;
  const plain = takenApart(node.value.trim(), field);
  return plain === undefined ? node : nodeOf(plain, origin);
}

function takenApart(text: string, field: Field): Plain | undefined {
  switch (field.kind) {
    case "section":
      return json(text, "{");
    case "record":
      return json(text, "{") ?? pairs(text);
    case "list":
      return json(text, "[") ?? (isLeafField(field.items()) ? words(text) : undefined);
    case "either": {
      const isChoice = field.options.some(
        (option) => option.kind === "choice" && option.choices.includes(text),
      );
      const list = field.options.find(({ kind }) => kind === "list");
      return isChoice || list === undefined ? undefined : takenApart(text, list);
    }
    case "scalar":
    case "choice":
      return undefined;
  }
}

function json(text: string, opening: string): Plain | undefined {
  if (!text.startsWith(opening)) return undefined;
  try {
    return JSON.parse(text) as Plain;
  } catch {
    return undefined;
  }
}

const words = (text: string): Plain => text.split(",").map((word) => word.trim());

/** On one line: a line break is more likely a slip than part of a value, and JSON can say it. */
function pairs(text: string): Plain | undefined {
  if (/[\r\n]/.test(text)) return undefined;
  const found = text.split(",").map((pair) => {
    const [key = "", ...value] = pair.split("=");
    return [key.trim(), value.length === 0 ? undefined : value.join("=").trim()] as const;
  });
  if (found.some(([key, value]) => key === "" || value === undefined)) return undefined;
  return Object.fromEntries(found);
}

const isLeafField = ({ kind }: Field): boolean => kind === "scalar" || kind === "choice";

function isLeaf(value: Plain): boolean {
  if (isList(value)) return value.length === 0;
  return value === null || typeof value !== "object" || Object.keys(value).length === 0;
}
