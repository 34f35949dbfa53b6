/** Files in memory and an empty environment, to load configurations from in tests. */
import { loadConfiguration, type Loaded, type LoadContext } from "../../src/config/load.ts";
import { formatProblem } from "../../src/config/problem.ts";

export type Files = Readonly<Record<string, string | Uint8Array>>;

/** A Mac's user `ada` in /work, with these files and nothing else. */
export function world(files: Files = {}, changes: Partial<LoadContext> = {}): LoadContext {
  return {
    flags: {},
    env: {},
    platform: "linux",
    home: "/home/ada",
    uid: 1000,
    hostname: "mac-7",
    cwd: "/work",
    readFile(path) {
      const content = files[path];
      if (content === undefined) throw Object.assign(new Error("missing"), { code: "ENOENT" });
      return Buffer.from(content);
    },
    ...changes,
  };
}

/** A world whose `--config` is this text. */
export function worldOf(text: string | Uint8Array, changes: Partial<LoadContext> = {}): LoadContext {
  return world({ "/work/agent.yaml": text }, { path: "agent.yaml", ...changes });
}

/** The loaded configuration; fails the test, naming the problems, when it was refused. */
export function accepted(given: LoadContext): Loaded {
  const loaded = loadConfiguration(given);
  if (loaded.ok) return loaded;
  throw new Error(loaded.problems.map(formatProblem).join("\n"));
}

/** The problems as lines; fails the test when there are none. */
export function refused(given: LoadContext): string[] {
  const loaded = loadConfiguration(given);
  if (loaded.ok) throw new Error("unexpected success of a bad configuration");
  return loaded.problems.map(formatProblem);
}
