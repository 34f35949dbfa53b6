/**
 * The simulated powermetrics: what it checks before it samples, in the tool's order, the stream of documents with the ways it ends, and what a document holds.
 *
 *     <?xml … </plist>\n  NUL  <?xml … </plist>\n  NUL  <?xml … </plist>\n
 *     ├── window 1 ──────┤├──────── window 2 ─────┤├──────── window 3 ─────┤
 */
import { writeBattery, writeDisk, writeForcedIdle, writeInterrupts, writeNetwork } from "./activity.ts";
import { writeGpu, writeProcessor } from "./apple-silicon.ts";
import {
  chooseSamplers,
  helpText,
  parseArguments,
  samplersOf,
  type Arguments,
  type Sampler,
} from "./arguments.ts";
import { hasFault, spoils, spoilSilicon, strikesAt, type Fault } from "./faults.ts";
import { writeIntelGpu, writeIntelProcessor, writeSmc } from "./intel.ts";
import { thermalPressureAt, type Window } from "./load.ts";
import { bootTimeMs, osBuild, osNumber, type Host } from "./mac.ts";
import { chance } from "./noise.ts";
import { plistHead, plistWriter, type PlistWriter } from "./plist-writer.ts";
import type { ToolIo } from "./simulate.ts";
import type { Settings } from "./settings.ts";
import { siliconState } from "./silicon.ts";
import { writeTasks } from "./tasks.ts";

const usageError = 64;
const noPermission = 1;

/** Samplers are checked before the user (src/parse/README.md, 5). */
export async function powermetrics(argv: readonly string[], settings: Settings, io: ToolIo): Promise<number> {
  const parsed = parseArguments(argv);
  if ("problem" in parsed) return complain(io, parsed.problem);
  const wanted = parsed.arguments;
  const groups = samplersOf(settings.host.chip, settings.host.os);
  const chosen = chooseSamplers(wanted.all ? ["all"] : (wanted.samplers ?? ["default"]), groups);
  if ("unrecognized" in chosen) return complain(io, `unrecognized sampler: ${chosen.unrecognized}`);
  if (wanted.help) {
    await io.stdout.write(helpText(settings.host));
    return 0;
  }
  if (hasFault(settings.faults, "unknown-sampler")) {
    return complain(io, `unrecognized sampler: ${[...chosen.samplers].at(-1) ?? "none"}`);
  }
  if (hasFault(settings.faults, "not-root")) {
    await io.stderr.write("powermetrics must be invoked as the superuser\n");
    return noPermission;
  }
  if (wanted.format !== "plist") {
    return complain(io, `the simulator prints --format plist only, got ${wanted.format}`);
  }
  return stream(wanted, chosen.samplers, settings, io);
}

async function complain(io: ToolIo, problem: string): Promise<number> {
  await io.stderr.write(`powermetrics: ${problem}\n`);
  return usageError;
}

const aborted = 134;
const cutOff = 1;
const brokenPipe = 141;

interface Stream {
  readonly wanted: Arguments;
  readonly samplers: ReadonlySet<Sampler>;
  readonly settings: Settings;
  readonly io: ToolIo;
  /** How far sleep has moved the wall clock beyond the tool's. */
  sleptMs: number;
  /** NUL once something was printed. */
  separator: "" | "\0";
}

/** Resolves to the exit code: after the documents asked for, at the signal, at a fault, or when the reader is gone. */
async function stream(
  wanted: Arguments,
  samplers: ReadonlySet<Sampler>,
  settings: Settings,
  io: ToolIo,
): Promise<number> {
  const it: Stream = { wanted, samplers, settings, io, sleptMs: 0, separator: "" };
  const beganMs = io.clock.now();
  const { chip, seed } = settings.host;
  if (chip.kind === "apple" && chip.gpu === undefined) {
    await io.stderr.write("ERROR: cannot find the IO registry entry for IODeviceTree:/arm-io/pmgr\n");
  }
  if (wanted.initialUsage && !(await print(it, lifetime(it, bootTimeMs(seed, beganMs), 0))))
    return brokenPipe;
  for (let number = 1; number <= (wanted.count ?? Infinity); number++) {
    const window = await nextWindow(it, number);
    if (io.signal.aborted) break;
    const ended = await printNumbered(it, number, window);
    if (ended !== undefined) return ended;
  }
  if (wanted.usageSummary) await print(it, lifetime(it, beganMs, io.clock.now() - beganMs));
  return 0;
}

/** Prints a document, or lets a fault strike; an exit code when that was the last one. */
async function printNumbered(it: Stream, number: number, window: Window): Promise<number | undefined> {
  const { faults } = it.settings;
  if (strikesAt(faults, "stall", number)) {
    await it.io.forever();
    return 0;
  }
  const document = powermetricsDocument({ ...request(it, number), window, isDelta: true });
  if (strikesAt(faults, "truncate", number)) {
    await print(it, document.slice(0, document.length / 2));
    return cutOff;
  }
  const garbage = spoils(faults, "garbage", number) ? "proc_pidpath 1460 failed(0)\n" : "";
  if (!(await print(it, document, garbage))) return brokenPipe;
  return strikesAt(faults, "abort", number) ? aborted : undefined;
}

async function print(it: Stream, document: string, before = ""): Promise<boolean> {
  const text = before + it.separator + document;
  it.separator = "\0";
  return it.io.stdout.write(text);
}

