/** Asks the operating system what this machine is called: the names that `${SERIAL}` and its like stand for in a configuration. */
import { hostname } from "node:os";
import { causeOf, codeOf } from "../runtime/cause.ts";

/** The name, or why there is none. */
export type SystemName = string | { readonly why: string };

/** What a tool prints, within a limit; throws when it fails. */
export type Ask = (file: string, args: readonly string[]) => string;

interface NameTool {
  readonly file: string;
  readonly args: readonly string[];
  readonly read: (printed: string) => string | undefined;
}

const platformDevice = (value: RegExp): NameTool => ({
  file: "/usr/sbin/ioreg",
  args: ["-rd1", "-c", "IOPlatformExpertDevice"],
  read: (printed) => value.exec(printed)?.[1],
});

/** By the name that a configuration uses. */
const tools: Readonly<Record<string, NameTool>> = {
  SERIAL: platformDevice(/"IOPlatformSerialNumber" = "([^"\n]{1,128})"/),
  HARDWARE_UUID: platformDevice(/"IOPlatformUUID" = "([^"\n]{1,128})"/),
  COMPUTER_NAME: { file: "/usr/sbin/scutil", args: ["--get", "ComputerName"], read: (printed) => printed },
};

const limit = { timeout: 2000, maxBuffer: 64 * 1024, killSignal: "SIGKILL" } as const;

/** Waits for the answer, as reading a configuration does; `run` reads it in a process of its own. */
const askSystem: Ask = (file, args) => {
  const { execFileSync } = process.getBuiltinModule("node:child_process");
  return execFileSync(file, args, {
    ...limit,
    encoding: "utf8",
    env: { LANG: "C", LC_ALL: "C" },
    stdio: ["ignore", "pipe", "ignore"],
  });
};

/**
 * Undefined for a name that is none of the system's. Each tool is asked at most once, and only when its name is used.
 *
 * @param platform as `process.platform`
 */
export function systemNames(
  platform: string,
  ask: Ask = askSystem,
  present: () => string = hostname,
): (name: string) => SystemName | undefined {
  const answers = new Map<string, SystemName>();

  function answer(tool: NameTool): SystemName {
    if (platform !== "darwin") return { why: `${tool.file} comes with macOS only` };
    try {
      const value = tool.read(ask(tool.file, tool.args))?.trim() ?? "";
      return value === "" ? { why: `${tool.file} names none` } : value;
    } catch (error) {
      return { why: failureOf(tool, error) };
    }
  }

  return (name) => {
    if (name === "HOSTNAME") {
      const value = present().trim();
      return value === "" ? { why: "this machine has no host name yet" } : value;
    }
    const tool = Object.hasOwn(tools, name) ? tools[name] : undefined;
    if (tool === undefined) return undefined;
    const known = answers.get(name) ?? answer(tool);
    answers.set(name, known);
    return known;
  };
}

function failureOf({ file }: NameTool, error: unknown): string {
  const isLate = codeOf(error) === "ETIMEDOUT";
  return isLate ? `${file} gave no answer within ${limit.timeout} ms` : `${file} failed: ${causeOf(error)}`;
}
