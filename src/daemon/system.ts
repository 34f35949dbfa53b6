/** What installing needs of the system: tools, ownership and time, so that tests bring their own. */
import { chownSync, lchownSync, lstatSync, type Stats } from "node:fs";
import type { Clock } from "../runtime/clock.ts";
import type { Layout } from "./layout.ts";

export interface ToolResult {
  /** The exit status; -1 where there was none: not started, or ended by a signal or for its length. */
  readonly code: number;
  readonly stdout: string;
  /** The first line of it, or why there was no exit status. */
  readonly stderr: string;
}

export type ToolRunner = (argv: readonly string[]) => Promise<ToolResult>;

export interface System {
  readonly layout: Layout;
  readonly clock: Clock;
  readonly tool: ToolRunner;
  /** Without root, under a prefix, owners are neither set nor looked at. */
  readonly isRoot: boolean;
}

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** root:wheel. */
export const rootOwner: Owner = { uid: 0, gid: 0 };

export function setOwner({ isRoot }: System, path: string, { uid, gid }: Owner): void {
  if (!isRoot) return;
  if (lstatSync(path).isSymbolicLink()) lchownSync(path, uid, gid);
  else chownSync(path, uid, gid);
}

/** Whether what lies there has this owner and these permissions. */
export function hasOwner({ isRoot }: System, stat: Stats, { uid, gid }: Owner, mode: number): boolean {
  const owned = !isRoot || (stat.uid === uid && stat.gid === gid);
  return owned && (stat.mode & 0o7777) === mode;
}

/** Undefined where nothing is, or where we may not look. */
export function lookAt(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

export function octal(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, "0");
}
