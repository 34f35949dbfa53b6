/**
 * The versioned folders: program and runtime, complete or not there at all, and named by their content. A folder is complete
 * only once its runtime has run.
 *
 *     versions/0.1.0-3f2a…/  bin/node  cli.js  package.json  launchd.plist
 *     current ──► versions/0.2.0-9c1b…      previous ──► versions/0.1.0-3f2a…
 */
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { launchdPlist, nodeFlags } from "./launchd-files.ts";
import { pointLink, removal, targetOf, type Step } from "./step.ts";
import { hasOwner, lookAt, rootOwner, setOwner, type System, type ToolResult } from "./system.ts";

/** What is installed: a folder with the bundle `cli.js`, and a runtime for it. */
export interface Release {
  readonly version: string;
  /** Folder of the bundle, with nothing in it that does not belong to it. */
  readonly bundle: string;
  /** Node.js, every link resolved. */
  readonly node: string;
}

/** One file of a version's folder: where it comes from, or what it holds. */
interface Part {
  readonly path: string;
  readonly mode: number;
  readonly read: () => Buffer;
}

export interface PreparedVersion {
  /** `0.1.0-3f2a91c0d4e5`: the same name means the same bytes, so a changed build of one version is another one. */
  readonly name: string;
  readonly folder: string;
  readonly parts: readonly Part[];
}

/** @throws Error for files that can't be read */
export function prepareVersion(release: Release, { layout }: System): PreparedVersion {
  const plist = Buffer.from(launchdPlist(layout));
  const parts: Part[] = [
    { path: "bin/node", mode: 0o755, read: () => readFileSync(release.node) },
    ...bundleParts(release.bundle),
    // Says that cli.js is a module, so that Node need not guess.
    {
      path: "package.json",
      mode: 0o644,
      read: () => Buffer.from(`${JSON.stringify({ type: "module", version: release.version })}\n`),
    },
    { path: "launchd.plist", mode: 0o644, read: () => plist },
  ];
  const hash = createHash("sha256");
  for (const { path, read } of parts)
    hash.update(`${path}\0`).update(createHash("sha256").update(read()).digest());
  const name = `${release.version}-${hash.digest("hex").slice(0, 12)}`;
  return { name, folder: `${layout.versions}/${name}`, parts };
}

function bundleParts(folder: string): Part[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== "package.json")
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted()
    .map((file) => ({ path: file.slice(folder.length + 1), mode: 0o644, read: () => readFileSync(file) }));
}

export function copyStep({ folder, parts }: PreparedVersion, system: System): Step {
  return {
    describe: `copy program and runtime to ${folder}, owner root`,
    isDone: () => parts.every((part) => isInPlace(join(folder, part.path), part, system)),
    async do() {
      const draft = `${folder}.partial`;
      rmSync(draft, { recursive: true, force: true });
      for (const part of parts) write(draft, part, system);
      for (const path of [draft, join(draft, "bin")]) secure(path, 0o755, system);
      const objection = await proveRuntime(join(draft, "bin/node"), system);
      if (objection !== undefined) {
        rmSync(draft, { recursive: true, force: true });
        return objection;
      }
      rmSync(folder, { recursive: true, force: true });
      renameSync(draft, folder);
      return undefined;
    },
    undo: removal(system.layout.versions, "all versions"),
  };
}

function isInPlace(path: string, part: Part, system: System): boolean {
  const stat = lookAt(path);
  return (
    stat?.isFile() === true &&
    hasOwner(system, stat, rootOwner, part.mode) &&
    readFileSync(path).equals(part.read())
  );
}

/** Bytes are written anew: a copy would bring along the mark of a download, which keeps launchd from starting it. */
function write(folder: string, part: Part, system: System): void {
  const path = join(folder, part.path);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, part.read(), { flush: true });
  secure(path, part.mode, system);
}

function secure(path: string, mode: number, system: System): void {
  chmodSync(path, mode);
  setOwner(system, path, rootOwner);
}

/** Remembers the version before, also across a crash, and only then points to the new one. */
export function linkStep({ name }: PreparedVersion, { layout }: System): Step {
  const target = `versions/${name}`;
  return {
    describe: `point ${layout.current} to ${target}`,
    isDone: () => targetOf(layout.current) === target,
    do() {
      for (const link of [layout.previous, layout.current]) {
        if (lookAt(link)?.isSymbolicLink() === false)
          return `${link} must be a link, got something else: move it away and install again`;
      }
      const before = targetOf(layout.current);
      if (before !== undefined) pointLink(layout.previous, before);
      pointLink(layout.current, target);
      return undefined;
    },
    undo: {
      describe: `remove links ${layout.current} and ${layout.previous}`,
      isDue: () => [layout.current, layout.previous].some((link) => lookAt(link) !== undefined),
      do() {
        for (const link of [layout.current, layout.previous]) rmSync(link, { force: true });
        return undefined;
      },
    },
  };
}

