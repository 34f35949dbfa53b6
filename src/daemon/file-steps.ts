/** Steps for single folders, files and links: in place, each with its owner and permissions, the journal out of backups. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { dirname } from "node:path";
import { writeAtomically } from "../runtime/files.ts";
import type { Step, Undo } from "./step.ts";
import { hasOwner, lookAt, octal, setOwner, type Owner, type System } from "./system.ts";

/** Owners may be accounts that an earlier step creates, so they are asked for when they are needed. */
type OwnerSource = () => Owner | Promise<Owner>;

interface Placed {
  readonly path: string;
  /** For the description: `root`, `_macagent`. */
  readonly by: string;
  readonly owner: OwnerSource;
  readonly mode: number;
}

export function folderStep({ path, by, owner, mode }: Placed, system: System, undo?: Undo): Step {
  return {
    describe: `create folder ${path}, owner ${by}, mode ${octal(mode)}`,
    async isDone() {
      const stat = lookAt(path);
      return stat?.isDirectory() === true && hasOwner(system, stat, await owner(), mode);
    },
    async do() {
      const stat = lookAt(path);
      if (stat !== undefined && !stat.isDirectory())
        return `${path} must be a folder, got something else: move it away and install again`;
      mkdirSync(path, { recursive: true });
      chmodSync(path, mode);
      setOwner(system, path, await owner());
      return undefined;
    },
    ...(undo && { undo }),
  };
}

interface PlacedFile extends Placed {
  readonly what: string;
  /** What it must hold; a function, since an earlier step may decide it. */
  readonly content: () => string | Promise<string>;
  /** Written only where nothing is: it is the user's from then on. */
  readonly once?: boolean;
}

export function fileStep(file: PlacedFile, system: System, undo?: Undo): Step {
  const { path, by, what, owner, mode } = file;
  return {
    describe: `write ${what} ${path}, owner ${by}, mode ${octal(mode)}`,
    isDone: async () => {
      const stat = lookAt(path);
      if (stat === undefined) return false;
      if (file.once === true) return isFile(path);
      return hasOwner(system, stat, await owner(), mode) && holds(path, await file.content());
    },
    async do() {
      const hindrance = inTheWay(path, file.once === true);
      if (hindrance !== undefined) return hindrance;
      mkdirSync(dirname(path), { recursive: true });
      // Owner before content: a secret in it is never another's to read.
      const draft = `${path}.new`;
      writeAtomically(draft, await file.content(), 0o600);
      setOwner(system, draft, await owner());
      chmodSync(draft, mode);
      renameSync(draft, path);
      return undefined;
    },
    ...(undo && { undo }),
  };
}

const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() === true;

/** What a rename over it would fail at or, for what is the user's, lose. */
function inTheWay(path: string, isUsers: boolean): string | undefined {
  const stat = lookAt(path);
  if (stat === undefined || (!isUsers && !stat.isDirectory())) return undefined;
  const what = stat.isDirectory() ? "a folder" : stat.isSymbolicLink() ? "a link to none" : "something else";
  return `${path} must be a file, got ${what}: move it away and install again`;
}

export function holds(path: string, content: string): boolean {
  try {
    return readFileSync(path, "utf8") === content;
  } catch {
    return false;
  }
}

export function removal(path: string, what: string, purgeOnly = false): Undo {
  return {
    describe: `remove ${what} ${path}`,
    purgeOnly,
    isDue: () => lookAt(path) !== undefined,
    do() {
      rmSync(path, { recursive: true, force: true });
      return undefined;
    },
  };
}

/** A folder that may hold more than ours goes only when it is empty. */
export function emptyFolderRemoval(path: string): Undo {
  return {
    describe: `remove folder ${path}`,
    isDue: () => existsSync(path),
    do() {
      try {
        rmdirSync(path);
      } catch {
        // What lies in it was kept on purpose, and is listed as kept.
      }
      return undefined;
    },
  };
}

/** The target of a link, or undefined where there is none. */
export function targetOf(link: string): string | undefined {
  return lookAt(link)?.isSymbolicLink() === true ? readlinkSync(link) : undefined;
}

/** Points the link elsewhere in one step: whoever follows it finds the old target or the new one. */
export function pointLink(link: string, target: string): void {
  const draft = `${link}.new`;
  rmSync(draft, { force: true });
  symlinkSync(target, draft);
  renameSync(draft, link);
}

/** By the folder's path, which needs root and, since macOS 10.15, Full Disk Access; else by a mark on the folder itself. */
const ways: readonly (readonly string[])[] = [["-p"], []];

/** Keeps the journal out of Time Machine's backups: it changes all day, and a restored one would be sent a second time. */
export function backupStep(system: System): Step {
  const { state } = system.layout;
  return {
    describe: `exclude ${state} from Time Machine`,
    isDone: () => isExcluded(system),
    async do() {
      const refusals: string[] = [];
      for (const way of ways) {
        const refusal = await tmutil(["addexclusion", ...way, state], system);
        if (refusal === undefined) return undefined;
        refusals.push(refusal);
      }
      return {
        warning:
          `cannot exclude ${state} from Time Machine: ${refusals[0]}; it is backed up until you run ` +
          `sudo tmutil addexclusion -p '${state}' in a terminal with Full Disk Access`,
      };
    },
    undo: {
      describe: `give ${state} back to Time Machine`,
      isDue: async () => lookAt(state) !== undefined && (await isExcluded(system)),
      async do() {
        const refusals: (string | undefined)[] = [];
        for (const way of ways) refusals.push(await tmutil(["removeexclusion", ...way, state], system));
        if (refusals.includes(undefined)) return undefined;
        return {
          warning: `cannot end the exclusion of ${state}: ${refusals[0]}; run sudo tmutil removeexclusion -p '${state}'`,
        };
      },
    },
  };
}

async function isExcluded({ tool, layout }: System): Promise<boolean> {
  const { code, stdout } = await tool([layout.tmutil, "isexcluded", layout.state]);
  return code === 0 && stdout.includes("[Excluded]");
}

/** Why it was refused. */
async function tmutil(args: readonly string[], { tool, layout }: System): Promise<string | undefined> {
  const { code, stderr } = await tool([layout.tmutil, ...args]);
  return code === 0 ? undefined : stderr || `exit status ${code}`;
}
