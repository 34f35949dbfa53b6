/**
 * Loads a configuration: flag > MAC_POWERMETRICS_* > file > OTEL_* > default become one configuration, or the list of all that
 * is wrong.
 *
 * Read next `document.ts` and `read-yaml.ts`, what was written; `environment.ts`, what variables say; `apply-defaults.ts` and `validate.ts`, what
 * applies and what is wrong with it; `schema.ts`, the rules.
 */
import { posix } from "node:path";
import { codeOf } from "../runtime/cause.ts";
import { defined } from "../runtime/defined.ts";
import { readableAdvice } from "../runtime/files.ts";
import { createWritten, type Written } from "./document.ts";
import { environmentFileOf, parseEnvironmentFile } from "./env-file.ts";
import { layEnvironment, openTelemetry } from "./environment.ts";
import { fieldOf, isList, type Field, type Plain } from "./field.ts";
import type { Variable } from "./interpolate.ts";
import { namedFile, stateFolder, usualFiles, type Place } from "./locate.ts";
import { redact } from "./print.ts";
import {
  formatPath,
  fromDefault,
  inReadingOrder,
  problemAt,
  wholeOf,
  type Origin,
  type Path,
  type Problem,
} from "./problem.ts";
import { readYaml, unreadFile } from "./read-yaml.ts";
import { configurationSchema, type Configuration } from "./schema.ts";
import { ignoredKeys as ignoredKeysOf, insteadOf, unsupportedKeys } from "./blocks.ts";
import { validate } from "./validate.ts";
import { warningsOf } from "./warnings.ts";

export interface LoadContext extends Place {
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
  /** HTTPS_PROXY and its like, of the environment or of mdm.env beside the file. */
  readonly proxies: Readonly<Record<string, string>>;
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

/** Never throws for what files, variables or flags hold. */
export function loadConfiguration(context: LoadContext): Loaded | Refused {
  const field = fieldOf(configurationSchema);
  const { written, warnings, file, env } = readAll(context, field);
  const { valid, value, origins, ignoredKeys } = validate(configurationSchema, field, written, {
    defaultText: (text) => defaultText(text, context),
    absolute: (text, origin) => absolute(text, origin, context),
    unsupported,
    ignored,
  });
  const from = { ...defined({ file }), expressions: expressionsIn(value, origins) };
  const { problems } = written;
  if (valid === undefined || problems.length > 0)
    return { ok: false, problems: inReadingOrder(problems), warnings, ...from };
  return {
    ok: true,
    configuration: valid,
    origins,
    warnings: [...warnings, ...ignoredKeys, ...warningsOf(valid, context, file)],
    proxies: proxiesIn(env),
    printable: redact(value ?? {}, field),
    ...from,
  };
}

function proxiesIn(env: LoadContext["env"]): Loaded["proxies"] {
  const names = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"].flatMap((name) => [name, name.toLowerCase()]);
  return Object.fromEntries(
    names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]] as const])),
  );
}

/** Those that were written; a default is known to be one. */
function expressionsIn(value: Plain | undefined, origins: Loaded["origins"], path: Path = []): Expression[] {
  if (typeof value === "string") {
    const [section, , list, , key] = path;
    const isRelabelling = String(list).endsWith("relabel_configs");
    if ((section !== "remote_write" && section !== "scrape_configs") || !isRelabelling || key !== "regex")
      return [];
    const origin = origins.get(formatPath(path)) ?? fromDefault;
    return origin.kind === "default" ? [] : [{ path: formatPath(path), origin, text: value }];
  }
  if (value === undefined || value === null || typeof value !== "object") return [];
  if (isList(value)) return value.flatMap((item, index) => expressionsIn(item, origins, [...path, index]));
  return Object.entries(value).flatMap(([key, item]) => expressionsIn(item, origins, [...path, key]));
}

/** Everything that was written anywhere, as one document. */
function readAll(
  outside: LoadContext,
  field: Field,
): {
  readonly written: Written;
  readonly warnings: readonly string[];
  readonly file: string | undefined;
  readonly env: LoadContext["env"];
} {
  const { written, file, context } = readConfigurationFile(outside);
  const otel = openTelemetry(context.env, written);
  otel.addReceiver();
  const warnings = layEnvironment(context.env, field, written);
  for (const [name, value] of Object.entries(context.flags))
    written.put(name.split("."), value, { kind: "flag", name });
  otel.addResource();
  return { written, warnings, file, env: context.env };
}