/** What neither link points to is not needed for a rollback any more. */
export function pruneStep({ layout }: System): Step {
  const idle = (): string[] => {
    const used = [layout.current, layout.previous].map((link) => basename(targetOf(link) ?? ""));
    if (lookAt(layout.versions) === undefined) return [];
    return readdirSync(layout.versions).filter((name) => !used.includes(name));
  };
  return {
    describe: `remove versions that are neither current nor the one before`,
    isDone: () => idle().length === 0,
    do() {
      for (const name of idle()) rmSync(join(layout.versions, name), { recursive: true, force: true });
      return undefined;
    },
  };
}

/** Version managers move or remove their Node.js, and Homebrew's needs libraries beside it: a copy would not start. */
const managed: readonly (readonly [pattern: RegExp, manager: string])[] = [
  [/\/\.nvm\/|\/nvm\/versions\//, "nvm"],
  [/\/(?:\.fnm|fnm_multishells|fnm\/node-versions)\//, "fnm"],
  [/\/\.volta\//, "Volta"],
  [/\/\.(?:asdf|nodenv|nodebrew)\//, "a version manager"],
  [/\/mise\/installs\//, "mise"],
  // Our own formula brings the release archive's runtime along, which needs nothing beside it.
  [/\/Cellar\/(?!mac-powermetrics-agent\/)|\/(?:homebrew|\.?linuxbrew)\/(?!Cellar\/)/, "Homebrew"],
];

/** What is wrong with this runtime; undefined when it may be copied. @param path with every link resolved */
export function runtimeObjection(path: string): string | undefined {
  const manager = managed.find(([pattern]) => pattern.test(path))?.[1];
  if (manager === undefined) return undefined;
  return `runtime must be a self-contained Node.js, got ${path} of ${manager}; ${another}`;
}

const another =
  "use the release archive, which brings its own, or name the one of nodejs.org's installer with --node /usr/local/bin/node";

/** As `engines` of package.json. */
const oldestMajor = 24;

/**
 * Runs the copy as launchd will, before anything points to it: what it lacks, or undefined. A folder's name does not say all
 * that keeps a binary from starting elsewhere, such as MacPorts' and Nix' libraries.
 */
async function proveRuntime(node: string, system: System): Promise<string | undefined> {
  const expression = 'process.version + " " + process.arch';
  const run = await system.tool([node, ...nodeFlags, "-p", expression]);
  const [, major, arch] = /^v(\d+)\.\S+ (\S+)$/.exec(run.stdout.trim()) ?? [];
  if (run.code !== 0 || major === undefined) return `cannot use the runtime: ${whyItFailed(run)}; ${another}`;
  if (Number(major) < oldestMajor)
    return `runtime must be Node.js ${oldestMajor} or newer, got ${run.stdout.trim()}; ${another}`;
  if (arch === "x64" && (await isAppleSilicon(system)))
    return `runtime must be the one for Apple silicon (arm64), got x64, which runs under Rosetta here; use the arm64 archive`;
  return undefined;
}

function whyItFailed({ stdout, stderr, code }: ToolResult): string {
  const library = /Library not loaded: (\S+)/.exec(stderr)?.[1];
  if (library !== undefined) return `it needs ${library} beside it (${stderr})`;
  if (stderr.includes("bad option")) return `it is older than Node.js ${oldestMajor} (${stderr})`;
  if (code === 0) return `it did not say its version, got ${JSON.stringify(stdout.trim().slice(0, 100))}`;
  return stderr === "" ? `it ended with ${code}` : stderr;
}

/** Neither key is there on an Intel Mac, nor the first on an Apple silicon Mac without Rosetta; -i leaves out what is missing. */
async function isAppleSilicon({ tool, layout }: System): Promise<boolean> {
  const keys = ["sysctl.proc_translated", "hw.optional.arm64"];
  const answers = await Promise.all(keys.map((key) => tool([layout.sysctl, "-in", key])));
  return answers.some(({ code, stdout }) => code === 0 && stdout.trim() === "1");
}
