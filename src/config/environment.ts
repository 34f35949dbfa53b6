/** MAC_POWERMETRICS_* variables: which key each one sets. */
import type { Field } from "./field.ts";
import type { Path } from "./problem.ts";
import { suggestion } from "./suggest.ts";
import { nodeOf, type Node } from "./tree.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** A value for one key, to be laid over what the file says. */
export interface Setting {
  readonly path: Path;
  readonly node: Node;
}

const prefix = "MAC_POWERMETRICS_";
/** Variables that are not keys of the configuration: the file's own path, and the simulator's arguments. */
const others = new Set([`${prefix}CONFIG`, `${prefix}SIMULATE`]);

/** Settings, containers before what is inside them, and a warning for each variable that names no key. An empty variable counts as unset. */
export function readEnvironment(
  env: Environment,
  root: Field,
): { readonly settings: readonly Setting[]; readonly warnings: readonly string[] } {
  const settings: Setting[] = [];
  const warnings: string[] = [];
  const names = Object.keys(env).filter((name) => name.startsWith(prefix) && !others.has(name));
  for (const variable of names.toSorted(byNumber)) {
    const value = env[variable];
    if (value === undefined || value === "") continue;
    const path = pathFor(variable.slice(prefix.length), root);
    if (path === undefined) warnings.push(unknownVariable(variable, root));
    else settings.push({ path, node: nodeOf(value, { kind: "environment", variable }) });
  }
  return { settings, warnings };
}

/** `SOURCES_POWERMETRICS_INTERVAL` → its path; `REMOTE_WRITE_0_URL` reaches into the first block of a list. */
function pathFor(name: string, field: Field): Path | undefined {
  if (name === "") return [];
  for (const [key, below, rest] of steps(name, field)) {
    const path = pathFor(rest, below);
    if (path !== undefined) return [key, ...path];
  }
  return undefined;
}

function steps(name: string, field: Field): [string | number, Field, string][] {
  if (field.kind === "list") {
    const [index, digits] = /^([0-9]{1,3})(?:_|$)/.exec(name) ?? [];
    return index === undefined ? [] : [[Number(digits), field.items(), name.slice(index.length)]];
  }
  if (field.kind !== "section") return [];
  return [...field.fields].flatMap(([key, below]): [string, Field, string][] => {
    const upper = key.toUpperCase();
    if (name === upper) return [[key, below, ""]];
    return name.startsWith(`${upper}_`) ? [[key, below, name.slice(upper.length + 1)]] : [];
  });
}

/** Every variable that a configuration without lists of blocks can have. */
export function variables(field: Field, name = "MAC_POWERMETRICS"): string[] {
  if (field.kind !== "section") return [name];
  return [...field.fields].flatMap(([key, below]) => variables(below, `${name}_${key.toUpperCase()}`));
}

function unknownVariable(variable: string, root: Field): string {
  return `${variable}: unknown variable${suggestion(variable, variables(root))}`;
}

const byNumber = (a: string, b: string): number => a.localeCompare(b, "en", { numeric: true });
