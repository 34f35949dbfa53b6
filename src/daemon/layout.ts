/** Where everything of an installed agent lies, each path once; a prefix moves all of it, tools included, for tests. */
import { posix } from "node:path";
import { environmentFileOf } from "../config/env-file.ts";

/** Of the launchd job; also the reverse domain name under which macOS shows the background item. */
export const label = "dev.mac-powermetrics.agent";

/** What launchctl calls the job. */
export const service = `system/${label}`;

const name = "mac-powermetrics-agent";

export interface Layout {
  /** Of the versions, the configuration and the state; only root may write here. */
  readonly root: string;
  readonly versions: string;
  /** Link to the version in use; launchd's program lies behind it. */
  readonly current: string;
  /** Link to the version before, for a rollback. */
  readonly previous: string;
  readonly config: string;
  /** Variables for the configuration. */
  readonly environment: string;
  /** Journal and identity; the one folder that the agent itself may write. */
  readonly state: string;
  readonly logs: string;
  /** The agent's own log, opened again after each rotation. */
  readonly log: string;
  /** What is said before the log is open. */
  readonly standardError: string;
  readonly plist: string;
  readonly newsyslog: string;
  readonly pidFile: string;
  /** What a user types. */
  readonly command: string;
  /** Where man looks without being told. */
  readonly manual: string;
  readonly launchctl: string;
  readonly dscl: string;
  readonly sysadminctl: string;
  readonly sysctl: string;
  readonly tmutil: string;
  readonly sfltool: string;
  readonly lsof: string;
}

/** The manual page beside the program. */
export const manualFile = `${name}.1`;

/** Its first line, by which it is known as ours. */
export const manualMark = `.\\" Written by "npm run docs" of ${name}; do not edit.`;

/** Log paths hold no blank, since newsyslog splits its lines at them. */
export function layoutUnder(prefix = ""): Layout {
  const at = (path: string): string => (prefix === "" ? path : posix.join(prefix, path));
  const root = at(`/Library/Application Support/${name}`);
  const logs = at(`/Library/Logs/${name}`);
  return {
    root,
    versions: `${root}/versions`,
    current: `${root}/current`,
    previous: `${root}/previous`,
    config: `${root}/agent.yaml`,
    environment: environmentFileOf(`${root}/agent.yaml`),
    state: `${root}/state`,
    logs,
    log: `${logs}/agent.log`,
    standardError: `${logs}/launchd.log`,
    plist: at(`/Library/LaunchDaemons/${label}.plist`),
    newsyslog: at(`/etc/newsyslog.d/${name}.conf`),
    pidFile: at(`/var/run/${name}.pid`),
    command: at(`/usr/local/bin/${name}`),
    manual: at(`/usr/local/share/man/man1/${manualFile}`),
    launchctl: at("/bin/launchctl"),
    dscl: at("/usr/bin/dscl"),
    sysadminctl: at("/usr/sbin/sysadminctl"),
    sysctl: at("/usr/sbin/sysctl"),
    tmutil: at("/usr/bin/tmutil"),
    sfltool: at("/usr/bin/sfltool"),
    lsof: at("/usr/sbin/lsof"),
  };
}

/** The runtime and the program inside one version's folder, or behind the link to it. */
export function programIn(version: string): { readonly node: string; readonly cli: string } {
  return { node: `${version}/bin/node`, cli: `${version}/cli.js` };
}
