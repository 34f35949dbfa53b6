/** `record DIR`: what all sources print into files, without what identifies the Mac, for bug reports, tests and `replay`. */
import { randomBytes } from "node:crypto";
import { createCollection } from "../collection.ts";
import { configuredIdentities, lookUpIdentities, usersOf } from "../diagnosis/identities.ts";
import { runTool } from "../diagnosis/machine.ts";
import { createRedactor, type Redactor } from "../diagnosis/redact.ts";
import { createOwnMeter } from "../meter/own-meter.ts";
import type { Logger } from "../runtime/log.ts";
import { defined } from "../runtime/defined.ts";
import { createLogger } from "../runtime/logger.ts";
import { childEnvironment } from "../source/child.ts";
import { createHeartbeat } from "../source/heartbeat.ts";
import { openRecorder, type Recorder } from "../source/recording.ts";
import type { Frame, Source, SourceListener } from "../source/source.ts";
import type { SourceName } from "../parse/sample.ts";
import { prepare, type Prepared, type RunChoice } from "./load.ts";
import { preflight } from "./preflight.ts";
import { exitCode, type ExitCode, type CommandContext } from "./context.ts";

export interface RecordChoice extends RunChoice {
  readonly folder: string;
  /** Milliseconds; absent records until a signal. */
  readonly duration?: number;
  /** False keeps names, serial numbers and addresses. */
  readonly redact: boolean;
}

/** A day of one-second documents of a large machine with tasks is some 30 GB, and a recording without a duration goes on. */
const largestRecording = 1024 ** 3;

/** 0 when every enabled source was recorded; without a duration also when some of them were. */
export async function record(choice: RecordChoice, context: CommandContext): Promise<ExitCode> {
  const prepared = await prepare(choice, context);
  if (typeof prepared === "number") return prepared;
  const obstacle = await preflight(prepared, context);
  if (obstacle !== undefined) {
    context.stderr(`${obstacle.message}\n`);
    return obstacle.code;
  }
  const opened = openRecorder(choice.folder, largestRecording);
  if (!opened.ok) {
    context.stderr(`${opened.message}\n`);
    return exitCode.failure;
  }
  using recorder = opened.recorder;
  using log = createLogger(
    { level: "warn", format: prepared.configuration.log.format },
    { clock: context.clock, fd: 2, tty: context.standardErrorIsTerminal, env: context.env },
  );
  const redactor = choice.redact ? await openRedactor(prepared, context) : undefined;
  const [silent] = await Promise.all([
    collectFrames(prepared, context, {
      ...defined({ durationMs: choice.duration }),
      signal: context.signal,
      log,
      onFrame: (source, { bytes, receivedAt }) =>
        goesOn(recorder.write(source, { bytes: redactor?.bytes(bytes) ?? bytes, receivedAt }), context),
    }),
    recordExtras(prepared, recorder, redactor, context),
  ]);
  for (const name of silent) context.stderr(`recorded nothing of ${name}\n`);
  context.stderr(`recorded ${recorder.frames} reports, ${recorder.bytes} bytes, into ${choice.folder}\n`);
  const whole = silent.length === 0 || (context.signal.aborted && recorder.frames > 0);
  return whole && recorder.frames > 0 ? exitCode.ok : exitCode.failure;
}

function goesOn(recorded: ReturnType<Recorder["write"]>, context: CommandContext): boolean {
  if (recorded.status === "written") return true;
  context.stderr(
    recorded.status === "full"
      ? `the recording has reached ${largestRecording} bytes and ends\n`
      : `${recorded.message}\n`,
  );
  return false;
}

