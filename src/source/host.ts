/** Owns what the operating system tells of the machine, for OpenTelemetry's resource: each fact may be absent. */
import type { Clock } from "../runtime/clock.ts";
import type { Argv, Spawn } from "./child.ts";
import { runTool, type RunOptions } from "./run.ts";

export interface HostFacts {
  readonly osVersion?: string;
  readonly osBuild?: string;
  /** Apple's model identifier, such as Mac16,10. */
  readonly model?: string;
  /** `Apple M4`, or Intel's own words. */
  readonly chip?: string;
  /** The hardware UUID: stable through renames and new installations. */
  readonly id?: string;
}

export interface HostOptions {
  /** `[/usr/sbin/sysctl]`, or the simulator and its first arguments. */
  readonly sysctl: Argv;
  /** As `process.platform`: ioreg is macOS' own. */
  readonly platform: string;
  readonly clock: Clock;
  readonly environment: Readonly<Record<string, string>>;
  readonly spawn?: Spawn;
  readonly signal?: AbortSignal;
}

const factOf: Readonly<Record<string, keyof HostFacts>> = {
  "kern.osproductversion": "osVersion",
  "kern.osversion": "osBuild",
  "hw.model": "model",
  "machdep.cpu.brand_string": "chip",
};

const ioreg: Argv = ["/usr/sbin/ioreg", "-rd1", "-c", "IOPlatformExpertDevice"];

/** Never rejects; a tool that fails costs its facts. */
export async function readHostFacts({ sysctl, platform, ...world }: HostOptions): Promise<HostFacts> {
  const options = { ...world, timeoutMs: 2000, maxBytes: 64 * 1024 };
  const [names, hardware] = await Promise.all([
    printed([...sysctl, ...Object.keys(factOf)], options),
    platform === "darwin" ? printed(ioreg, options) : "",
  ]);
  const id = /"IOPlatformUUID" = "([0-9A-F-]{36})"/.exec(hardware)?.[1];
  return { ...namedFacts(names), ...(id !== undefined && { id }) };
}

/** sysctl fails as a whole for one name it lacks, and prints the others all the same. */
async function printed(argv: Argv, options: RunOptions): Promise<string> {
  const run = await runTool(argv, options);
  return run.status === "ended" ? run.stdout.toString("utf8") : "";
}

function namedFacts(text: string): HostFacts {
  const facts = text.split("\n").flatMap((line): [keyof HostFacts, string][] => {
    const [, name = "", value = ""] = /^([\w.]+): (.+)$/.exec(line.trim()) ?? [];
    const fact = Object.hasOwn(factOf, name) ? factOf[name] : undefined;
    return fact === undefined ? [] : [[fact, value]];
  });
  return Object.fromEntries(facts);
}
