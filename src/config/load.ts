/**
 * Loads a configuration: flag > MAC_POWERMETRICS_* > file > OTEL_* > default become one configuration, or the list of all that
 * is wrong.
 */
import { posix } from "node:path";
import { environmentFileOf, parseEnvironmentFile } from "./env-file.ts";
import { readEnvironment, type Setting } from "./environment.ts";
import { fieldOf, type Field, type Plain } from "./field.ts";
import type { Variable } from "./interpolate.ts";
import { problemsOf, wording } from "./issue.ts";
import { namedFile, stateFolder, usualFiles, type Place } from "./locate.ts";
import { openTelemetry } from "./otel.ts";
import {
  formatPath,
  fromDefault,
  inReadingOrder,
  problemAt,
  type Origin,
  type Path,
  type Problem,
} from "./problem.ts";
import { redact } from "./redact.ts";
import { configurationSchema, type Configuration } from "./schema.ts";
import { settle } from "./settle.ts";
import { unsupportedSinkKeys } from "./sinks.ts";
import { isList, isNothing, nodeOf, overlay, type Node } from "./tree.ts";
import { warningsOf } from "./warnings.ts";
import { readYaml } from "./yaml.ts";

export interface LoadWorld extends Place {
  /** The file named by `--config`. */
  readonly path?: string;
  /** Values from the command line by dotted path: `{ "log.level": "debug" }`. */
  readonly flags: Readonly<Record<string, Plain>>;
  /** Value of `${HOST}`. */
  readonly hostname: string;
  /** What `${SERIAL}`, `${HARDWARE_UUID}`, `${COMPUTER_NAME}` and `${HOSTNAME}` stand for; undefined for other names. */
  systemName?(name: string): Variable;
  /** Relative paths in flags and variables start here; those in a file start at the file's folder. */
  readonly cwd: string;
  /** As `readFileSync`: throws an error with a `code` for a file that can't be read. */
  readFile(path: string): Uint8Array;
  /** Warnings about a secret's file that others may read, or that the account of this name may not read again. */
  secretFileWarning?(path: string, account: string): string | undefined;
}

/** An RE2 expression that is yet to be compiled. */
export interface Expression {
  /** `remote_write[0].write_relabel_configs[1].regex` */
  readonly path: string;
  readonly origin: Origin;
  readonly text: string;
}

export interface Loaded {
  readonly ok: true;
  readonly configuration: Configuration;
  /** By path, as `remote_write[0].url`. */
  readonly origins: ReadonlyMap<string, Origin>;
  readonly warnings: readonly string[];
  /** Absent when defaults, flags and variables are all there is. */
  readonly file?: string;
  /** The effective values as a file would write them, secrets hidden. */
  readonly printable: Plain;
  readonly expressions: readonly Expression[];
}

export interface Refused {
  readonly ok: false;
  /** In reading order, never empty. */
  readonly problems: readonly Problem[];
  /** Of the variables; the others need a configuration that is valid. */
  readonly warnings: readonly string[];
  readonly file?: string;
  readonly expressions: readonly Expression[];
}

interface Written {
  readonly root: Node;
  readonly file?: string;
  readonly problems: Problem[];
  readonly warnings: readonly string[];
}

/** Never throws for what files, variables or flags hold. */
export function loadConfiguration(world: LoadWorld): Loaded | Refused {
  const field = fieldOf(configurationSchema);
  const { root, problems, warnings, file } = written(world, field);
  const origins = new Map<string, Origin>();
  const input = settle(root, field, [], {
    origins,
    problems,
    defaultText: (text) => defaultText(text, world),
    absolute: (text, origin) => absolute(text, origin, world),
    unsupported: isUnsupported,
  });
  // Compiling a parser for a single use costs more than it saves.
  const result = configurationSchema.safeParse(input, { error: wording(root, field), jitless: true });
  if (!result.success) problems.push(...problemsOf(result.error.issues, root));
  const from = { ...(file !== undefined && { file }), expressions: expressionsIn(input, origins) };
  if (!result.success || problems.length > 0)
    return { ok: false, problems: inReadingOrder(problems), warnings, ...from };
  return {
    ok: true,
    configuration: result.data,
    origins,
    warnings: [...warnings, ...warningsOf(result.data, world, file)],
    printable: redact(input ?? {}, field),
    ...from,
  };
}

/** Those that were written; a default is known to be one. */
function expressionsIn(value: Plain | undefined, origins: Loaded["origins"], path: Path = []): Expression[] {
  if (typeof value === "string") {
    const [section, , list, , key] = path;
    if (section !== "remote_write" || list !== "write_relabel_configs" || key !== "regex") return [];
    const origin = origins.get(formatPath(path)) ?? fromDefault;
    return origin.kind === "default" ? [] : [{ path: formatPath(path), origin, text: value }];
  }
  if (value === undefined || value === null || typeof value !== "object") return [];
  if (isList(value)) return value.flatMap((item, index) => expressionsIn(item, origins, [...path, index]));
  return Object.entries(value).flatMap(([key, item]) => expressionsIn(item, origins, [...path, key]));
}

