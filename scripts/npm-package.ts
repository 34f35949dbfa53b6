/**
 * Makes the npm package that is published: what `npm pack` packs, with the addresses that only a release knows.
 *
 *     node scripts/npm-package.ts FOLDER     writes FOLDER/package
 *
 * package.json gets repository, homepage and bugs; README's links, images included, lead to the tag of the release.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, posix, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { originOf, projectAddress } from "./release/address.ts";

const root = fileURLToPath(new URL("../", import.meta.url));

/** Unpacks the archive of `npm pack` into `folder` and writes the addresses into it. */
export function addressPackage(archive: string, folder: string, project: string): void {
  rmSync(join(folder, "package"), { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  run("tar", ["-xzf", resolve(archive), "-C", folder]);
  const unpacked = join(folder, "package");
  const manifestFile = join(unpacked, "package.json");
  const { scripts: _scripts, ...manifest } = JSON.parse(readFileSync(manifestFile, "utf8")) as Manifest;
  const addressed = {
    ...manifest,
    // Built already: whoever installs or publishes it has nothing of ours to run.
    repository: { type: "git", url: `git+${project}.git` },
    homepage: `${project}#readme`,
    bugs: { url: `${project}/issues` },
  };
  writeFileSync(manifestFile, `${JSON.stringify(addressed, undefined, 2)}\n`);
  const readme = join(unpacked, "README.md");
  writeFileSync(readme, absoluteLinks(readFileSync(readme, "utf8"), project, `v${manifest.version}`));
}

interface Manifest {
  readonly version: string;
  readonly scripts?: unknown;
}

/** A registry shows README alone: its images come from the tag as they are, its other links lead to the tag's pages. */
export function absoluteLinks(readme: string, project: string, tag: string): string {
  return readme.replace(
    /(!?)(\[[^\]]*\])\(([^)\s]+)\)/g,
    (whole, mark: string, text: string, target: string) => {
      if (/^(?:[a-z][a-z\d+.-]*:|#)/i.test(target)) return whole;
      const isFile = mark === "!" || /\.(?:png|svg|jpg)$/.test(target);
      return `${mark}${text}(${project}/${isFile ? "raw" : "blob"}/${tag}/${posix.normalize(target)})`;
    },
  );
}

function run(command: string, args: readonly string[]): void {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ["ignore", 2, 2] });
  if (status !== 0)
    throw new Error(
      `cannot run ${command} ${args.join(" ")}: ${error?.message ?? `it ended with ${status}`}`,
    );
}

if (import.meta.main) {
  const folder = resolve(process.argv[2] ?? join(root, "release/npm"));
  const project = projectAddress(process.env, originOf(root));
  if (project === undefined) {
    console.error(
      "cannot make a package to publish: it names no repository; set PROJECT_URL to its https:// address, or publish from a clone of it",
    );
    process.exit(1);
  }
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  run("npm", ["pack", "--silent", "--pack-destination", folder]);
  const archive = readdirSync(folder).find((name) => name.endsWith(".tgz")) ?? "";
  addressPackage(join(folder, archive), folder, project);
  rmSync(join(folder, archive));
  console.log(`${join(folder, "package")}: of ${project}`);
}
