/** Turns what was written into what applies: defaults filled in, text given its type, unknown keys refused. */
import { type Field, type Plain } from "./field.ts";
import {
  formatPath,
  fromDefault,
  problemAt,
  quote,
  type Origin,
  type Path,
  type Problem,
} from "./problem.ts";
import { suggestion } from "./suggest.ts";
import { isList, isNothing, nodeOf, plainOf, type MapNode, type Node, type ScalarNode } from "./tree.ts";

interface Settling {
  /** Where each value comes from, by its path. Containers have none, unless they are empty. */
  readonly origins: Map<string, Origin>;
  readonly problems: Problem[];
  /** References in defaults. */
  readonly defaultText: (text: string) => string;
  /** Makes the name of a file absolute. */
  readonly absolute: (text: string, origin: Origin) => string;
  /** A key that the schema lacks but the user knows from Prometheus. */
  readonly unsupported: (path: Path) => boolean;
}

/**
 * The value for the schema, as a file would write it; undefined where nothing was written and there is no default.
 * A key without a value counts as not written.
 */
export function settle(node: Node | undefined, field: Field, path: Path, to: Settling): Plain | undefined {
  if (node === undefined || isNothing(node)) {
    if (field.fallback === undefined) return undefined;
    return settle(nodeOf(field.fallback, fromDefault, to.defaultText), field, path, to);
  }
  const value = valueOf(structured(node, field), field, path, to);
  if (isLeaf(value)) to.origins.set(formatPath(path), node.origin);
  return value;
}

function valueOf(node: Node, field: Field, path: Path, to: Settling): Plain {
  switch (field.kind) {
    case "section":
      return node.kind === "map" ? sectionOf(node, field.fields, path, to) : plainOf(node);
    case "record":
      return node.kind === "map" ? recordOf(node, field.values, path, to) : plainOf(node);
    case "list":
      if (node.kind !== "list") return plainOf(node);
      return node.items.map((item, index) => settle(item, field.items(), [...path, index], to) ?? null);
    case "either":
      return eitherOf(node, field.options, path, to);
    case "choice":
      return node.kind === "scalar" ? node.text : plainOf(node);
    case "scalar":
      return node.kind === "scalar" ? scalarOf(node, field.type, path, to) : plainOf(node);
  }
}

function sectionOf(node: MapNode, fields: ReadonlyMap<string, Field>, path: Path, to: Settling): Plain {
  for (const [key, { origin }] of node.entries) {
    if (!fields.has(key))
      to.problems.push({ origin, path: formatPath(path), message: unknownKey(key, fields, path, to) });
  }
  const entries = [...fields].flatMap(([key, field]): [string, Plain][] => {
    const value = settle(node.entries.get(key)?.node, field, [...path, key], to);
    return value === undefined ? [] : [[key, value]];
  });
  return Object.fromEntries(entries);
}

function unknownKey(key: string, fields: ReadonlyMap<string, Field>, path: Path, to: Settling): string {
  if (to.unsupported([...path, key])) return `key '${key}' is not supported`;
  const word = /^[\w.-]{1,64}(?![\w.-])/.exec(key)?.[0];
  if (word === undefined) return `unknown key ${quote(key)}`;
  if (word === key) return `unknown key '${key}'${suggestion(key, fields.keys())}`;
  // `password hunter2`: what stands behind the first word may be a secret.
  return `unknown key '${word}' with more behind it: is its colon missing?`;
}

function recordOf(node: MapNode, values: Field, path: Path, to: Settling): Plain {
  const reserved = node.entries.get("__proto__");
  if (reserved !== undefined) {
    // The schema would drop it silently.
    to.problems.push(problemAt(reserved.origin, "name must not be __proto__", path));
  }
  return Object.fromEntries(
    [...node.entries].map(([key, entry]) => [key, settle(entry.node, values, [...path, key], to) ?? null]),
  );
}

/** By the option of the shape that was written; another shape is left to the schema to refuse. */
function eitherOf(node: Node, options: readonly Field[], path: Path, to: Settling): Plain {
  const fits = { map: ["section", "record"], list: ["list"], scalar: ["choice", "scalar"] }[node.kind];
  const option = options.find(({ kind }) => fits.includes(kind));
  return option === undefined ? plainOf(node) : valueOf(node, option, path, to);
}

/** YAML reads `job: 123` as a number; the key decides what it is, as in Prometheus. */
function scalarOf(node: ScalarNode, type: "string" | "number" | "boolean", path: Path, to: Settling): Plain {
  const { value, text } = node;
  switch (type) {
    case "string":
      return namesFile(path) ? to.absolute(text, node.origin) : text;
    case "number":
      return isText(node) && /^-?[0-9]+(?:\.[0-9]+)?$/.test(text) ? Number(text) : value;
    case "boolean":
      return isText(node) && /^(?:true|false)$/.test(text) ? text === "true" : value;
  }
}

/** Text without a type of its own: from a variable, from the environment or from a flag. */
function isText(node: ScalarNode): boolean {
  return typeof node.value === "string" && (node.reference !== undefined || node.origin.kind !== "file");
}

function namesFile(path: Path): boolean {
  const name = formatPath(path);
  return name.endsWith("_file") || name === "journal.path" || name === "log.file";
}

/**
 * A list or a map that the environment or a flag gives as text: JSON, or the simple forms `a,b` and `a=1,b=2`.
 * Values in a file are never taken apart, so that a variable can't add structure to it.
 */
function structured(node: Node, field: Field): Node {
  if (node.kind !== "scalar" || typeof node.value !== "string") return node;
  if (node.origin.kind !== "environment" && node.origin.kind !== "flag") return node;
  const plain = takenApart(node.value.trim(), field);
  return plain === undefined ? node : nodeOf(plain, node.origin);
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
