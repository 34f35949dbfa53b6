/** Writes the Intel dialect: `processor` in watts, `GPU` as an array, and the `smc` sensors (src/parse/README.md, 4). */
import type { IntelChip } from "./mac.ts";
import { demandAt, graphicsAt, meanOver, type Window } from "./load.ts";
import { chance, clamp, noise } from "./noise.ts";
import type { PlistWriter } from "./plist-writer.ts";

const channel = { core: 5_000, fan: 5_100, heat: 5_200 } as const;
const packageStates = ["C2", "C3", "C6", "C7", "C8", "C9", "C10"] as const;
const coreStates = ["C3", "C6", "C7"] as const;

export function writeIntelProcessor(plist: PlistWriter, chip: IntelChip, seed: number, window: Window): void {
  const demand = meanOver(window, (at) => demandAt(seed, at));
  const seconds = window.elapsedNs / 1e9;
  plist.dictionary("processor", () => {
    if (chip.packageWatts !== undefined) {
      const watts = 2.2 + chip.packageWatts * demand ** 0.8;
      plist.brokenReal("package_joules", watts * seconds);
      plist.brokenReal("package_watts", watts);
      writeFrequency(plist, chip, demand);
    }
    plist.real("llc_flushed_ratio", 0);
    plist.array("packages", [0], (number) =>
      plist.dictionary(undefined, () => {
        plist.integer("package", number);
        writeIdleStates(
          plist,
          packageStates,
          window,
          chip.packageWatts === undefined ? 0 : clamp(0.8 - 2 * demand),
        );
        const cores = Array.from({ length: chip.cores }, (_, core) => core);
        plist.array("cores", cores, (core) =>
          plist.dictionary(undefined, () => writeCore(plist, chip, seed, window, core, demand)),
        );
      }),
    );
  });
}

function writeCore(
  plist: PlistWriter,
  chip: IntelChip,
  seed: number,
  window: Window,
  core: number,
  demand: number,
): void {
  const wobble = noise(seed, channel.core + core, window.endMs, 3_000);
  const busy = clamp(demand * (1.4 - (0.8 * core) / chip.cores) + 0.02 * wobble);
  plist.integer("core", core);
  writeIdleStates(plist, coreStates, window, chip.packageWatts === undefined ? 0 : 1 - busy);
  const cpus = Array.from(
    { length: chip.threadsPerCore },
    (_, thread) => core * chip.threadsPerCore + thread,
  );
  plist.array("cpus", cpus, (cpu) =>
    plist.dictionary(undefined, () => {
      plist.integer("cpu", cpu);
      if (chip.packageWatts !== undefined) writeFrequency(plist, chip, busy);
      writeDutyCycles(plist, seed, window, cpu);
    }),
  );
}

/** Between a third of the nominal frequency and all of the turbo. */
function writeFrequency(plist: PlistWriter, chip: IntelChip, busy: number): void {
  const lowest = chip.nominalMegahertz * 0.35;
  const megahertz = lowest + (chip.turboMegahertz - lowest) * clamp(busy * 1.5);
  plist.real("freq_hz", megahertz * 1e6);
  plist.real("freq_ratio", megahertz / chip.nominalMegahertz);
}

/** Idle time gathers in the deepest states. */
function writeIdleStates(plist: PlistWriter, names: readonly string[], window: Window, idle: number): void {
  const weights = names.map((_, index) => (index + 1) ** 2);
  const weight = weights.reduce((sum, it) => sum + it, 0);
  const rows = names.map((name, index) => {
    const ns = Math.floor((window.elapsedNs * idle * (weights[index] ?? 0)) / weight);
    return { name, ns };
  });
  const total = rows.reduce((sum, row) => sum + row.ns, 0);
  plist.integer("c_state_ns", total);
  plist.real("c_state_ratio", total / window.elapsedNs);
  plist.array("c_states", rows, ({ name, ns }) =>
    plist.dictionary(undefined, () => {
      plist.string("name", name);
      plist.integer("used_ns", ns);
      plist.real("used_ratio", ns / window.elapsedNs);
    }),
  );
}

function writeDutyCycles(plist: PlistWriter, seed: number, window: Window, cpu: number): void {
  const seconds = window.elapsedNs / 1e9;
  plist.array("duty_cycles", [16_000, 32_000, 64_000, 128_000], (interval, index) =>
    plist.dictionary(undefined, () => {
      const active = Math.floor(
        (40 * chance(seed, channel.core + 50 + cpu, window.endMs + index) * seconds) / (index + 1),
      );
      const idle = Math.floor(active * 0.8);
      plist.integer("interval_ns", interval);
      plist.integer("active_count", active);
      plist.real("active_per_s", active / seconds);
      plist.integer("idle_count", idle);
      plist.real("idle_per_s", idle / seconds);
    }),
  );
}

const gpuMegahertz = [350, 600, 850, 1100, 1200] as const;

export function writeIntelGpu(plist: PlistWriter, seed: number, window: Window): void {
  const active = meanOver(window, (at) => graphicsAt(seed, at));
  const position = Math.round(clamp(active * 1.2) * (gpuMegahertz.length - 1));
  const hertz = (gpuMegahertz[position] ?? 350) * 1e6;
  const used = Math.round(window.elapsedNs * active);
  plist.array("GPU", ["IntelIG"], (name) =>
    plist.dictionary(undefined, () => {
      plist.string("name", name);
      plist.integer("GPU number", 0);
      // An idle GPU says 1 Hz.
      plist.real("freq_hz", active > 0.01 ? hertz : 1);
      plist.real("freq_ratio", active > 0.01 ? hertz / 1.2e9 : 0);
      writeIdleStates(plist, ["C6"], window, 1 - active);
      plist.array("p_states", gpuMegahertz, (megahertz, index) =>
        plist.dictionary(undefined, () => {
          plist.string("frequency", String(megahertz * 1e6));
          plist.integer("used_ns", index === position ? used : 0);
          plist.real("used_ratio", index === position ? used / window.elapsedNs : 0);
        }),
      );
    }),
  );
}

/** Temperatures lag behind the load by minutes; the fan follows them. */
export function writeSmc(plist: PlistWriter, chip: IntelChip, seed: number, window: Window): void {
  if (chip.packageWatts === undefined) return;
  const lag = { startMs: window.endMs - 120_000, endMs: window.endMs, elapsedNs: 0 };
  const heat = meanOver(lag, (at) => demandAt(seed, at));
  const graphics = meanOver(lag, (at) => graphicsAt(seed, at));
  const cpu = 42 + 52 * heat + 2 * noise(seed, channel.heat, window.endMs, 4_000);
  plist.dictionary("smc", () => {
    plist.real(
      "fan",
      Math.round(1836 + 3800 * clamp((cpu - 55) / 40) + 30 * noise(seed, channel.fan, window.endMs, 9_000)),
    );
    plist.real("cpu_die", Math.round(cpu * 100) / 100);
    plist.real("gpu_die", Math.round((40 + 38 * graphics + 8 * heat) * 100) / 100);
  });
}
