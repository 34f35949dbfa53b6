/** Whether a Node.js binary may become the daemon's runtime: by where it lies, and then by running the copy. */
import { nodeFlags } from "./launchd-plist.ts";
import type { System, ToolResult } from "./system.ts";

/** Managers move or remove their versions, and Homebrew's binary needs libraries beside it: a copy would not start. */
const managed: readonly (readonly [pattern: RegExp, manager: string])[] = [
  [/\/\.nvm\/|\/nvm\/versions\//, "nvm"],
  [/\/(?:\.fnm|fnm_multishells|fnm\/node-versions)\//, "fnm"],
  [/\/\.volta\//, "Volta"],
  [/\/\.(?:asdf|nodenv|nodebrew)\//, "a version manager"],
  [/\/mise\/installs\//, "mise"],
  // Our own formula brings the release archive's runtime along, which needs nothing beside it.
  [/\/Cellar\/(?!mac-powermetrics-agent\/)|\/(?:homebrew|\.?linuxbrew)\/(?!Cellar\/)/, "Homebrew"],
];

/** What is wrong with this runtime; undefined when it may be copied. @param path with every link resolved */
export function runtimeObjection(path: string): string | undefined {
  const manager = managed.find(([pattern]) => pattern.test(path))?.[1];
  if (manager === undefined) return undefined;
  return `runtime must be a self-contained Node.js, got ${path} of ${manager}; ${another}`;
}

const another =
  "use the release archive, which brings its own, or name the one of nodejs.org's installer with --node /usr/local/bin/node";

/** As `engines` of package.json. */
const oldestMajor = 24;

/**
 * Runs the copy as launchd will, before anything points to it: what it lacks, or undefined. A folder's name does not say all
 * that keeps a binary from starting elsewhere, such as MacPorts' and Nix' libraries.
 */
export async function proveRuntime(node: string, system: System): Promise<string | undefined> {
  const expression = 'process.version + " " + process.arch';
  const run = await system.tool([node, ...nodeFlags, "-p", expression]);
  const [, major, arch] = /^v(\d+)\.\S+ (\S+)$/.exec(run.stdout.trim()) ?? [];
  if (run.code !== 0 || major === undefined) return `cannot use the runtime: ${whyItFailed(run)}; ${another}`;
  if (Number(major) < oldestMajor)
    return `runtime must be Node.js ${oldestMajor} or newer, got ${run.stdout.trim()}; ${another}`;
  if (arch === "x64" && (await isAppleSilicon(system)))
    return `runtime must be the one for Apple silicon (arm64), got x64, which runs under Rosetta here; use the arm64 archive`;
  return undefined;
}

function whyItFailed({ stdout, stderr, code }: ToolResult): string {
  const library = /Library not loaded: (\S+)/.exec(stderr)?.[1];
  if (library !== undefined) return `it needs ${library} beside it (${stderr})`;
  if (stderr.includes("bad option")) return `it is older than Node.js ${oldestMajor} (${stderr})`;
  if (code === 0) return `it did not say its version, got ${JSON.stringify(stdout.trim().slice(0, 100))}`;
  return stderr === "" ? `it ended with ${code}` : stderr;
}

/** Neither key is there on an Intel Mac, nor the first on an Apple silicon Mac without Rosetta; -i leaves out what is missing. */
async function isAppleSilicon({ tool, layout }: System): Promise<boolean> {
  const keys = ["sysctl.proc_translated", "hw.optional.arm64"];
  const answers = await Promise.all(keys.map((key) => tool([layout.sysctl, "-in", key])));
  return answers.some(({ code, stdout }) => code === 0 && stdout.trim() === "1");
}
