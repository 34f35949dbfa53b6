/** The role account that the agent becomes: hidden, without password, shell or home, made by dscl(1). */
import type { Owner, System } from "./system.ts";
import type { Result, Step } from "./step.ts";

/** Apple's role accounts begin with an underscore, too. */
export const defaultAccount = "_macagent";

/** Marks what we made. */
const realName = "mac-powermetrics-agent";

/** Apple keeps ids below 500 for the system and hands out its own from the bottom. */
const highestId = 399;
const lowestId = 300;

/** Undefined for an account that does not exist, or is half made. */
export async function ownerOf(account: string, system: System): Promise<Owner | undefined> {
  const record = await read(`/Users/${account}`, system);
  const uid = record.get("UniqueID");
  const gid = record.get("PrimaryGroupID");
  return uid === undefined || gid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}

export function accountStep(account: string, system: System): Step {
  return {
    describe: `create role account ${account}`,
    isDone: async () => (await missing(account, 0, system)).length === 0,
    do: () => create(account, system),
    undo: {
      describe: `remove role account ${account}`,
      purgeOnly: true,
      // One that the administrator made stays.
      isDue: async () => (await ours(account, system)).length > 0,
      do: () => remove(account, system),
    },
  };
}

async function create(account: string, system: System): Promise<Result> {
  if (!/^_[a-z][a-z0-9_-]{0,30}$/.test(account))
    return `run_as must be an account that exists, or a new one whose name begins with _, got ${account}`;
  const id = await freeId(account, system);
  if (id === undefined)
    return `cannot create account ${account}: no free id from ${lowestId} to ${highestId}`;
  for (const attribute of await missing(account, id, system)) {
    const refusal = await write(attribute, system);
    if (refusal !== undefined) return `cannot create account ${account}: dscl: ${refusal}`;
  }
  return tidy(account, system);
}

type Attribute = readonly [record: string, key: string, value: string];

/**
 * What the agent does without, written last. macOS lets only programs with Full Disk Access write the home of an account
 * (TCC's SystemPolicySysAdminFiles), which a login over SSH lacks and a user may refuse.
 */
const optional: readonly (readonly [key: string, value: string, without: string])[] = [
  ["IsHidden", "1", "it shows in the list of users"],
  ["NFSHomeDirectory", "/var/empty", "it has no home, which it does not need"],
];

async function tidy(account: string, system: System): Promise<Result> {
  const record = `/Users/${account}`;
  const user = await read(record, system);
  const refused: string[] = [];
  for (const [key, value, without] of optional) {
    if (user.has(key)) continue;
    const refusal = await write([record, key, value], system);
    if (refusal !== undefined) refused.push(`${key} (${without}): ${refusal}`);
  }
  if (refused.length === 0) return undefined;
  return {
    warning:
      `cannot write all of account ${account}, which works without: ${refused.join("; ")}; macOS asks for Full Disk Access ` +
      "(System Settings > Privacy & Security) of Terminal, or of sshd-keygen-wrapper for a login over SSH",
  };
}

/** Why the directory refused it. */
async function write([record, key, value]: Attribute, { tool, layout }: System): Promise<string | undefined> {
  const { code, stderr } = await tool([layout.dscl, ".", "-create", record, key, value]);
  return code === 0 ? undefined : stderr || `exit status ${code}`;
}

/** What the records still lack; a group that a crash left behind keeps its id. */
async function missing(account: string, id: number, system: System): Promise<readonly Attribute[]> {
  const group = await read(`/Groups/${account}`, system);
  const user = await read(`/Users/${account}`, system);
  const gid = group.get("PrimaryGroupID") ?? user.get("PrimaryGroupID") ?? String(id);
  const wanted: readonly Attribute[] = [
    [`/Groups/${account}`, "PrimaryGroupID", gid],
    [`/Groups/${account}`, "RealName", realName],
    [`/Groups/${account}`, "Password", "*"],
    [`/Users/${account}`, "UniqueID", String(id)],
    [`/Users/${account}`, "PrimaryGroupID", gid],
    [`/Users/${account}`, "UserShell", "/usr/bin/false"],
    [`/Users/${account}`, "RealName", realName],
    [`/Users/${account}`, "Password", "*"],
  ];
  // An account of the administrator's own making is taken as it is.
  if (!account.startsWith("_")) return user.has("UniqueID") && user.has("PrimaryGroupID") ? [] : wanted;
  return wanted.filter(([record, key]) => !(record.startsWith("/Users/") ? user : group).has(key));
}

async function freeId(account: string, system: System): Promise<number | undefined> {
  const taken = new Set([
    ...(await ids("/Users", "UniqueID", account, system)),
    ...(await ids("/Groups", "PrimaryGroupID", account, system)),
  ]);
  for (let id = highestId; id >= lowestId; id--) if (!taken.has(id)) return id;
  return undefined;
}

async function ids(path: string, key: string, except: string, { tool, layout }: System): Promise<number[]> {
  const { stdout } = await tool([layout.dscl, ".", "-list", path, key]);
  return [...stdout.matchAll(/^(\S+)\s+(-?\d+)$/gm)].flatMap(([, name, id]) =>
    name === except ? [] : [Number(id)],
  );
}

/** The attributes of a record; a value on lines of its own is indented by a blank. */
async function read(path: string, { tool, layout }: System): Promise<ReadonlyMap<string, string>> {
  const { code, stdout } = await tool([layout.dscl, ".", "-read", path]);
  const found = code === 0 ? stdout.matchAll(/^(?:dsAttrTypeNative:)?([A-Za-z]+):(?:[ \n] ?(.*))?$/gm) : [];
  return new Map([...found].map(([, key = "", value = ""]) => [key, value]));
}

/** dscl(1) may not delete what sysadminctl(8) may, and the other way round; what is left of the records counts. */
async function remove(account: string, system: System): Promise<Result> {
  const { tool, layout } = system;
  const records = await ours(account, system);
  // Its home is the system's /var/empty.
  if (records.includes(`/Users/${account}`))
    await tool([layout.sysadminctl, "-deleteUser", account, "-keepHome"]);
  const refused: string[] = [];
  for (const record of await ours(account, system)) {
    const { code, stderr } = await tool([layout.dscl, ".", "-delete", record]);
    if (code === 0) continue;
    const failure = `cannot remove ${record}: dscl: ${stderr || `exit status ${code}`}`;
    if (!isRefusal(stderr)) return failure;
    refused.push(record);
  }
  if (refused.length === 0) return undefined;
  const commands = refused.map((record) => `sudo dscl . -delete ${record}`).join(" && ");
  return {
    warning:
      `cannot remove ${refused.join(" and ")}: macOS refuses it (-14120) to programs without Full Disk Access; nothing uses them ` +
      `any more: give Terminal Full Disk Access (System Settings > Privacy & Security) and run ${commands}`,
  };
}

/** eDSPermissionError. */
const isRefusal = (said: string): boolean => /-14120|eDSPermissionError/.test(said);

async function ours(account: string, system: System): Promise<readonly string[]> {
  const records = [`/Users/${account}`, `/Groups/${account}`];
  const found = await Promise.all(records.map((record) => read(record, system)));
  return records.filter((_record, index) => found[index]?.get("RealName") === realName);
}
