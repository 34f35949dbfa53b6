/** The simulated pmset: power source and battery, settings in use, and thermal notes (src/parse/README.md, 8). */
import { batteryAt } from "./activity.ts";
import type { Host } from "./mac.ts";
import { misbehave } from "./faults.ts";
import { chance } from "./noise.ts";
import type { Settings } from "./settings.ts";
import type { ToolIo } from "./simulate.ts";

export async function pmset(
  argv: readonly string[],
  { host, faults }: Settings,
  io: ToolIo,
): Promise<number> {
  const fault = await misbehave(faults, "pmset: unable to read power management settings", io);
  if (fault !== undefined) return fault;
  const text = answer(argv, host, io.clock.now());
  if (text === undefined) {
    await io.stderr.write("Usage: pmset -g [batt | ps | therm]\n");
    return 64;
  }
  await io.stdout.write(text);
  return 0;
}

function answer(argv: readonly string[], host: Host, timeMs: number): string | undefined {
  const [verb, subject, ...rest] = argv;
  if (verb !== "-g" || rest.length > 0) return undefined;
  switch (subject) {
    case undefined:
      return settingsInUse(host, timeMs);
    case "batt":
    case "ps":
      return powerSource(host, timeMs);
    case "therm":
      return thermalNotes(host);
    default:
      return undefined;
  }
}

/** A desktop has mains and nothing else to say. */
function powerSource({ chip, seed }: Host, timeMs: number): string {
  if (!chip.battery) return "Now drawing from 'AC Power'\n";
  const { percent, state, minutesLeft } = batteryAt(seed, timeMs);
  const source = state === "discharging" ? "Battery Power" : "AC Power";
  const left = `${Math.floor(minutesLeft / 60)}:${String(minutesLeft % 60).padStart(2, "0")}`;
  const id = 10_000_000 + Math.floor(chance(seed, 24, 0) * 20_000_000);
  return `Now drawing from '${source}'\n -InternalBattery-0 (id=${id})\t${percent}%; ${state}; ${left} remaining present: true\n`;
}

/** Low power mode comes on with a low battery. On `powermode`, 0 is automatic, 1 low and 2 high. */
function settingsInUse({ chip, seed }: Host, timeMs: number): string {
  const battery = chip.battery ? batteryAt(seed, timeMs) : undefined;
  const low = battery?.state === "discharging" && battery.percent < 25;
  const rows = [
    ["standby", chip.battery ? "1" : "0"],
    ["powernap", "1"],
    ["networkoversleep", "0"],
    ["disksleep", "10"],
    ["sleep", "1 (sleep prevented by powerd)"],
    ["ttyskeepawake", "1"],
    ["displaysleep", "10"],
    ["tcpkeepalive", "1"],
    [chip.highPower === true ? "powermode" : "lowpowermode", low ? "1" : "0"],
    ["womp", "1"],
  ] as const;
  const lines = rows.map(([name, value]) => ` ${name.padEnd(20)} ${value}`);
  return ["System-wide power settings:", "Currently in use:", ...lines, ""].join("\n");
}

function thermalNotes({ chip }: Host): string {
  if (chip.kind === "intel") {
    const limits = ["CPU_Scheduler_Limit \t= 100", "CPU_Available_CPUs \t= 16", "CPU_Speed_Limit \t= 100"];
    return [...limits.map((limit) => `\t${limit}`), ""].join("\n");
  }
  const notes = ["thermal warning level", "performance warning level", "CPU power status"];
  return notes.map((note) => `Note: No ${note} has been recorded\n`).join("");
}
