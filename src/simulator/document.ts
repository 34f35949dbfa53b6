/** Writes one powermetrics document: its header, and the dictionaries of the samplers in the tool's order. */
import { writeBattery, writeDisk, writeForcedIdle, writeInterrupts, writeNetwork } from "./activity.ts";
import { writeGpu, writeProcessor } from "./apple-silicon.ts";
import { spoils, type Fault, spoilSilicon } from "./faults.ts";
import { bootTimeMs, type Host, osBuild, osNumber } from "./mac.ts";
import { writeIntelGpu, writeIntelProcessor, writeSmc } from "./intel.ts";
import { thermalPressureAt, type Window } from "./load.ts";
import { plistHead, plistWriter, type PlistWriter } from "./plist-writer.ts";
import type { Sampler } from "./samplers.ts";
import { siliconState } from "./silicon.ts";
import { writeTasks } from "./tasks.ts";

export interface DocumentRequest {
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
