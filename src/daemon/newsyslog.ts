/** Owns log rotation: the lines for newsyslog(8), which macOS runs every hour (newsyslog.conf(5)). */
import type { Layout } from "./layout.ts";

/** Kilobytes at which a log is rotated, and how many old ones stay. */
const agentLog = { size: 10_240, count: 5 };
const launchdLog = { size: 1024, count: 3 };

/**
 * The agent opens its log again at SIGHUP. launchd's file stays open in a running agent, which says nothing there once
 * its own log is open: nobody is told, and what fails to start opens the new file.
 */
export function newsyslogConf(layout: Layout, account: string): string {
  return [
    "# logfilename [owner:group] mode count size when flags [/pid_file] [sig_num]",
    `${layout.log} ${account}:${account} 640 ${agentLog.count} ${agentLog.size} * J ${layout.pidFile} 1`,
    `${layout.standardError} root:wheel 640 ${launchdLog.count} ${launchdLog.size} * N`,
    "",
  ].join("\n");
}
