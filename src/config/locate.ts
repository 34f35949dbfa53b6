/** Finds the configuration file and the agent's own folder on a system. */
import { posix } from "node:path";
import type { Environment } from "./environment.ts";

/** Whose system it is: what decides where files lie. */
export interface Place {
  readonly env: Environment;
  /** As `process.platform`. */
  readonly platform: string;
  readonly home: string;
  readonly uid: number;
}

const name = "mac-powermetrics-agent";
const systemFolder = `/Library/Application Support/${name}`;

/** The file that the user named: the flag wins over the environment. A named file must exist. */
export function namedFile(path: string | undefined, env: Environment): string | undefined {
  return path ?? (env["MAC_POWERMETRICS_CONFIG"] === "" ? undefined : env["MAC_POWERMETRICS_CONFIG"]);
}

/** Where a file is looked for when none was named, the first that exists wins. */
export function usualFiles({ env, home }: Place): string[] {
  const own = absoluteOr(env["XDG_CONFIG_HOME"], posix.join(home, ".config"));
  return [`${systemFolder}/agent.yaml`, posix.join(own, name, "agent.yaml")];
}

/** The folder of journal and identity; systemd names one in STATE_DIRECTORY. */
export function stateFolder({ env, platform, home, uid }: Place): string {
  const given = env["STATE_DIRECTORY"]?.split(":")[0];
  if (given?.startsWith("/") === true) return given;
  // A folder of its own: beside the configuration only root may write.
  if (platform === "darwin") return uid === 0 ? `${systemFolder}/state` : posix.join(home, systemFolder);
  return posix.join(absoluteOr(env["XDG_STATE_HOME"], posix.join(home, ".local/state")), name);
}

const absoluteOr = (path: string | undefined, otherwise: string): string =>
  path?.startsWith("/") === true ? path : otherwise;
