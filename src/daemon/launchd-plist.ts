/** The launchd job: one table, from which the file in launchd/ and the installed one are written. */
import { build } from "plist";
import { label, programIn, type Layout } from "./layout.ts";

/** Of Node.js, for every command: what may run as root opens no debugger at SIGUSR1. */
export const commandFlags = ["--disable-sigusr1"] as const;

/**
 * Of Node.js, for a life of months: a daemon wakes up four times less often without V8's helper threads.
 * `--single-threaded` alone would do the same, but is among the flags with which V8 refuses the compiled code that Node
 * brings of its own modules, and takes 20 ms more in each process. The keychain's certificates are read where TLS needs them (trust.ts): `--use-system-ca`
 * would take 4 MB of everybody. V8 doubles its space for new objects with what survives in it and hardly ever gives it back:
 * without its bound, 1 MB, the process grows by 110 MB in a day of samples (test/soak/agent.test.ts). What else V8 is
 * told, the agent tells it itself: src/runtime/long-life.ts.
 */
export const nodeFlags = [
  ...commandFlags,
  "--single-threaded-gc",
  "--no-concurrent-recompilation",
  "--no-concurrent-sparkplug",
  "--max-semi-space-size=1",
] as const;

type LaunchdValue =
  string | number | boolean | readonly string[] | Readonly<Record<string, string | boolean>>;

/** launchd.plist(5); the order is that of the file. */
export function launchdJob(layout: Layout): Readonly<Record<string, LaunchdValue>> {
  const { node, cli } = programIn(layout.current);
  return {
    Label: label,
    ProgramArguments: [
      node,
      ...nodeFlags,
      cli,
      "run",
      "--config",
      layout.config,
      "--pid-file",
      layout.pidFile,
      // Else a configuration without log.file would fill launchd's file, of which newsyslog can't make the agent let go.
      "--log-file",
      layout.log,
    ],
    RunAtLoad: true,
    // After every end, also one with 0: Activity Monitor's Quit would otherwise end it until the next boot. bootout removes
    // the job itself, so that it stays away.
    KeepAlive: true,
    ThrottleInterval: 30,
    // Between SIGTERM and SIGKILL: the last batch goes out within it.
    ExitTimeOut: 20,
    // See launchd/README.md: Background is throttled, Interactive would keep a laptop's timers from being coalesced.
    ProcessType: "Standard",
    // As a string it is read as octal.
    Umask: "027",
    WorkingDirectory: layout.state,
    EnvironmentVariables: { PATH: "/usr/bin:/bin:/usr/sbin:/sbin" },
    StandardOutPath: layout.standardError,
    StandardErrorPath: layout.standardError,
  };
}

export function launchdPlist(layout: Layout): string {
  return plistText(launchdJob(layout));
}

export function plistText(value: Readonly<Record<string, unknown>>): string {
  return `${build(plain(value), { pretty: true, indent: "  " })}\n`;
}

type Built = Parameters<typeof build>[0];

/** The library asks for its own mutable types; JSON has the same values. */
function plain(value: unknown): Built {
  return JSON.parse(JSON.stringify(value)) as Built;
}
