/**
 * Gives up root: what needs it is opened first, powermetrics is started, and then nothing of root is left.
 *
 *     root ──► files of the account, opened as the account ──► powermetrics lives ──► initgroups, setgid, setuid ──► account
 */
import {
  closeSync,
  constants,
  fchownSync,
  fstatSync,
  lchownSync,
  mkdirSync,
  openSync,
  readdirSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { defaultAccount } from "./account.ts";
import { lookAt, type Owner, type ToolRunner } from "./system.ts";

export interface Privileges {
  /** What the agent will be; undefined when it stays what it is. */
  readonly account: string | undefined;
  /** The agent is root, and will not stay it. */
  isRootForNow(): boolean;
  /** Runs `open` as the account, so that what it makes belongs to it; the way back stays open. */
  asAccount<T>(open: () => T): T;
  /** For good; calling it again changes nothing. @throws Error when anything of root would be left */
  drop(): void;
}

/** As `process`. */
export interface ProcessIdentity {
  seteuid?(id: number): void;
  setegid?(id: number): void;
  initgroups?(user: string, group: number): void;
  setgid?(id: number): void;
  setuid?(id: number): void;
  getuid?(): number;
  geteuid?(): number;
}

export interface PrivilegesDeps {
  readonly process: ProcessIdentity;
  readonly tool: ToolRunner;
  readonly uid: number;
}

/** An agent without root has nothing to give up. */
export const noPrivileges: Privileges = {
  account: undefined,
  isRootForNow: () => false,
  asAccount: (open) => open(),
  drop: () => undefined,
};

export type PrivilegesResult =
  | { readonly status: "kept"; readonly warning?: string }
  | { readonly status: "to_drop"; readonly privileges: Privileges; readonly owner: Owner }
  /** `run_as` names an account of the user's choice that is not there. */
  | { readonly status: "refused"; readonly message: string };

/** @param runAs from the configuration; the default may be missing, as in a container or before `install` */
export async function planPrivileges(runAs: string, deps: PrivilegesDeps): Promise<PrivilegesResult> {
  if (deps.uid !== 0 || runAs === "root") return { status: "kept" };
  const owner = await lookUp(runAs, deps.tool);
  if (owner !== undefined && owner.uid !== 0) {
    return { status: "to_drop", owner, privileges: createPrivileges(runAs, owner, deps.process) };
  }
  if (runAs === defaultAccount) {
    const advice = `run mac-powermetrics-agent install, or set run_as to an account that exists`;
    return { status: "kept", warning: `account ${runAs} does not exist, so the agent stays root: ${advice}` };
  }
  const got = owner === undefined ? "none" : "root under another name";
  return { status: "refused", message: `run_as must name an account that exists, got ${runAs}: ${got}` };
}

/** id(1) asks the directory of the system, wherever accounts come from. */
async function lookUp(account: string, tool: ToolRunner): Promise<Owner | undefined> {
  // A name like an option, or a number, is not looked up.
  if (!/^[A-Za-z_][A-Za-z0-9_.-]*$/.test(account)) return undefined;
  const [user, group] = await Promise.all([
    tool(["/usr/bin/id", "-u", account]),
    tool(["/usr/bin/id", "-g", account]),
  ]);
  const [uid, gid] = [Number.parseInt(user.stdout, 10), Number.parseInt(group.stdout, 10)];
  return user.code === 0 && group.code === 0 && uid >= 0 && gid >= 0 ? { uid, gid } : undefined;
}

function createPrivileges(account: string, { uid, gid }: Owner, process: ProcessIdentity): Privileges {
  let dropped = false;
  return {
    account,
    isRootForNow: () => !dropped,
    asAccount(open) {
      if (dropped) return open();
      process.setegid?.(gid);
      process.seteuid?.(uid);
      try {
        return open();
      } finally {
        process.seteuid?.(0);
        process.setegid?.(0);
      }
    },
    drop() {
      if (dropped) return;
      dropped = true;
      process.initgroups?.(account, gid);
      process.setgid?.(gid);
      process.setuid?.(uid);
      if (process.getuid?.() !== uid || process.geteuid?.() !== uid || canReturn(process))
        throw new Error(`cannot become ${account}: the system left a way back to root`);
    },
  };
}

function canReturn(process: ProcessIdentity): boolean {
  try {
    process.setuid?.(0);
    return true;
  } catch {
    return false;
  }
}

/**
 * Hands the journal to the account: a folder that is made here, and files that an agent with root left behind. A folder
 * that exists is somebody's decision and stays as it is. Returns why the account could not use it.
 */
export function entrustJournal(path: string, { uid, gid }: Owner, account: string): string | undefined {
  const folder = dirname(path);
  const made = mkdirSync(folder, { recursive: true, mode: 0o750 });
  for (let one = folder; made !== undefined && one.length >= made.length; one = dirname(one))
    lchownSync(one, uid, gid);
  for (const name of readdirSync(folder)) {
    if (name.startsWith(basename(path))) entrustFile(join(folder, name), { uid, gid }, 0);
  }
  const stat = lookAt(folder);
  if (stat === undefined || mayWrite(stat, { uid, gid })) return undefined;
  return (
    `journal.path must lie in a folder that ${account} may write, got ${folder}; ` +
    `run chown ${account} ${folder}, or choose a folder of its own`
  );
}

/** A log lies in a folder of root's, where only root can make it. */
export function entrustLog(path: string, owner: Owner): void {
  entrustFile(path, owner, constants.O_CREAT);
}

/**
 * Only what is a plain file of root's under one name: a link, of either kind, could be somebody's way to a file that is
 * not ours to give.
 */
function entrustFile(path: string, { uid, gid }: Owner, create: number): void {
  const flags =
    constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW | constants.O_NONBLOCK | create;
  const found = lookAt(path);
  if (found !== undefined && (!found.isFile() || found.uid !== 0)) return;
  const file = openSync(path, flags, 0o640);
  try {
    const stat = fstatSync(file);
    if (stat.isFile() && stat.uid === 0 && stat.nlink === 1) fchownSync(file, uid, gid);
  } finally {
    closeSync(file);
  }
}

interface Permissions {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

function mayWrite(stat: Permissions, { uid, gid }: Owner): boolean {
  if (stat.uid === uid) return (stat.mode & 0o300) === 0o300;
  if (stat.gid === gid) return (stat.mode & 0o030) === 0o030;
  return (stat.mode & 0o003) === 0o003;
}