async function openRedactor(
  { configuration, simulated }: Prepared,
  context: CommandContext,
): Promise<Redactor> {
  const { powermetrics, vm_stat, sysctl, pmset, ioreg } = configuration.sources;
  const identities = await lookUpIdentities(
    {
      clock: context.clock,
      environment: childEnvironment(context.env),
      commands: {
        powermetrics: powermetrics.command,
        vm_stat: vm_stat.command,
        sysctl: sysctl.command,
        pmset: pmset.command,
        ioreg: ioreg.command,
      },
      isMac: context.platform === "darwin" && !simulated,
      users: usersOf(context),
      prefix: "",
    },
    context.signal,
  );
  return createRedactor([...identities, ...configuredIdentities(configuration)], randomBytes(32));
}

/** What is printed once and is worth a test: the list of samplers. */
async function recordExtras(
  { configuration }: Prepared,
  recorder: Recorder,
  redactor: Redactor | undefined,
  context: CommandContext,
): Promise<void> {
  const tools = { clock: context.clock, environment: childEnvironment(context.env) };
  const argv = [...configuration.sources.powermetrics.command, "--help"];
  const { stdout, stderr } = await runTool(tools, argv, { signal: context.signal });
  const text = stdout === "" ? stderr : stdout;
  if (text !== "") goesOn(recorder.keep("help", Buffer.from(redactor?.text(text) ?? text)), context);
}

interface CollectOptions {
  readonly durationMs?: number;
  readonly signal: AbortSignal;
  readonly log: Logger;
  /** False ends it. */
  readonly onFrame: (source: SourceName, frame: Frame) => boolean;
}

/** Beyond its interval a source may take so long to start. */
const startAllowanceMs = 60_000;

/**
 * Runs the enabled sources for a time, and as much longer as the first report of each takes. Resolves to those that gave
 * none.
 */
export async function collectFrames(
  prepared: Pick<Prepared, "configuration" | "simulated">,
  context: CommandContext,
  { durationMs, signal, log, onFrame }: CollectOptions,
): Promise<readonly SourceName[]> {
  const { configuration, simulated } = prepared;
  const { sources } = createCollection(configuration, {
    ...context,
    log,
    simulated,
    environment: childEnvironment(context.env),
    restart: "backoff",
    heartbeat: createHeartbeat(context.clock),
    own: createOwnMeter(context.clock.now()),
    publish: () => undefined,
  });
  const enough = new AbortController();
  const silent = new Set(sources.map(({ name }) => name));
  const awaited = new Set(silent);
  let timeIsOver = false;
  function answered(name: SourceName): void {
    awaited.delete(name);
    if (timeIsOver && awaited.size === 0) enough.abort();
  }
  const longest = Math.max(0, ...sources.map(({ intervalMs }) => intervalMs));
  using _duration = after(durationMs, context, () => {
    timeIsOver = true;
    if (awaited.size === 0) enough.abort();
    else context.stderr(waitingFor(sources.filter(({ name }) => awaited.has(name))));
  });
  using _limit = after(
    durationMs === undefined ? undefined : durationMs + longest + startAllowanceMs,
    context,
    () => enough.abort(),
  );
  const stop = AbortSignal.any([signal, enough.signal]);
  const listen = (name: SourceName): SourceListener => ({
    frame(frame) {
      if (enough.signal.aborted) return;
      silent.delete(name);
      if (!onFrame(name, frame)) enough.abort();
      answered(name);
    },
    up: () => undefined,
    started: () => undefined,
    // A busy machine's tool may answer next time; the others will say the same again.
    failed: ({ reason }) => {
      if (reason !== "timeout" && reason !== "stalled") answered(name);
    },
    restarted: () => undefined,
    dropped: () => undefined,
  });
  await Promise.all(sources.map((source) => source.run(listen(source.name), stop)));
  return [...silent];
}

function after(
  ms: number | undefined,
  { clock }: CommandContext,
  callback: () => void,
): Disposable | undefined {
  return ms === undefined ? undefined : clock.after(ms, callback);
}

function waitingFor(sources: readonly Source[]): string {
  const named = sources.map(({ name, intervalMs }) => `${name} (interval ${intervalMs / 1000} s)`);
  return `the time is over; waiting for the first report of ${named.join(", ")}\n`;
}
