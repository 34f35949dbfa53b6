/** Lays the environment's variables over and under a document: MAC_POWERMETRICS_* above the file, OTEL_* below it. */
import { isMap, isSeq } from "yaml";
import { otlpFromEnvironment } from "../sink/otlp/environment.ts";
import type { Written } from "./document.ts";
import type { Field } from "./field.ts";
import { problemAt, suggestion, type Origin, type Path } from "./problem.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

const prefix = "MAC_POWERMETRICS_";
/** Variables that are not keys of the configuration: the file's own path, and the simulator's arguments. */
const others = new Set([`${prefix}CONFIG`, `${prefix}SIMULATE`]);

/** Containers come before what is inside them; an empty variable counts as unset. Returns a warning for each variable that names no key. */
export function layEnvironment(env: Environment, root: Field, written: Written): string[] {
  const warnings: string[] = [];
  const names = Object.keys(env).filter((name) => name.startsWith(prefix) && !others.has(name));
  for (const variable of names.toSorted(byNumber)) {
    const value = env[variable];
    if (value === undefined || value === "") continue;
    const path = pathFor(variable.slice(prefix.length), root);
    if (path === undefined) warnings.push(unknownVariable(variable, root));
    else written.put(path, value, fromVariable(variable));
  }
  return warnings;
}

const fromVariable = (variable: string): Origin => ({ kind: "environment", variable });

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

interface OpenTelemetry {
  /** Adds the receiver that the variables name where the file names none; `otlp: []` says that there shall be none. */
  readonly addReceiver: () => void;
  /** Adds the resource that the variables name to every block, below the block's own attributes. */
  readonly addResource: () => void;
}

/** The OTEL_* variables, for a document to which settings of higher precedence are added in between. */
export function openTelemetry(env: Environment, written: Written): OpenTelemetry {
  const found = otlpFromEnvironment(env);

  function lay(index: number, settings: typeof found.block): void {
    for (const { variable, path, value } of settings) {
      const full = ["otlp", index, ...path];
      if (written.at(full) === undefined) written.put(full, value, fromVariable(variable));
    }
  }

  /** What is wrong with the variables that are used. */
  function report(isResource: boolean): void {
    for (const { variable, message } of found.problems)
      if ((variable === "OTEL_RESOURCE_ATTRIBUTES") === isResource)
        written.problems.push(problemAt(fromVariable(variable), message));
  }

  return {
    addReceiver() {
      if (!isMap(written.at([])) || written.at(["otlp"]) !== undefined || found.block.length === 0) return;
      report(false);
      lay(0, found.block);
    },
    addResource() {
      const list = written.at(["otlp"]);
      if (!isSeq(list) || list.items.length === 0) return;
      report(true);
      // A job that was written names the service, too.
      const hasJob = written.at(["global", "job"]) !== undefined;
      const resource = found.resource.filter(({ path }) => !hasJob || path.at(-1) !== "service.name");
      for (const [index, block] of list.items.entries()) if (isMap(block)) lay(index, resource);
    },
  };
}
