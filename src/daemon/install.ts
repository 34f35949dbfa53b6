/**
 * Installs, upgrades and removes the daemon: the one list of steps, and the way back.
 *
 *     prepare beside what runs ─► stop ─► flip the link ─► load ─► ready? ──no──► flip back, load the version before
 *
 * Every step looks at the system, not at what ran before it, so a crash anywhere is repaired by installing again.
 *
 * To read on: step.ts (what a step is, and those for files), layout.ts (where everything lies), version.ts, account.ts, service.ts, ready.ts.
 */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { causeOf } from "../runtime/cause.ts";
import { writeAtomically } from "../runtime/files.ts";
import { accountStep, ownerOf } from "./account.ts";
import { commandFlags, newsyslogConf, rotationOwner } from "./launchd-files.ts";
import { manualFile, manualMark, programIn, type Layout } from "./layout.ts";
import { waitUntilReady, type ReadyProbe } from "./ready.ts";
import { enableStep, readJob, start, startStep, stop, stopStep } from "./service.ts";
import {
  backupStep,
  emptyFolderRemoval,
  fileStep,
  folderStep,
  pointLink,
  removal,
  runSteps,
  targetOf,
  undoSteps,
  type Failure,
  type Step,
  type StepOptions,
} from "./step.ts";
import { lookAt, rootOwner, setOwner, type Owner, type System } from "./system.ts";
import { copyStep, linkStep, pruneStep, type PreparedVersion } from "./version.ts";

export interface Installation {
  readonly version: PreparedVersion;
  /** What the agent becomes after its start. */
  readonly account: string;
  /** Written only where there is no configuration. */
  readonly configuration: string;
  /** Likewise, the variables for it. */
  readonly environment: string;
  readonly probe: ReadyProbe;
  readonly readyTimeoutMs: number;
}

export type InstallOutcome =
  | { readonly status: "installed" }
  /** Nothing of the version before was lost; what remains is repaired by installing again. */
  | { readonly status: "failed"; readonly failure: string }
  /** The new version did not become ready: the one before runs again. */
  | { readonly status: "rolled_back"; readonly failure: string; readonly to: string };

export async function install(
  installation: Installation,
  system: System,
  options: StepOptions,
): Promise<InstallOutcome> {
  const failure = await runSteps(installSteps(installation, system), options);
  if (failure === undefined) return { status: "installed" };
  const before = versionToReturnTo(installation, system);
  if (before === undefined) return { status: "failed", failure };
  const worse = await rollBack(before, installation, system);
  if (worse !== undefined)
    return { status: "failed", failure: `${failure}; and cannot go back to ${before}: ${worse}` };
  return { status: "rolled_back", failure, to: before };
}

/** A version that was ready once is not to blame for what keeps it from being so now. */
function versionToReturnTo({ version }: Installation, { layout }: System): string | undefined {
  const target = `versions/${version.name}`;
  const before = targetOf(layout.previous);
  const flipped = targetOf(layout.current) === target && before !== target;
  return flipped && lookAt(readyMark(version)) === undefined ? before : undefined;
}

/** Says that this version has been ready. */
const readyMark = ({ folder }: PreparedVersion): string => `${folder}/ready`;

/** Removes what `install` made; returns the first failure. The configuration, journal, logs and account stay without `purge`. */
export function uninstall(
  account: string,
  system: System,
  options: StepOptions & { readonly purge: boolean },
): Promise<Failure> {
  return undoSteps(installSteps({ ...nothingNew, account }, system), options);
}

/** Undoing looks at none of this. */
const nothingNew: Omit<Installation, "account"> = {
  version: { name: "", folder: "", parts: [] },
  configuration: "",
  environment: "",
  probe: () => Promise.resolve({ ready: true }),
  readyTimeoutMs: 0,
};

function installSteps(installation: Installation, system: System): readonly Step[] {
  const { version } = installation;
  const link = linkStep(version, system);
  const plist = plistStep(version, system);
  const isCurrent = async (): Promise<boolean> => (await link.isDone()) && (await plist.isDone());
  return [
    ...placeSteps(installation, system),
    enableStep(system),
    stopStep(system, isCurrent),
    link,
    plist,
    ...surroundingSteps(installation, system),
    startStep(system),
    readyStep(installation, system),
    pruneStep(system),
  ];
}

/** All that can be made ready while another version runs. */
function placeSteps(
  { version, account, configuration, environment }: Installation,
  system: System,
): readonly Step[] {
  const { layout } = system;
  const root = { by: "root", owner: () => rootOwner };
  const own = async (): Promise<Owner> => (await ownerOf(account, system)) ?? rootOwner;
  const readable = async (): Promise<Owner> => ({ uid: 0, gid: (await own()).gid });
  return [
    folderStep({ path: layout.root, mode: 0o755, ...root }, system, emptyFolderRemoval(layout.root)),
    folderStep({ path: layout.versions, mode: 0o755, ...root }, system),
    copyStep(version, system),
    accountStep(account, system),
    folderStep(
      { path: layout.state, by: account, owner: own, mode: 0o750 },
      system,
      removal(layout.state, "journal and identity in", true),
    ),
    backupStep(system),
    folderStep({ path: layout.logs, mode: 0o755, ...root }, system, removal(layout.logs, "logs in", true)),
    logStep(layout, account, own, system),
    fileStep(
      {
        path: layout.config,
        what: "configuration",
        by: `root, group ${account}`,
        owner: readable,
        mode: 0o640,
        content: () => configuration,
        once: true,
      },
      system,
      removal(layout.config, "configuration", true),
    ),
    fileStep(
      {
        path: layout.environment,
        what: "variables",
        by: `root, group ${account}`,
        owner: readable,
        mode: 0o640,
        content: () => environment,
        once: true,
      },
      system,
      removal(layout.environment, "variables", true),
    ),
  ];
}

