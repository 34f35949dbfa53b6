/** The checks of `doctor` on paths: who could change what runs as root, and what the account may read and write. */
import { realpathSync, statfsSync } from "node:fs";
import { dirname } from "node:path";
import type { Configuration } from "../config/schema.ts";
import { readableAdvice } from "../runtime/files.ts";
import { formatSize } from "../runtime/quantity.ts";
import { launchdPlist, newsyslogConf, rotationOwner } from "./launchd-files.ts";
import { programIn } from "./layout.ts";
import { holds } from "./step.ts";
import { runtimeObjection } from "./version.ts";
import { filesIn } from "./trust.ts";
import { lookAt, octal, rootOwner, type Owner, type System } from "./system.ts";
import { broken, doubtful, well, type Finding } from "./doctor.ts";

interface PathDeps {
  readonly system: System;
  /** Empty without one; nothing above it is looked at. */
  readonly prefix: string;
  /** The Node.js that runs this. */
  readonly runtime: string;
  /** Of run_as; undefined where it does not exist. */
  readonly owner: Owner | undefined;
}

const reinstall = "run sudo mac-powermetrics-agent install";

export function pathFindings(configuration: Configuration, deps: PathDeps): readonly Finding[] {
  const installed = lookAt(deps.system.layout.plist) !== undefined;
  return [
    runtime(deps, installed),
    ...(installed ? [...ownership(deps), job(deps), rotation(configuration, deps)] : []),
    account(configuration, deps),
    ...secrets(configuration, deps),
    journal(configuration, deps),
  ];
}

function runtime({ system, runtime: current }: PathDeps, installed: boolean): Finding {
  const { node } = programIn(system.layout.current);
  if (installed) {
    if (lookAt(node)?.isFile() === true) return well("runtime", node);
    return broken("runtime", `cannot find ${node}`, reinstall);
  }
  const objection = runtimeObjection(current);
  if (objection === undefined) return well("runtime", `${current} can be installed`);
  const [message = "", fix = ""] = objection.split("; ", 2);
  return doubtful("runtime", message, fix);
}

/** Whoever may change one folder on the way may change what launchd starts as root. */
function ownership({ system, prefix }: PathDeps): readonly Finding[] {
  const { layout, isRoot } = system;
  const { node, cli } = programIn(layout.current);
  const paths = [node, cli, layout.plist, layout.config, layout.newsyslog].flatMap((path) =>
    components(path, prefix),
  );
  const bad = [...new Set(paths)].flatMap((path) => {
    const stat = lookAt(path);
    if (stat === undefined || stat.isSymbolicLink()) return [];
    if ((isRoot || prefix === "") && stat.uid !== 0)
      return [
        broken(
          "ownership",
          `${path} must be owned by root, got user ${stat.uid}`,
          `run sudo chown root '${path}'`,
        ),
      ];
    if ((stat.mode & 0o022) === 0) return [];
    const message = `${path} must be writable by root only, got mode ${octal(stat.mode)}`;
    return [broken("ownership", message, `run sudo chmod go-w '${path}'`)];
  });
  return bad.length > 0 ? bad : [well("ownership", "only root may change what runs as root")];
}

/** The path as written, and where its links lead, with every folder above. */
function components(path: string, prefix: string): readonly string[] {
  const all: string[] = [];
  for (const start of [path, resolved(path)]) {
    for (let one = start; one !== "/" && one.startsWith(prefix) && one !== prefix; one = dirname(one))
      all.push(one);
  }
  return all;
}

function resolved(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function job({ system: { layout } }: PathDeps): Finding {
  if (holds(layout.plist, launchdPlist(layout))) return well("launchd job", "is that of this version");
  return doubtful("launchd job", `${layout.plist} differs from this version's`, reinstall);
}

function rotation({ log }: Configuration, { system: { layout }, owner = rootOwner }: PathDeps): Finding {
  if (!holds(layout.newsyslog, newsyslogConf(layout, rotationOwner(owner))))
    return doubtful("log rotation", `${layout.newsyslog} is missing or differs`, reinstall);
  // The job names it for a configuration that names none.
  if ((log.file ?? layout.log) === layout.log) return well("log rotation", `newsyslog rotates ${layout.log}`);
  return doubtful(
    "log rotation",
    `nothing rotates ${log.file ?? "standard error"}`,
    `set log.file to ${layout.log}`,
  );
}

function account({ run_as }: Configuration, { owner }: PathDeps): Finding {
  if (run_as === "root")
    return doubtful(
      "account",
      "the agent stays root",
      "set run_as to _macagent, for only powermetrics needs root",
    );
  if (owner !== undefined) return well("account", `${run_as} has user ${owner.uid} and group ${owner.gid}`);
  return doubtful("account", `${run_as} does not exist`, reinstall);
}

/** They are read when root is given up, and again when they change. */
function secrets(configuration: Configuration, { owner, system }: PathDeps): readonly Finding[] {
  const { config, environment } = system.layout;
  const own = [config, environment].filter((path) => lookAt(path) !== undefined);
  const files = [...own.map((path) => ["after SIGHUP", path] as const), ...filesIn(configuration)];
  const bad = files.flatMap(([key, path]) => {
    const stat = lookAt(path);
    if (stat === undefined)
      return [broken("files", `${key}: cannot find ${path}`, "create it, or correct the path")];
    if (owner === undefined || may(0o4, stat, owner)) return [];
    const { run_as } = configuration;
    return [broken("files", `${key}: ${path} must be readable by ${run_as}`, readableAdvice(path, run_as))];
  });
  if (bad.length > 0 || files.length === 0) return bad;
  return [well("files", `all ${files.length} that the agent needs can be read`)];
}

function journal({ journal: { path, max_size }, run_as }: Configuration, { owner }: PathDeps): Finding {
  const folder = dirname(path);
  const stat = lookAt(folder);
  if (stat === undefined)
    return doubtful("journal", `${folder} does not exist yet`, "the agent makes it when it starts");
  if (owner !== undefined && !may(0o3, stat, owner))
    return broken(
      "journal",
      `${folder} must be writable by ${run_as}`,
      `run sudo chown ${run_as} '${folder}'`,
    );
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  const size = lookAt(path)?.size ?? 0;
  const text = `${path} has ${inMegabytes(size)} of ${formatSize(max_size)}, ${inMegabytes(free)} of the disk are free`;
  if (free + size >= max_size) return well("journal", text);
  return doubtful("journal", text, "make room, or lower journal.max_size");
}

const inMegabytes = (bytes: number): string => `${Math.round(bytes / 1024 ** 2)} MB`;

/** Whether the account has these rights, `r` 4, `w` 2, `x` 1, by the bits of user, group or others. */
function may(rights: number, stat: { uid: number; gid: number; mode: number }, { uid, gid }: Owner): boolean {
  if (uid === 0) return true;
  const shift = stat.uid === uid ? 6 : stat.gid === gid ? 3 : 0;
  return ((stat.mode >> shift) & rights) === rights;
}
