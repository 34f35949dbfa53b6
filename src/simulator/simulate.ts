/**
 * Impersonates one of five Apple tools, so that the agent runs its real child processes anywhere.
 *
 * Read on in settings.ts (the flags), mac.ts and chips.ts (the machine), load.ts (how busy it is), then a tool: powermetrics.ts with
 * document.ts, apple-silicon.ts and intel.ts; vm-stat.ts and sysctl.ts with memory.ts; pmset.ts; ioreg.ts.
 */
import { configure, type Settings } from "./settings.ts";
import { shiftedClock, toolIo, unpacedClock, type ToolIo, type SimulatorIo } from "./process.ts";

export { processIo, type SimulatorIo } from "./process.ts";

export const simulatedTools = ["powermetrics", "vm_stat", "sysctl", "pmset", "ioreg"] as const;

export type SimulatedTool = (typeof simulatedTools)[number];

type Tool = (argv: readonly string[], settings: Settings, io: ToolIo) => Promise<number>;

/** Loaded one at a time: vm_stat is started every few seconds. */
const tools: Readonly<Record<SimulatedTool, () => Promise<Tool>>> = {
  powermetrics: async () => (await import("./powermetrics.ts")).powermetrics,
  vm_stat: async () => (await import("./vm-stat.ts")).vmStat,
  sysctl: async () => (await import("./sysctl.ts")).sysctl,
  pmset: async () => (await import("./pmset.ts")).pmset,
  ioreg: async () => (await import("./ioreg.ts")).ioreg,
};

/**
 * Runs a tool to its end and resolves to its exit code.
 *
 * @param argv the tool's own arguments, mixed with the simulator's: --chip, --os, --seed, --start, --no-pace, --tasks, --fault.
 */
export async function simulate(
  name: SimulatedTool,
  argv: readonly string[],
  io: SimulatorIo,
): Promise<number> {
  const configured = configure(name, argv, io.preset);
  if ("problem" in configured) {
    await io.stderr.write(`${name}: ${configured.problem}\n`);
    return 64;
  }
  const { settings, rest } = configured;
  const tool = await tools[name]();
  return tool(rest, settings, toolIo(io, clockFor(settings, io)));
}

function clockFor({ startMs, paced }: Settings, { clock }: SimulatorIo): SimulatorIo["clock"] {
  if (!paced) return unpacedClock(startMs ?? clock.now());
  return startMs === undefined ? clock : shiftedClock(clock, startMs);
}
