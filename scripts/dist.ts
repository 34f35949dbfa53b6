/**
 * Makes a release: `npm run dist` writes release/dist/ from the sources, the same bytes every time.
 *
 *     mac-powermetrics-agent-0.1.0-darwin-arm64.tar.gz   bin/node  bin/mac-powermetrics-agent  lib/  launchd/  config/  install.sh …
 *     mac-powermetrics-agent-0.1.0-darwin-x64.tar.gz
 *     mac-powermetrics-agent.rb   bom.json   SHA256SUMS
 */
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { commandFlags } from "../src/daemon/launchd-files.ts";
import { version } from "../src/version.ts";
import { buildBundle } from "./build.ts";
import { billOfMaterials, bomText } from "./release/bom.ts";
import { originOf, projectAddress } from "./release/address.ts";
import { formula } from "./release/formula.ts";
import { thirdPartyNotices } from "./release/notices.ts";
import { fetchRuntime, runtimes, type Runtime, type RuntimeFiles } from "./release/runtimes.ts";
import { archive, type Entry } from "./release/tar.ts";

const root = fileURLToPath(new URL("../", import.meta.url));
const name = "mac-powermetrics-agent";

const cache = process.env["RUNTIME_CACHE"] ?? join(tmpdir(), `${name}-runtimes`);

/** Beside the runtime, so that it works wherever the folder lies and through links. */
const launcher = `#!/bin/sh
self="$0"
while [ -L "$self" ]; do
  target="$(readlink "$self")"
  case "$target" in /*) self="$target" ;; *) self="$(dirname "$self")/$target" ;; esac
done
folder="$(cd "$(dirname "$self")" && pwd -P)"
exec "$folder/node" ${commandFlags.join(" ")} "$folder/../lib/cli.js" "$@"
`;

/** What a formula names. */
export interface Published {
  /** The project's page. */
  readonly homepage: string;
  /** Where the archives will lie. */
  readonly archives: string;
}

/**
 * Writes the release into the folder, without a formula where nobody knows where it will be published; returns the names of its files.
 *
 * @param fetch gets the files of one runtime
 */
export async function buildRelease(
  folder: string,
  published: Published | undefined,
  fetch: (runtime: Runtime) => RuntimeFiles = (runtime) => fetchRuntime(runtime, cache),
): Promise<readonly string[]> {
  const bundle = mkdtempSync(join(tmpdir(), `${name}-bundle-`));
  const built = join(bundle, "lib");
  const metafile = await buildBundle(built);
  const shared = sharedEntries(built, version);
  rmSync(bundle, { recursive: true });

  const files = new Map<string, Uint8Array>();
  const sums = { "darwin-arm64": "", "darwin-x64": "" };
  for (const runtime of runtimes) {
    const { node, license } = fetch(runtime);
    const notices = thirdPartyNotices(metafile, root, { version: runtime.version, license });
    const entries = [
      ...shared,
      { path: "bin/node", mode: 0o755, content: node },
      { path: "THIRD_PARTY_NOTICES.txt", mode: 0o644, content: Buffer.from(notices) },
    ];
    const base = `${name}-${version}-${runtime.platform}`;
    const bytes = archive(withSums(entries).map((entry) => ({ ...entry, path: `${base}/${entry.path}` })));
    files.set(`${base}.tar.gz`, bytes);
    sums[runtime.platform] = sha256(bytes);
  }
  if (published !== undefined) files.set(`${name}.rb`, Buffer.from(formula({ version, ...published, sums })));
  files.set("bom.json", Buffer.from(bomText(billOfMaterials(metafile, root, runtimes))));
  files.set("SHA256SUMS", Buffer.from(sumLines([...files].map(([path, content]) => ({ path, content })))));
  mkdirSync(folder, { recursive: true });
  for (const [path, content] of files) writeFileSync(join(folder, path), content);
  return [...files.keys()];
}

/** What is the same on every platform. */
function sharedEntries(bundle: string, version: string): readonly Entry[] {
  const manifest = `${JSON.stringify({ name, version, type: "module" })}\n`;
  const copied = ["launchd", "config"].flatMap((folder) => filesIn(join(root, folder), folder));
  const loose = [
    "LICENSE",
    "README.md",
    "CHANGELOG.md",
    "GUARANTEES.md",
    "METRICS.md",
    "SECURITY.md",
  ].flatMap((path) => optional(path));
  const installer = readFileSync(join(root, "launchd/install.sh"));
  return [
    ...filesIn(bundle, "lib"),
    { path: "lib/package.json", mode: 0o644, content: Buffer.from(manifest) },
    { path: `bin/${name}`, mode: 0o755, content: Buffer.from(launcher) },
    { path: "install.sh", mode: 0o755, content: installer },
    ...copied.filter(({ path }) => path !== "launchd/install.sh"),
    ...loose,
  ];
}

function filesIn(folder: string, as: string): readonly Entry[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => statSync(join(folder, path)).isFile())
    .map((path) => ({ path: `${as}/${path}`, mode: 0o644, content: readFileSync(join(folder, path)) }));
}

function optional(path: string): readonly Entry[] {
  const stat = statSync(join(root, path), { throwIfNoEntry: false });
  return stat === undefined ? [] : [{ path, mode: 0o644, content: readFileSync(join(root, path)) }];
}

function withSums(entries: readonly Entry[]): readonly Entry[] {
  return [...entries, { path: "SHA256SUMS", mode: 0o644, content: Buffer.from(sumLines(entries)) }];
}

/** As sha256sum and shasum write and read it. */
function sumLines(files: readonly Pick<Entry, "path" | "content">[]): string {
  const lines = files.map(({ path, content }) => [path, `${sha256(content)}  ${path}\n`] as const);
  return lines
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, line]) => line)
    .join("");
}

function sha256(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

/** RELEASE_URL, or where the project's page usually has them. */
function publishedAt(env: Readonly<Record<string, string | undefined>>): Published | undefined {
  const project = projectAddress(env, originOf(root));
  const archives = env["RELEASE_URL"] ?? (project && `${project}/releases/download/v${version}`);
  return archives === undefined ? undefined : { homepage: project ?? archives, archives };
}

if (import.meta.main) {
  const folder = join(root, "release", "dist");
  const published = publishedAt(process.env);
  rmSync(folder, { recursive: true, force: true });
  for (const file of await buildRelease(folder, published)) console.log(`release/dist/${file}`);
  console.error(
    published === undefined
      ? `left out: ${name}.rb, since a formula needs the archives' address; set RELEASE_URL to it, or PROJECT_URL to the repository's page`
      : `${name}.rb expects the archives at ${published.archives}`,
  );
}
