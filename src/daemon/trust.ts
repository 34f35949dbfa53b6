/**
 * Checks who could change a file that root acts upon: its owner and mode, and those of every folder above it, through each
 * symbolic link on the way.
 */
import { lstatSync, readlinkSync, type Stats } from "node:fs";
import { posix } from "node:path";
import { environmentFileOf } from "../config/env-file.ts";
import type { Configuration } from "../config/schema.ts";
import { causeOf } from "../runtime/cause.ts";
import { lookAt, octal } from "./system.ts";

/** As many as the system follows. */
const mostLinks = 32;

/** Root itself; others only where a file is theirs to keep, as a secret is the account's. */
const onlyRoot: readonly number[] = [0];

/**
 * Why somebody else than the `trusted` users could change what lies at `path`, with the command that ends it; undefined where
 * nobody can, or where nothing lies there.
 */
export function distrust(path: string, trusted = onlyRoot): string | undefined {
  try {
    for (const { at, stat } of componentsOf(path)) {
      const problem = problemOf(at, stat, trusted);
      if (problem !== undefined) return at === path ? problem : `${problem}, on the way to ${path}`;
    }
    return undefined;
  } catch (error) {
    return `cannot look at ${path}: ${causeOf(error)}`;
  }
}

function problemOf(at: string, stat: Stats, trusted: readonly number[]): string | undefined {
  const owners = trusted.length > 1 ? "root or the agent's account" : "root";
  if (!trusted.includes(stat.uid))
    return `${at} must be owned by ${owners}, got user ${stat.uid}: run sudo chown root '${at}' && sudo chmod go-w '${at}'`;
  // Everybody may write a symbolic link's mode; in a sticky folder nobody can replace what belongs to another.
  if (stat.isSymbolicLink() || (stat.isDirectory() && (stat.mode & 0o1000) !== 0)) return undefined;
  const byGroup = (stat.mode & 0o020) !== 0 && stat.gid !== 0;
  if (!byGroup && (stat.mode & 0o002) === 0) return undefined;
  return `${at} must not be writable by ${byGroup ? `group ${stat.gid}` : "everybody"}, got mode ${octal(stat.mode & 0o7777)}: run sudo chmod go-w '${at}'`;
}

/** From `/` down, each folder, link and file that the system passes; it ends where nothing lies. @throws Error for too many links */
function* componentsOf(path: string): Generator<{ readonly at: string; readonly stat: Stats }> {
  const names = namesIn(path);
  let folder = "/";
  let links = 0;
  yield { at: "/", stat: lstatSync("/") };
  for (let name = names.shift(); name !== undefined; name = names.shift()) {
    const at = posix.join(folder, name);
    const stat = lstatSync(at, { throwIfNoEntry: false });
    if (stat === undefined) return;
    yield { at, stat };
    if (!stat.isSymbolicLink()) {
      folder = at;
      continue;
    }
    if (++links > mostLinks) throw new Error("too many symbolic links");
    const target = readlinkSync(at);
    if (target.startsWith("/")) folder = "/";
    names.unshift(...namesIn(target));
  }
}

const namesIn = (path: string): string[] => path.split("/").filter((name) => name !== "" && name !== ".");

export interface Subjects {
  /** The configuration's, absolute; undefined with defaults only. */
  readonly file: string | undefined;
  readonly configuration: Configuration;
  /** Then no command of the configuration is run. */
  readonly simulated: boolean;
  /** Users besides root who may keep secrets: the account, or who runs `check`. */
  readonly keepers: readonly number[];
  /** Users besides root who may write configuration and commands: none for root itself. */
  readonly writers: readonly number[];
  /** Certificates and keys that the web configuration names. */
  readonly webFiles: readonly string[];
}

/** What somebody else could change, one line each: of that which root acts upon, and of that which it reads as secret. */
export interface Distrust {
  readonly acted: readonly string[];
  readonly kept: readonly string[];
}

export function distrustOf({
  file,
  configuration,
  simulated,
  keepers,
  writers,
  webFiles,
}: Subjects): Distrust {
  const { sources, web } = configuration;
  const commands = simulated
    ? []
    : Object.values(sources).flatMap(({ enabled, command }) => (enabled ? [...command] : []));
  const beside = file === undefined ? undefined : environmentFileOf(file);
  const acted = [file, beside, web.config_file, ...commands].filter((path) => path?.startsWith("/"));
  const kept = filesIn(configuration)
    .filter(([key]) => key !== "web.config_file")
    .map(([, path]) => path);
  return {
    acted: problemsOf(acted, [0, ...writers]),
    kept: problemsOf([...kept, ...webFiles], [0, ...keepers]),
  };
}

function problemsOf(paths: readonly (string | undefined)[], trusted: readonly number[]): readonly string[] {
  const all = paths.map((path) => (path === undefined ? undefined : distrust(path, trusted)));
  return [...new Set(all.filter((problem) => problem !== undefined))];
}

/** Why what lies there can't be a database: opening a pipe would wait for ever. */
export function oddFile(path: string): string | undefined {
  const stat = lookAt(path);
  if (stat === undefined || stat.isFile() || stat.isSymbolicLink()) return undefined;
  return `${path} must be a plain file, got ${stat.isDirectory() ? "a folder" : "a pipe, a socket or a device"}`;
}

/** Every `…_file` of a configuration with its key. */
export function filesIn(value: unknown, key = ""): readonly (readonly [key: string, path: string])[] {
  if (typeof value === "string") return key.endsWith("_file") ? [[key, value]] : [];
  if (typeof value !== "object" || value === null || "reveal" in value) return [];
  const inside = (name: string): string =>
    Array.isArray(value) ? `${key}[${name}]` : [key, name].filter((part) => part !== "").join(".");
  return Object.entries(value).flatMap(([name, below]) => filesIn(below, inside(name)));
}
