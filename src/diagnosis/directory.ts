/** The directory service: the account of the agent as it is, and, as a trial, one that is made and removed attribute by attribute. */
import { accountStep } from "../daemon/account.ts";
import type { Step } from "../daemon/step.ts";
import type { System } from "../daemon/system.ts";
import { skipped, type Item, type Result } from "./items.ts";
import { runTool, type Machine, type Output } from "./machine.ts";

/** Nobody has it; what a crash left of it is removed by the next trial. */
const trialAccount = "_macagenttrial";

export function accountItem(machine: Machine): Item {
  return {
    name: "account",
    expected: `${machine.runAs} is complete, or not made yet`,
    limitMs: 30_000,
    async run(signal) {
      if (!machine.isMac) return skipped("needs macOS");
      const read = (folder: string): Promise<Output> =>
        runTool(machine, [machine.system.layout.dscl, ".", "-read", `/${folder}/${machine.runAs}`], {
          signal,
        });
      const [user, group] = await Promise.all([read("Users"), read("Groups")]);
      const details = { user, group };
      if (user.code !== 0 && group.code !== 0)
        return { status: "ok", got: `${machine.runAs} is not made yet`, details };
      const { system } = recorded(machine, signal);
      const complete = await accountStep(machine.runAs, system).isDone();
      const got = `${machine.runAs} is ${complete ? "complete" : "half made"}`;
      return { status: complete ? "ok" : "warn", got, details };
    },
  };
}

export function accountTrialItem(machine: Machine): Item {
  return {
    name: "account trial",
    expected: "every attribute is written, reads back as written, and goes with the account",
    limitMs: 90_000,
    run: () => tryAccount(machine),
  };
}

/** As `install` makes it and `uninstall --purge` removes it. A signal waits for that: half an account must not stay. */
async function tryAccount(machine: Machine): Promise<Result> {
  const { system, calls } = recorded(machine, new AbortController().signal);
  const step = accountStep(trialAccount, system);
  const undo = step.undo;
  if (undo === undefined) return skipped("accounts are not removed here");
  if (await undo.isDue()) await undo.do();
  calls.length = 0;
  let failure: string | undefined;
  let complete: boolean;
  const left: string[] = [];
  const writes: Output[] = [];
  const records: Output[] = [];
  try {
    failure = failureOf(await step.do());
    writes.push(...calls.filter(({ argv }) => argv.includes("-create")));
    complete = await step.isDone();
    for (const folder of ["Users", "Groups"])
      records.push(
        await runTool(machine, [system.layout.dscl, ".", "-read", `/${folder}/${trialAccount}`], {
          signal: new AbortController().signal,
        }),
      );
  } finally {
    calls.length = 0;
    if (await undo.isDue()) await undo.do();
    // Half an account is not known for ours by its steps, but this name is nobody else's.
    for (const folder of ["Users", "Groups"]) {
      const record = `/${folder}/${trialAccount}`;
      const dscl = (verb: string): ReturnType<System["tool"]> =>
        system.tool([system.layout.dscl, ".", verb, record]);
      if ((await dscl("-read")).code !== 0) continue;
      const { code, stderr } = await dscl("-delete");
      if (code !== 0) left.push(`${record}: ${stderr}`);
    }
  }
  const attributes = writes.map((write) => attributeOf(write, records));
  const details = { attributes, records, removal: [...calls], failure, left };
  if (left.length > 0)
    return { status: "fail", got: `cannot remove ${trialAccount}: ${left.join("; ")}`, details };
  const lost = attributes.filter(({ code, readsBack }) => code !== 0 || !readsBack);
  if (lost.length === 0 && complete)
    return { status: "ok", got: `${attributes.length} attributes, and removed`, details };
  const named = lost.map(({ record, key, said }) => `${record} ${key}: ${said === "" ? "differs" : said}`);
  const got = [failure ?? `${lost.length} of ${attributes.length} attributes not as written`, ...named].join(
    "; ",
  );
  return { status: failure === undefined ? "warn" : "fail", got, details };
}

/** A warning shows in the attributes that it is about. */
function failureOf(result: Awaited<ReturnType<Step["do"]>>): string | undefined {
  return typeof result === "string" ? result : undefined;
}

interface Attribute {
  readonly record: string;
  readonly key: string;
  readonly value: string;
  readonly code: number;
  readonly said: string;
  readonly readsBack: boolean;
  readonly durationMs: number;
}

/** `dscl . -create RECORD KEY VALUE` */
function attributeOf({ argv, code, stderr, end, durationMs }: Output, records: readonly Output[]): Attribute {
  const [record = "", key = "", value = ""] = argv.slice(argv.indexOf("-create") + 1);
  const text = records.find((one) => one.argv.at(-1) === record)?.stdout ?? "";
  const line = text.split("\n").find((one) => one.replace("dsAttrTypeNative:", "").startsWith(`${key}:`));
  const following = text.split("\n")[text.split("\n").indexOf(line ?? "") + 1] ?? "";
  const found =
    line === undefined
      ? ""
      : line.slice(line.lastIndexOf(`${key}:`) + key.length + 1).trim() || following.trim();
  const said = code === 0 ? "" : (stderr.trim().split("\n")[0] ?? "") || end;
  return { record, key, value, code, said, readsBack: found === value, durationMs };
}

/** The system of install's steps, with every call of a tool written down. */
function recorded(machine: Machine, signal: AbortSignal): { system: System; calls: Output[] } {
  const calls: Output[] = [];
  const tool: System["tool"] = async (argv) => {
    const output = await runTool(machine, argv, { signal });
    calls.push(output);
    const [line = ""] = output.stderr.trim().split("\n");
    return {
      code: output.code,
      stdout: output.stdout,
      stderr: line === "" && output.code !== 0 ? output.end : line,
    };
  };
  return { system: { ...machine.system, tool }, calls };
}