/** Made by root, since the folder is root's: launchd opens a file there as root, which nobody may redirect by a link. */
function logStep({ log }: Layout, account: string, owner: () => Promise<Owner>, system: System): Step {
  return fileStep(
    { path: log, what: "log", by: account, owner, mode: 0o640, content: () => "", once: true },
    system,
  );
}

function plistStep(version: PreparedVersion, system: System): Step {
  const { plist } = system.layout;
  return fileStep(
    {
      path: plist,
      what: "launchd job",
      by: "root",
      owner: () => rootOwner,
      mode: 0o644,
      content: () => textOf(version, "launchd.plist"),
    },
    system,
    removal(plist, "launchd job"),
  );
}

/** Of a part of the version. */
function textOf({ parts }: PreparedVersion, name: string): string {
  return (
    parts
      .find(({ path }) => path === name)
      ?.read()
      .toString() ?? ""
  );
}

/** Ours alone: npm and Homebrew put a link to theirs in its place. */
function manualStep(version: PreparedVersion, system: System): Step {
  const { manual } = system.layout;
  const isFree = lookAt(manual) === undefined || isOurs(manual);
  const step = fileStep(
    {
      path: manual,
      what: "manual page",
      by: "root",
      owner: () => rootOwner,
      mode: 0o644,
      content: () => textOf(version, manualFile),
    },
    system,
    { ...removal(manual, "manual page"), isDue: () => isOurs(manual) },
  );
  return isFree ? step : { ...step, isDone: () => true };
}

const isOurs = (manual: string): boolean =>
  lookAt(manual)?.isFile() === true && readFileSync(manual, "utf8").startsWith(manualMark);

function surroundingSteps({ version, account }: Installation, system: System): readonly Step[] {
  const { layout } = system;
  const root = { by: "root", owner: () => rootOwner };
  const rotation = async (): Promise<string> =>
    newsyslogConf(layout, rotationOwner((await ownerOf(account, system)) ?? rootOwner));
  const command = commandFile(layout);
  const uncommand = removal(layout.command, "command");
  return [
    fileStep(
      { path: layout.newsyslog, what: "log rotation", mode: 0o644, content: rotation, ...root },
      system,
      removal(layout.newsyslog, "log rotation"),
    ),
    fileStep(
      { path: layout.command, what: "command", mode: 0o755, content: () => command, once: true, ...root },
      system,
      // npm and Homebrew may have put theirs there.
      {
        ...uncommand,
        isDue: () =>
          lookAt(layout.command)?.isFile() === true && readFileSync(layout.command, "utf8") === command,
      },
    ),
    manualStep(version, system),
  ];
}

function commandFile({ current }: Layout): string {
  const { node, cli } = programIn(current);
  return `#!/bin/sh\nexec "${node}" ${commandFlags.join(" ")} "${cli}" "$@"\n`;
}

function readyStep({ version, probe, readyTimeoutMs }: Installation, system: System): Step {
  return {
    describe: "wait until the agent is ready",
    isDone: async () => lookAt(readyMark(version)) !== undefined && (await probe()).ready,
    async do() {
      const answer = await waitUntilReady(probe, system, readyTimeoutMs);
      if (answer.ready) {
        writeAtomically(readyMark(version), "");
        return undefined;
      }
      return `agent must become ready within ${Math.round(readyTimeoutMs / 1000)} s, got ${answer.reason}`;
    },
  };
}

/** A version that was ready before is given the time it took then, however short the new one's was meant to be. */
const rollbackTimeoutMs = 60_000;

/** The job file of a version lies beside it, so that the way back brings its own flags along. */
async function rollBack(
  before: string,
  { probe, readyTimeoutMs }: Installation,
  system: System,
): Promise<Failure> {
  const { layout } = system;
  try {
    if ((await readJob(system)).loaded) {
      const failure = await stop(system);
      if (failure !== undefined) return failure;
    }
    const plist = readFileSync(join(layout.root, before, "launchd.plist"), "utf8");
    pointLink(layout.current, before);
    rmSync(layout.previous, { force: true });
    writeAtomically(layout.plist, plist, 0o644);
    setOwner(system, layout.plist, rootOwner);
  } catch (error) {
    return causeOf(error);
  }
  const failure = await start(system);
  if (failure !== undefined) return failure;
  const answer = await waitUntilReady(probe, system, Math.max(readyTimeoutMs, rollbackTimeoutMs));
  return answer.ready ? undefined : `it must become ready, too, got ${answer.reason}`;
}
