/**
 * The steps of an installation: each knows whether it is done, so that installing again, after a crash or over an older
 * version, does exactly what is missing. Those for single folders, files and links are here, too.
 *
 *     install:   step 1 ─► step 2 ─► …      each: done already? else do
 *     uninstall: … ─► step 2 ─► step 1      each: undo, or say what stays
 */
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
import { causeOf } from "../runtime/cause.ts";
import { writeAtomically } from "../runtime/files.ts";
import { hasOwner, lookAt, octal, setOwner, type Owner, type System } from "./system.ts";

/** Why something could not be done, in the grammar of errors; undefined when it was. */
export type Failure = string | undefined;

/** Done as far as the system allows: what is missing, and what the user can do about it. */
export interface Warning {
  readonly warning: string;
}

export type Result = Failure | Warning;

export interface Step {
  /** What `do` does: "create folder /x, root, 0755". */
  readonly describe: string;
  /** Looks and changes nothing. */
  isDone(): boolean | Promise<boolean>;
  /** May be called when half of it was done before. May throw system errors. */
  do(): Result | Promise<Result>;
  /** Absent where there is nothing to take back. */
  readonly undo?: Undo;
}

interface Undo {
  readonly describe: string;
  /** What a user may want to keep is undone by `--purge` only. */
  readonly purgeOnly?: boolean;
  /** Whether there is something to undo. */
  isDue(): boolean | Promise<boolean>;
  do(): Result | Promise<Result>;
}

export interface StepReport {
  readonly describe: string;
  readonly status: "done" | "already" | "would" | "kept" | "failed";
  readonly failure?: string;
  /** Of a step that was done but for a detail. */
  readonly warning?: string;
}

export interface StepOptions {
  /** Only says what would be done. */
  readonly dryRun: boolean;
  readonly report: (report: StepReport) => void;
}

/** Stops at the first failure and returns it. */
export async function runSteps(steps: readonly Step[], { dryRun, report }: StepOptions): Promise<Failure> {
  for (const step of steps) {
    const { describe } = step;
    if (await step.isDone()) {
      report({ describe, status: "already" });
    } else if (dryRun) {
      report({ describe, status: "would" });
    } else {
      const result = await attempt(describe, () => step.do());
      report(reportOf(describe, result));
      if (typeof result === "string") return result;
    }
  }
  return undefined;
}

/** Goes on after a failure, as what is left over is worse than what could not be removed; returns the first one. */
export async function undoSteps(
  steps: readonly Step[],
  { dryRun, report, purge }: StepOptions & { readonly purge: boolean },
): Promise<Failure> {
  let first: Failure;
  for (const { undo } of steps.toReversed()) {
    if (undo === undefined || !(await undo.isDue())) continue;
    const { describe } = undo;
    if (undo.purgeOnly === true && !purge) {
      report({ describe, status: "kept" });
    } else if (dryRun) {
      report({ describe, status: "would" });
    } else {
      const result = await attempt(describe, () => undo.do());
      report(reportOf(describe, result));
      if (typeof result === "string") first ??= result;
    }
  }
  return first;
}

function reportOf(describe: string, result: Result): StepReport {
  if (result === undefined) return { describe, status: "done" };
  if (typeof result === "string") return { describe, status: "failed", failure: result };
  return { describe, status: "done", warning: result.warning };
}

async function attempt(what: string, act: () => Result | Promise<Result>): Promise<Result> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
    return `cannot ${what}: ${causeOf(error)}`;
  }
}

/** Owners may be accounts that an earlier step creates, so they are asked for when they are needed. */
type OwnerSource = () => Owner | Promise<Owner>;

interface Placed {
  readonly path: string;
  /** For the description: `root`, `_macagent`. */
  readonly by: string;
  readonly owner: OwnerSource;
  readonly mode: number;
}

/** Steps for single folders, files and links: in place, each with its owner and permissions, the journal out of backups. */
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