/** Everything that was written anywhere, as one tree. */
function written(outside: LoadWorld, field: Field): Written {
  const { problems, file, world, ...read } = readConfigurationFile(outside);
  const { settings, warnings } = readEnvironment(world.env, field);
  const empty = nodeOf({}, file === undefined ? fromDefault : startOf(file));
  const otel = openTelemetry(world.env);
  let root = otel.underFile(read.root === undefined || isNothing(read.root) ? empty : read.root);
  for (const { path, node } of [...settings, ...flagSettings(world.flags)]) {
    const laid = overlay(root, path, node);
    if (laid !== undefined) root = laid;
    else problems.push(problemAt(node.origin, "index must follow the last block's", path));
  }
  const complete = otel.underBlocks(root);
  problems.push(...otel.problems());
  return { root: complete, problems, warnings, ...(file !== undefined && { file }) };
}

interface ReadConfiguration {
  readonly root?: Node;
  readonly file?: string;
  readonly problems: Problem[];
  /** With the variables of the file beside the configuration. */
  readonly world: LoadWorld;
}

function readConfigurationFile(outside: LoadWorld): ReadConfiguration {
  const named = namedFile(outside.path, outside.env);
  for (const candidate of named === undefined ? usualFiles(outside) : [named]) {
    const file = posix.resolve(outside.cwd, candidate);
    const bytes = readBytes(file, outside);
    if (bytes instanceof Uint8Array) {
      const beside = readEnvironmentFile(candidate, outside);
      const world = { ...outside, env: { ...beside.variables, ...outside.env } };
      const { root, problems } = readYaml(candidate, bytes, (name) => variable(name, world));
      // Without its variables every reference to one would be a problem, too.
      const all = beside.problems.length > 0 ? beside.problems : problems;
      return { ...(root !== undefined && { root }), file: candidate, problems: [...all], world };
    }
    if (named === undefined && bytes.missing) continue;
    return { file: candidate, problems: [problemAt(startOf(candidate), bytes.message)], world: outside };
  }
  return { problems: [], world: outside };
}

/** Most configurations have none. */
function readEnvironmentFile(
  configuration: string,
  world: LoadWorld,
): ReturnType<typeof parseEnvironmentFile> {
  const file = environmentFileOf(configuration);
  const bytes = readBytes(posix.resolve(world.cwd, file), world);
  if (bytes instanceof Uint8Array) return parseEnvironmentFile(file, bytes);
  return { variables: {}, problems: bytes.missing ? [] : [problemAt(startOf(file), bytes.message)] };
}

function readBytes(file: string, world: LoadWorld): Uint8Array | { missing: boolean; message: string } {
  try {
    return world.readFile(file);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    const cause = readFailures[code] ?? (error instanceof Error ? error.message : String(error));
    return { missing: code === "ENOENT" || code === "ENOTDIR", message: `cannot read file: ${cause}` };
  }
}

const readFailures: Readonly<Partial<Record<string, string>>> = {
  ENOENT: "no such file",
  ENOTDIR: "no such file",
  EISDIR: "it is a folder",
  EACCES: "permission denied",
};

const startOf = (file: string): Origin => ({ kind: "file", file, line: 1, column: 1 });

function flagSettings(flags: LoadWorld["flags"]): Setting[] {
  return Object.entries(flags).map(([path, value]) => ({
    path: path.split("."),
    node: nodeOf(value, { kind: "flag", name: path }),
  }));
}

/** An empty variable does not hide what the system says: a name without characters identifies nothing. */
function variable(name: string, world: LoadWorld): Variable {
  const given = Object.hasOwn(world.env, name) ? world.env[name] : builtIn(name, world);
  return given === undefined || given === "" ? (world.systemName?.(name) ?? given) : given;
}

function builtIn(name: string, world: LoadWorld): string | undefined {
  if (name === "HOST") return world.hostname;
  return name === "STATE_DIRECTORY" ? stateFolder(world) : undefined;
}

/** Defaults know the agent's own two names only: an exported HOST must not rename the instance. */
function defaultText(text: string, world: LoadWorld): string {
  return text.replace(/\$\{([A-Z_]+)\}/g, (reference, name: string) => builtIn(name, world) ?? reference);
}

function absolute(text: string, origin: Origin, { home, cwd }: LoadWorld): string {
  if (text === "" || text.startsWith("/")) return text;
  if (text.startsWith("~/")) return posix.join(home, text.slice(2));
  return posix.join(origin.kind === "file" ? posix.resolve(cwd, posix.dirname(origin.file)) : cwd, text);
}

function isUnsupported(path: Path): boolean {
  const [section, , ...keys] = path;
  if (section === undefined || !Object.hasOwn(unsupportedSinkKeys, section)) return false;
  return unsupportedSinkKeys[section]?.includes(keys.join(".")) === true;
}
