/** Owns the question whether a Node.js binary may become the daemon's runtime. */

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

/** What to tell about this runtime; undefined when it may be copied. @param path with every link resolved */
export function runtimeObjection(path: string): string | undefined {
  const manager = managed.find(([pattern]) => pattern.test(path))?.[1];
  if (manager === undefined) return undefined;
  return (
    `runtime must be a self-contained Node.js, got ${path} of ${manager}; ` +
    "use the release archive, which brings its own, or name the one of nodejs.org's installer with --node /usr/local/bin/node"
  );
}
