/** Finds the captures of real Macs for tests: beside the project, never inside it. */
import { existsSync, readFileSync } from "node:fs";
import { createFramer } from "../../src/source/frame.ts";

const folder = new URL("../../../shared/captures/", import.meta.url);

/** Options for a test that needs them: skips with a reason where they are absent. */
export const withCaptures = existsSync(folder)
  ? {}
  : { skip: "no captures beside the project (../shared/captures)" };

/** Every document of a powermetrics capture. */
export function documents(name: string): Buffer[] {
  const frames: Buffer[] = [];
  const framer = createFramer({ onFrame: (frame) => frames.push(Buffer.from(frame)) });
  framer.push(readFileSync(new URL(`powermetrics/${name}`, folder)));
  framer.end();
  return frames;
}

export function captureText(path: string): string {
  return readFileSync(new URL(path, folder), "utf8");
}

export const powermetricsCaptures = {
  core2: "intel_MacBookPro5,4-macos10.9_13B42-unsupported_hw.plist",
  vmware: "intel_VMware7,1-macos10.9.5_13F34-vm.plist",
  m1: "m1-macos13.3_22E252-cpu_gpu_thermal.plist",
  m1pro: "m1pro-macos14.7.2_23H311-default_coalitions_100ms.plist",
  m3max: "m3max-macos26.6_25G83-cpu_gpu_thermal-doc3of3.plist",
  m4: "m4-macos26.6_25G229-cpu_power.plist",
  m4proBattery: "m4pro-macos15.5_24F74-battery.plist",
  m4proGpu: "m4pro-macos15.5_24F74-gpu_power.plist",
} as const;
