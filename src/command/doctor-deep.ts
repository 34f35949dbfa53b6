/** Runs `doctor --deep`: looks at everything that no test without a Mac can know, and writes one file that can be shared. */
import { randomBytes } from "node:crypto";
import { closeSync, fchownSync, openSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { cpus } from "node:os";
import type { Configuration } from "../config/schema.ts";
import { accountItem, accountTrialItem } from "../diagnosis/directory.ts";
import { machineItem, rawItems, trustItem } from "../diagnosis/facts.ts";
import { configuredIdentities, lookUpIdentities, usersOf } from "../diagnosis/identities.ts";
import { formatEntry, runItems, skipped, summarize, type Entry, type Item } from "../diagnosis/items.ts";
import { launchdItems } from "../diagnosis/launchd.ts";
import { hasTool, humanPace, seconds, type Machine, type Pace } from "../diagnosis/machine.ts";
import { commitsItem, droppedParentItem, keychainItem } from "../diagnosis/processes.ts";
import { createRedactor, type Redactor } from "../diagnosis/redact.ts";
import { sleepItem, streamItems } from "../diagnosis/stream.ts";
import { causeOf } from "../runtime/cause.ts";
import { defined } from "../runtime/defined.ts";
import { silentLogger } from "../runtime/log.ts";
import { childEnvironment, type Argv } from "../source/child.ts";
import { chooseSamplers } from "../source/arguments.ts";
import type { SourceName } from "../parse/sample.ts";
import type { ConnectProbe } from "./check.ts";
import { examine, loadForDoctor, wantedSamplers } from "./doctor.ts";
import { resolvePrefix } from "./install.ts";
import { withSimulator } from "./load.ts";
import { collectFrames } from "./record.ts";
import { openSystem } from "./system.ts";
import { exitCode, type ExitCode, type CommandContext } from "./context.ts";

export interface DiagnoseArguments {
  readonly config?: string;
  readonly prefix?: string;
  readonly simulate?: "always" | "auto";
  readonly output?: string;
  /** Print the report instead of the summary. */
  readonly json?: boolean;
  readonly sleep?: boolean;
  readonly installTrial?: boolean;
  /** Milliseconds. */
  readonly record?: number;
}

/** Frames in a report; some ten minutes of a large Mac. */
const largestRecording = 16 * 1024 ** 2;

/** 0 when nothing failed; 1 as well when the file cannot be written or the user stops it, with what there is by then. */
export async function diagnose(
  options: DiagnoseArguments,
  context: CommandContext,
  connect: ConnectProbe,
  pace: Pace = humanPace,
): Promise<ExitCode> {
  const output = options.output ?? "doctor-report.json";
  let file: number;
  try {
    file = createReport(resolve(context.cwd, output), context);
  } catch (error) {
    context.stderr(`cannot write ${output}: ${causeOf(error)}; give another name with --output\n`);
    return exitCode.failure;
  }
  try {
    const { machine, configuration } = await openMachine(options, context, pace);
    if (context.platform === "darwin" && context.uid !== 0)
      context.stderr("powermetrics, launchd and some of the rest need root: run it with sudo\n");
    const identities = await lookUpIdentities(machine, context.signal);
    const redactor = createRedactor([...identities, ...configuredIdentities(configuration)], randomBytes(32));
    const items = itemsOf(options, { machine, configuration, redactor, context, connect });
    const entries = await runItems(items, {
      clock: context.clock,
      signal: context.signal,
      onStart: (name, position) => showProgress(`${position}/${items.length} ${name}`, context),
    });
    showProgress("", context);
    const report = redactor.value(reportOf(options, entries, context));
    const text = `${JSON.stringify(report, undefined, 2)}\n`;
    writeFileSync(file, text);
    if (options.json === true) context.stdout(text);
    else for (const entry of entries) context.stdout(redactor.text(formatEntry(entry)));
    context.stderr(
      `${summarize(entries)}; wrote ${output}, ${Math.ceil(text.length / 1024)} KB: look at it before you share it\n`,
    );
    const failed = entries.some(({ status }) => status === "fail");
    return failed || context.signal.aborted ? exitCode.failure : exitCode.ok;
  } finally {
    closeSync(file);
  }
}

/** Never over an existing file. Whoever called sudo can read and remove it. */
function createReport(path: string, { uid, env }: CommandContext): number {
  const file = openSync(path, "wx", 0o600);
  const [owner, group] = [env["SUDO_UID"], env["SUDO_GID"]].map(Number);
  if (uid === 0 && Number.isInteger(owner) && Number.isInteger(group))
    fchownSync(file, owner ?? 0, group ?? 0);
  return file;
}

/** One line that changes on a terminal, and lines of their own elsewhere. */
function showProgress(text: string, context: CommandContext): void {
  if (context.standardErrorIsTerminal) context.stderr(`\r\u001b[K${text}`);
  else if (text !== "") context.stderr(`${text}\n`);
}

async function openMachine(
  { config, prefix: given, simulate }: DiagnoseArguments,
  context: CommandContext,
  pace: Pace,
): Promise<{ machine: Machine; configuration: Configuration }> {
  const prefix = resolvePrefix(given, context);
  const system = openSystem(prefix, context);
  const loaded = loadForDoctor(config === undefined ? {} : { config }, system, context).configuration;
  const onMac = context.platform === "darwin" || prefix !== "";
  const simulated = simulate === "always" || (simulate === "auto" && !onMac);
  const configuration = simulated ? withSimulator(loaded, context.self) : loaded;
  const command = (name: SourceName): Argv => {
    const [program = "", ...args] = configuration.sources[name].command;
    return simulated ? [program, ...args] : [`${prefix}${program}`, ...args];
  };
  const environment = childEnvironment(context.env);
  const needed = wantedSamplers(configuration);
  const samplers = await chooseSamplers(
    { command: command("powermetrics"), wanted: needed, log: silentLogger },
    { clock: context.clock, environment, timeoutMs: 10_000, maxBytes: 256 * 1024, signal: context.signal },
  );
  const machine: Machine = {
    ...context,
    pace,
    prefix,
    system,
    cpus,
    environment,
    isMac: prefix !== "" || (onMac && !simulated),
    commands: {
      powermetrics: command("powermetrics"),
      vm_stat: command("vm_stat"),
      sysctl: command("sysctl"),
      pmset: command("pmset"),
      ioreg: command("ioreg"),
    },
    neededSamplers: needed,
    samplers,
    runAs: configuration.run_as,
    users: usersOf(context),
    localTargets: localTargets(configuration),
  };
  return { machine, configuration };
}

/** What a URL names by an address of the local network, or by a name that is resolved there. */
function localTargets(value: unknown): { host: string; port: number }[] {
  if (typeof value === "string") {
    const url = /^https?:\/\//.test(value) ? URL.parse(value) : null;
    if (
      url === null ||
      !/^(?:10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|169\.254\.|\[f[cde])|\.local$/.test(url.hostname)
    )
      return [];
    const port = url.port === "" ? (url.protocol === "https:" ? 443 : 80) : Number(url.port);
    return [{ host: url.hostname.replace(/^\[|\]$/g, ""), port }];
  }
  if (typeof value !== "object" || value === null || "reveal" in value) return [];
  return Object.values(value).flatMap(localTargets);
}

interface Parts {
  readonly machine: Machine;
  readonly configuration: Configuration;
  readonly redactor: Redactor;
  readonly context: CommandContext;
  readonly connect: ConnectProbe;
}

/** In this order: what costs nothing first, what changes something last. */
function itemsOf(options: DiagnoseArguments, parts: Parts): readonly Item[] {
  const { machine, context } = parts;
  const program = {
    version: context.version,
    node: context.nodeVersion,
    platform: context.platform,
    arch: context.arch,
  };
  return [
    checksItem(options, parts),
    machineItem(machine, program),
    ...rawItems(machine),
    trustItem(machine),
    accountItem(machine),
    ...streamItems(machine),
    droppedParentItem(machine),
    keychainItem(machine),
    commitsItem(machine),
    ...[accountTrialItem(machine), ...launchdItems(machine)].map((item) =>
      withReason(item, trialObstacle(options, machine)),
    ),
    withReason(sleepItem(machine), options.sleep === true ? undefined : "give --sleep to try it"),
    recordingItem(options, parts),
  ];
}

function trialObstacle(
  { installTrial }: DiagnoseArguments,
  { isMac, uid, prefix }: Machine,
): string | undefined {
  if (!isMac) return "needs macOS";
  if (installTrial !== true) return "give --install-trial to try it";
  return uid === 0 || prefix !== "" ? undefined : "needs root";
}

function withReason(item: Item, reason: string | undefined): Item {
  return reason === undefined ? item : { ...item, run: () => Promise.resolve(skipped(reason)) };
}

/** What `doctor` finds without --deep. */
function checksItem({ config, prefix }: DiagnoseArguments, { machine, context, connect }: Parts): Item {
  const options = defined({ config, prefix });
  return {
    name: "checks",
    expected: "nothing to fix",
    limitMs: 60_000,
    async run() {
      if (!machine.isMac) return skipped("needs macOS");
      const findings = await examine(options, context, connect);
      const bad = findings.filter(({ status }) => status !== "ok");
      const got =
        bad.length === 0
          ? `${findings.length} checks are well`
          : bad.map(({ check, message }) => `${check}: ${message}`).join("; ");
      const failed = bad.some(({ status }) => status === "failure");
      return { status: failed ? "fail" : bad.length > 0 ? "warn" : "ok", got, details: { findings } };
    },
  };
}

/** The sources' frames as text, each with its time: a recording inside the report. */
function recordingItem(
  { record: durationMs }: DiagnoseArguments,
  { machine, configuration, redactor, context }: Parts,
): Item {
  const longest = Math.max(...Object.values(configuration.sources).map(({ interval }) => interval));
  return {
    name: "recording",
    expected: "reports of every source",
    limitMs: (durationMs ?? 0) + longest + 30_000,
    async run(signal) {
      if (durationMs === undefined) return skipped("give --record 60s to add one");
      if (!Object.values(machine.commands).some((command) => hasTool(machine, command)))
        return skipped("needs macOS");
      const frames: { source: string; receivedAt: number; text: string }[] = [];
      let bytes = 0;
      const sources = { ...configuration.sources };
      for (const [name, command] of Object.entries(machine.commands))
        Object.assign(sources, { [name]: { ...sources[name as SourceName], command } });
      const silent = await collectFrames(
        { configuration: { ...configuration, sources }, simulated: false },
        context,
        {
          durationMs,
          signal,
          // What the tools say is in the other items, redacted.
          log: silentLogger,
          onFrame(source, frame) {
            bytes += frame.bytes.length;
            if (bytes > largestRecording) return false;
            const text = redactor.bytes(frame.bytes).toString("utf8");
            frames.push({ source, receivedAt: frame.receivedAt, text });
            return true;
          },
        },
      );
      const got = `${frames.length} reports in ${seconds(durationMs)}${silent.length > 0 ? `, none of ${silent.join(", ")}` : ""}`;
      return { status: silent.length > 0 ? "warn" : "ok", got, details: { frames } };
    },
  };
}

function reportOf(
  options: DiagnoseArguments,
  entries: readonly Entry[],
  { version, clock }: CommandContext,
): object {
  const { sleep = false, installTrial = false, record, simulate } = options;
  return {
    report: "mac-powermetrics-agent doctor --deep",
    version,
    at: new Date(clock.now()).toISOString(),
    options: { sleep, installTrial, recordMs: record, simulate },
    summary: summarize(entries),
    items: entries,
  };
}