interface ReadConfiguration {
  readonly written: Written;
  readonly file: string | undefined;
  /** With the variables of the file beside the configuration. */
  readonly context: LoadContext;
}

function readConfigurationFile(outside: LoadContext): ReadConfiguration {
  const named = namedFile(outside.path, outside.env);
  for (const file of named === undefined ? usualFiles(outside) : [named]) {
    const bytes = readBytes(posix.resolve(outside.cwd, file), outside);
    if (bytes instanceof Uint8Array) {
      const beside = readEnvironmentFile(file, outside);
      const context = { ...outside, env: { ...beside.variables, ...outside.env } };
      const contents = readYaml(file, bytes, (name) => variable(name, context));
      // Without its variables every reference to one would be a problem, too.
      const problems = beside.problems.length > 0 ? [...beside.problems] : contents.problems;
      return { written: createWritten({ ...contents, problems }), file, context };
    }
    if (named === undefined && bytes.missing) continue;
    return { written: createWritten(unreadFile(wholeOf(file), bytes.message)), file, context: outside };
  }
  return { written: createWritten(), file: undefined, context: outside };
}

/** Most configurations have none. */
function readEnvironmentFile(
  configuration: string,
  context: LoadContext,
): ReturnType<typeof parseEnvironmentFile> {
  const file = environmentFileOf(configuration);
  const bytes = readBytes(posix.resolve(context.cwd, file), context);
  if (bytes instanceof Uint8Array) return parseEnvironmentFile(file, bytes);
  return { variables: {}, problems: bytes.missing ? [] : [problemAt(wholeOf(file), bytes.message)] };
}

function readBytes(file: string, context: LoadContext): Uint8Array | { missing: boolean; message: string } {
  try {
    return context.readFile(file);
  } catch (error) {
    const code = codeOf(error) ?? "";
    const cause = readFailures[code] ?? (error instanceof Error ? error.message : String(error));
    // Who started as root is refused only what root alone may read, once root is given up.
    const advice = code === "EACCES" && context.uid === 0 ? `; ${readableAdvice(file)}` : "";
    return {
      missing: code === "ENOENT" || code === "ENOTDIR",
      message: `cannot read file: ${cause}${advice}`,
    };
  }
}

const readFailures: Readonly<Partial<Record<string, string>>> = {
  ENOENT: "no such file",
  ENOTDIR: "no such file",
  EISDIR: "it is a folder",
  EACCES: "permission denied",
};

/** An empty variable does not hide what the system says: a name without characters identifies nothing. */
function variable(name: string, context: LoadContext): Variable {
  const given = Object.hasOwn(context.env, name) ? context.env[name] : builtIn(name, context);
  return given === undefined || given === "" ? (context.systemName?.(name) ?? given) : given;
}

function builtIn(name: string, context: LoadContext): string | undefined {
  if (name === "HOST") return context.hostname;
  return name === "STATE_DIRECTORY" ? stateFolder(context) : undefined;
}

/** Defaults know the agent's own two names only: an exported HOST must not rename the instance. */
function defaultText(text: string, context: LoadContext): string {
  return text.replace(/\$\{([A-Z_]+)\}/g, (reference, name: string) => builtIn(name, context) ?? reference);
}

function absolute(text: string, origin: Origin, { home, cwd }: LoadContext): string {
  if (text === "" || text.startsWith("/")) return text;
  if (text.startsWith("~/")) return posix.join(home, text.slice(2));
  return posix.join(origin.kind === "file" ? posix.resolve(cwd, posix.dirname(origin.file)) : cwd, text);
}

/** What to do instead, which may be nothing; undefined for a key that nobody knows. */
function unsupported([section, , ...keys]: Path): string | undefined {
  if (typeof section !== "string" || !Object.hasOwn(unsupportedKeys, section)) return undefined;
  if (unsupportedKeys[section]?.includes(keys.join(".")) !== true) return undefined;
  return insteadOf[String(keys.at(-1))] ?? "";
}

function ignored([section, , ...keys]: Path): string | undefined {
  if (typeof section !== "string" || !Object.hasOwn(ignoredKeysOf, section)) return undefined;
  return ignoredKeysOf[section]?.[keys.join(".")];
}
