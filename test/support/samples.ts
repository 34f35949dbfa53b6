/** Hand-made samples for tests of collectors and meters; numbers are chosen to be checked by head. */
import type { CollectorSettings } from "../../src/collector/collector.ts";
import type { PowermetricsSample } from "../../src/parse/sample.ts";

export const defaultSettings: CollectorSettings = {
  tasks: { enabled: false, top: 10 },
  frequencyResidency: false,
  interrupts: false,
  simulated: false,
};

export const allSettings: CollectorSettings = {
  tasks: { enabled: true, top: 2 },
  frequencyResidency: true,
  interrupts: true,
  simulated: true,
};

const cores = [
  { id: "cpu0", cluster: "E-Cluster", frequencyHz: 1e9, activeRatio: 0.5, idleRatio: 0.5 },
  { id: "cpu1", cluster: "E-Cluster", frequencyHz: 2e9, activeRatio: 0.25, idleRatio: 0.75 },
  { id: "cpu2", cluster: "P-Cluster", frequencyHz: 0, activeRatio: 0, idleRatio: 0, downRatio: 1 },
] as const;

/** One second of a small machine. */
export function powermetricsSample(changes: Partial<PowermetricsSample> = {}): PowermetricsSample {
  return {
    timestampMs: Date.UTC(2026, 0, 1),
    elapsedNs: 1e9,
    isDelta: true,
    hwModel: "Mac16,10",
    osBuild: "25G229",
    bootTimeMs: Date.UTC(2025, 11, 31),
    thermalPressure: "nominal",
    processor: {
      cpuMilliwatts: 90.5,
      gpuMilliwatts: 12,
      aneMilliwatts: 0,
      combinedMilliwatts: 102.5,
      cpuMillijoules: 90,
      gpuMillijoules: 12,
      aneMillijoules: 0,
      clusters: [
        { name: "E-Cluster", onlineRatio: 1, cores: cores.slice(0, 2) },
        { name: "P-Cluster", cores: cores.slice(2) },
      ],
      cores,
    },
    gpu: { frequencyHz: 338e6, activeRatio: 0.1, idleRatio: 0.9, millijoules: 13 },
    battery: { chargePercent: 20 },
    network: { receivedBytes: 100, receivedPackets: 2, transmittedBytes: 50, transmittedPackets: 1 },
    disk: { readBytes: 4096, writtenBytes: 0, reads: 1, writes: 0 },
    findings: { unknown: [], implausible: [] },
    ...changes,
  };
}
