/** Where the project is published: in the environment of a release, or the remote of the clone. Nothing in the repository names it. */
import { spawnSync } from "node:child_process";

/**
 * The repository's page, `https://host/owner/name`, or undefined where nothing tells.
 *
 * @param remote of git, which may be an address for ssh
 * @throws Error for a PROJECT_URL that is no such page
 */
export function projectAddress(
  env: Readonly<Record<string, string | undefined>>,
  remote: string | undefined,
): string | undefined {
  const { PROJECT_URL: given, GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository } = env;
  if (given !== undefined) {
    const page = pageOf(given);
    if (page === undefined) throw new Error(`PROJECT_URL must be an https:// address, got ${given}`);
    return page;
  }
  if (server !== undefined && repository !== undefined) return pageOf(`${server}/${repository}`);
  const [, host, path] = /^(?:ssh:\/\/)?git@([\w.-]+)[:/](.+)$/.exec(remote ?? "") ?? [];
  return pageOf(host === undefined || path === undefined ? (remote ?? "") : `https://${host}/${path}`);
}

/** Without credentials, which a remote may hold. */
function pageOf(text: string): string | undefined {
  const url = URL.parse(text);
  if (url?.protocol !== "https:") return undefined;
  return `${url.origin}${url.pathname}`.replace(/(?:\.git)?\/*$/, "");
}

export function originOf(folder: string): string | undefined {
  const { status, stdout } = spawnSync("git", ["remote", "get-url", "origin"], {
    cwd: folder,
    encoding: "utf8",
  });
  return status === 0 ? stdout.trim() : undefined;
}
