/**
 * The text of each file that `install` writes: the launchd job, the log rotation, the starter configuration. Those in launchd/,
 * for those who install by hand or by device management, are made of the same.
 */
import { build } from "plist";
import { label, programIn, type Layout, layoutUnder } from "./layout.ts";
import type { Owner } from "./system.ts";
import { exampleFile } from "../config/example.ts";
import { defaultAccount } from "./account.ts";

/** Of Node.js, for every command: what may run as root opens no debugger at SIGUSR1. */
export const commandFlags = ["--disable-sigusr1"] as const;

/**
 * Of Node.js, for a life of months: a daemon wakes up four times less often without V8's helper threads.
 * `--single-threaded` alone would do the same, but is among the flags with which V8 refuses the compiled code that Node
 * brings of its own modules, and takes 20 ms more in each process. The keychain's certificates are read where TLS needs them (trust.ts): `--use-system-ca`
 * would take 4 MB of everybody. V8 doubles its space for new objects with what survives in it and hardly ever gives it back:
 * without its bound, 2 MB, the process grows by 110 MB in a day of samples (test/soak/agent.test.ts). It has these from
 * the start, so that they are collected less often. The other flags the agent sets itself: src/runtime/long-life.ts.
 */
export const nodeFlags = [
  ...commandFlags,
  "--single-threaded-gc",
  "--no-concurrent-recompilation",
  "--no-concurrent-sparkplug",
  "--min-semi-space-size=2",
  "--max-semi-space-size=2",
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

/** Of newsyslog(8), which macOS runs every hour: kilobytes at which a log is rotated, and how many old ones stay. */
const agentLog = { size: 10_240, count: 5 };
const launchdLog = { size: 1024, count: 3 };

/**
 * The agent opens its log again at SIGHUP. launchd's file stays open in a running agent, which says nothing there once
 * its own log is open: nobody is signalled, and what fails to start opens the new file.
 * @param owner of the agent's log, as rotationOwner writes it
 */
export function newsyslogConf(layout: Layout, owner: string): string {
  return [
    "# logfilename [owner:group] mode count size when flags [/pid_file] [sig_num]",
    `${layout.log} ${owner} 640 ${agentLog.count} ${agentLog.size} * J ${layout.pidFile} 1`,
    `${layout.standardError} root:wheel 640 ${launchdLog.count} ${launchdLog.size} * N`,
    "",
  ].join("\n");
}

/**
 * In numbers: at a name that this Mac has not, newsyslog stops and rotates no log of the whole system any more, and macOS
 * has neither a group `root` nor one for each user.
 */
export function rotationOwner({ uid, gid }: Owner): string {
  return uid === 0 ? "root:wheel" : `${uid}:${gid}`;
}

/** Fixed: a profile with the same identifiers replaces the one before. */
const profileUuid = "5A2E1F0C-6B1B-4C0E-9B57-0D7A3C9E4F21";
const payloadUuid = "C3D40B7E-2A67-4E55-8F1D-91B6E0F5A764";

/** The profile with which device management approves the background item in advance (com.apple.servicemanagement, macOS 13). */
function mobileconfig(): string {
  return plistText({
    PayloadContent: [
      {
        PayloadDisplayName: "Managed login items",
        PayloadIdentifier: `${label}.login-items`,
        PayloadType: "com.apple.servicemanagement",
        PayloadUUID: payloadUuid,
        PayloadVersion: 1,
        Rules: [{ RuleType: "Label", RuleValue: label, Comment: "mac-powermetrics-agent" }],
      },
    ],
    PayloadDescription: "Allows mac-powermetrics-agent to run in the background",
    PayloadDisplayName: "mac-powermetrics-agent",
    PayloadIdentifier: label,
    PayloadScope: "System",
    PayloadType: "Configuration",
    PayloadUUID: profileUuid,
    PayloadVersion: 1,
  });
}

/** The log goes to a file that newsyslog rotates, and the journal into the folder that the agent may write. */
export function starterFile({ log, state }: Layout): string {
  const paths: readonly (readonly [line: RegExp, text: string])[] = [
    [/^ {2}# file: .*$/m, `  file: ${JSON.stringify(log)}`],
    [/^ {2}path: .*$/m, `  path: ${JSON.stringify(`${state}/journal.db`)}`],
  ];
  return paths.reduce((text, [line, replacement]) => text.replace(line, () => replacement), exampleFile());
}

/** The variables that `install` writes where there are none: an explanation. */
export const starterEnvironment = `# Variables for \${...} in agent.yaml, and MAC_POWERMETRICS_* settings, one KEY=value a line: launchd hands on no others.
# Device management may write this file; install keeps it. Readable by root and the agent's group only.
# MAC_SITE=office
# HTTPS_PROXY=http://proxy.example:3128
`;

/** `install` writes the account's numbers instead. */
const byHand = `# Only once account and group ${defaultAccount} exist: at an unknown name newsyslog rotates no log of the whole system any more.`;

/** Name and text of each. */
export function launchdFiles(): readonly (readonly [name: string, text: string])[] {
  const layout = layoutUnder();
  return [
    [`${label}.plist`, launchdPlist(layout)],
    [
      "mac-powermetrics-agent.newsyslog.conf",
      `${byHand}\n${newsyslogConf(layout, `${defaultAccount}:${defaultAccount}`)}`,
    ],
    ["mac-powermetrics-agent.mobileconfig", mobileconfig()],
  ];
}
