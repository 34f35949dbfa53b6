/** Log rotation: the lines for newsyslog(8), which macOS runs every hour (newsyslog.conf(5)). */
import type { Layout } from "./layout.ts";
import type { Owner } from "./system.ts";

/** Kilobytes at which a log is rotated, and how many old ones stay. */
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