/** A document that is no window of the stream: of the whole uptime, which claims to have taken no time, or of the whole run. */
function lifetime(it: Stream, startMs: number, lengthMs: number): string {
  const endMs = it.io.clock.now() + it.sleptMs;
  const window = { startMs, endMs, elapsedNs: Math.round(lengthMs * 1e6) };
  return powermetricsDocument({ ...request(it, 0), window, isDelta: false });
}

function request(it: Stream, number: number): Omit<DocumentRequest, "window" | "isDelta"> {
  const { host, faults, tasks } = it.settings;
  const { coalitions } = it.wanted;
  if (!spoils(faults, "huge", number))
    return { host, samplers: it.samplers, coalitions, tasks, faults, number };
  const samplers = new Set([...it.samplers, "tasks" as const]);
  return { host, samplers, coalitions, tasks: Math.max(850, tasks), faults, number };
}

const napMs = 3_600_000;

/** A window lasts a little longer than asked: mostly by a millisecond or two, at times by 30. */
async function nextWindow(it: Stream, number: number): Promise<Window> {
  const { clock, signal } = it.io;
  const { host, faults } = it.settings;
  const { intervalMs } = it.wanted;
  const startMs = clock.now() + it.sleptMs;
  const startedAt = clock.monotonic();
  if (intervalMs === 0) await it.io.forever();
  else await clock.sleep(intervalMs + 1.2 + 30 * chance(host.seed, 9, number) ** 6, signal);
  const awakeMs = clock.monotonic() - startedAt;

  const spanned = strikesAt(faults, "sleep-gap-spanned", number);
  const slept = spanned || strikesAt(faults, "sleep-gap", number);
  if (slept) it.sleptMs += napMs;
  return {
    startMs: slept && !spanned ? startMs + napMs : startMs,
    endMs: clock.now() + it.sleptMs,
    elapsedNs: Math.round((awakeMs + (spanned ? napMs : 0)) * 1e6),
  };
}

interface DocumentRequest {
  readonly host: Host;
  readonly samplers: ReadonlySet<Sampler>;
  readonly coalitions: boolean;
  readonly tasks: number;
  readonly faults: readonly Fault[];
  readonly window: Window;
  /** Counted from 1. */
  readonly number: number;
  /** False for a summary or the lifetime sample. */
  readonly isDelta: boolean;
}

/** Writes one powermetrics document: its header, and the dictionaries of the samplers in the tool's order. */
export function powermetricsDocument(request: DocumentRequest): string {
  const plist = plistWriter();
  plist.line(plistHead);
  plist.dictionary(undefined, () => {
    writeHeader(plist, request);
    writeSubjects(plist, request);
  });
  plist.line("</plist>");
  return plist.text();
}

function writeHeader(plist: PlistWriter, { host, window, isDelta }: DocumentRequest): void {
  plist.flag("is_delta", isDelta);
  plist.integer("elapsed_ns", window.elapsedNs);
  plist.string("hw_model", host.chip.model);
  plist.string("kern_osversion", osBuild(host.os));
  // OS X 10.9 had neither.
  if (osNumber(host.os) >= osNumber("10.14")) {
    plist.string("kern_bootargs", "");
    plist.integer("kern_boottime", bootTimeMs(host.seed, window.endMs) / 1000);
  }
  plist.date("timestamp", window.endMs);
}

function writeSubjects(plist: PlistWriter, request: DocumentRequest): void {
  const { host, samplers, window, faults, number } = request;
  if (samplers.has("tasks")) writeTasks(plist, request, spoils(faults, "unescaped", number));
  if (samplers.has("battery")) writeBattery(plist, host, window);
  if (samplers.has("network")) writeNetwork(plist, host, window);
  if (samplers.has("disk")) writeDisk(plist, host, window);
  if (samplers.has("interrupts")) writeInterrupts(plist, host, window);
  writeSilicon(plist, request);
  if (host.chip.kind === "intel" && samplers.has("smc")) writeSmc(plist, host.chip, host.seed, window);
}

/** Power needs a window with a length, which the lifetime sample has not. */
function writeSilicon(plist: PlistWriter, request: DocumentRequest): void {
  const { host, samplers, window } = request;
  const { chip } = host;
  const cpu = window.elapsedNs > 0 && samplers.has("cpu_power");
  const gpu = window.elapsedNs > 0 && samplers.has("gpu_power");
  if (chip.kind === "intel") {
    if (cpu) writeIntelProcessor(plist, chip, host.seed, window);
    writeBetween(plist, request);
    if (gpu && chip.packageWatts !== undefined) writeIntelGpu(plist, host.seed, window);
    return;
  }
  const state =
    cpu || gpu ? spoilSilicon(siliconState(chip, host.os, host.seed, window), request) : undefined;
  if (cpu && state !== undefined && state.clusters.length > 0) {
    writeProcessor(plist, chip, host.os, state, window.elapsedNs);
  }
  writeBetween(plist, request);
  if (gpu && state?.gpu !== undefined) writeGpu(plist, host.os, state.gpu, state.gpuMillijoules);
}

function writeBetween(plist: PlistWriter, { host, samplers, window }: DocumentRequest): void {
  if (samplers.has("thermal")) plist.string("thermal_pressure", thermalPressureAt(host.seed, window.endMs));
  if (samplers.has("sfi")) writeForcedIdle(plist);
}
