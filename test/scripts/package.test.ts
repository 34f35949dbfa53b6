/** What npm packs and installs from a repository without a build: the bundle, which runs without anything else. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import test, { type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { absoluteLinks, addressPackage } from "../../scripts/npm-package.ts";
import { layoutUnder } from "../../src/daemon/layout.ts";
import { temporaryFolder } from "../support/folder.ts";
import { skipWithout } from "../support/receivers.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const skip = skipWithout("npm") || skipWithout("git");
const npmFolder = dirname(execFileSync("which", ["npm"], { encoding: "utf8" }).trim());
/** Of someone who has Node.js and npm, and nothing of this project. */
const PATH = `${dirname(process.execPath)}:${npmFolder}:/usr/bin:/bin`;

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly scripts: Readonly<Record<string, string>>;
  readonly repository?: { readonly url: string };
  readonly homepage?: string;
  readonly bugs?: { readonly url: string };
}

function manifestIn(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
}

/** The files that git knows or would add, as they are now. */
function trackedFiles(): readonly string[] {
  const args = ["ls-files", "--cached", "--others", "--exclude-standard"];
  const listed = execFileSync("git", args, { cwd: root, encoding: "utf8" }).trim().split("\n");
  return listed.filter((path) => existsSync(join(root, path)));
}

function cloneInto(folder: string): void {
  for (const path of trackedFiles()) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    cpSync(join(root, path), join(folder, path));
  }
}

/** The same files under another name: links where the disk is the same. */
function mirror(from: string, to: string): void {
  mkdirSync(to);
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) mirror(source, target);
    else if (entry.isSymbolicLink()) cpSync(source, target, { verbatimSymlinks: true });
    else
      try {
        linkSync(source, target);
      } catch {
        copyFileSync(source, target);
      }
  }
}

function npm(args: readonly string[], cwd: string, home: string): string {
  const settings = {
    npm_config_offline: "true",
    npm_config_update_notifier: "false",
    npm_config_fund: "false",
  };
  const env = { PATH, HOME: home, GIT_CONFIG_GLOBAL: "/dev/null", ...settings };
  const { status, stdout, stderr } = spawnSync("npm", args, { cwd, env, encoding: "utf8" });
  assert.equal(status, 0, `npm ${args.join(" ")}: ${stderr}`);
  return stdout;
}

function folders(t: TestContext): { readonly clone: string; readonly prefix: string; readonly home: string } {
  const here = temporaryFolder(t);
  const [clone, prefix, home] = ["clone", "prefix", "home"].map((name) => join(here, name)) as [
    string,
    string,
    string,
  ];
  for (const folder of [clone, prefix, home]) mkdirSync(folder);
  return { clone, prefix, home };
}

test(
  "a clone without a build packs the bundle, which installs into an empty prefix and runs there",
  { skip },
  (t) => {
    const { clone, prefix, home } = folders(t);
    cloneInto(clone);
    mirror(join(root, "node_modules"), join(clone, "node_modules"));
    const [packed] = JSON.parse(npm(["pack", "--json", "--silent"], clone, home)) as [
      { filename: string; files: { path: string }[] },
    ];
    const paths = packed.files.map(({ path }) => path);
    const dist = paths.filter((path) => path.startsWith("dist/"));
    for (const path of dist)
      assert.match(path, /^dist\/(?:THIRD_PARTY_NOTICES\.txt|mac-powermetrics-agent\.1|[\w-]+\.js)$/);
    for (const path of ["dist/cli.js", "dist/THIRD_PARTY_NOTICES.txt"]) assert.ok(dist.includes(path), path);
    const wanted = trackedFiles().filter((path) =>
      /^(?:config|launchd)\/|^(?:README|CHANGELOG|GUARANTEES|METRICS|SECURITY|LICENSE|package\.json)/.test(
        path,
      ),
    );
    assert.deepEqual(paths.filter((path) => !dist.includes(path)).toSorted(), wanted.toSorted());
    const readme = readFileSync(join(root, "README.md"), "utf8");
    for (const path of paths) if (path.endsWith(".png")) assert.ok(readme.includes(`](${path})`), path);

    const project = "https://git.example/a/b";
    addressPackage(join(clone, packed.filename), home, project);
    const published = join(home, "package");
    assertAddresses(published, project);
    const [again] = JSON.parse(npm(["pack", "--json", "--silent"], published, home)) as [typeof packed];
    assert.deepEqual(again.files.map(({ path }) => path).toSorted(), paths.toSorted());

    npm(["install", "--global", "--prefix", prefix, join(published, again.filename)], home, home);
    const installed = join(prefix, "lib/node_modules/mac-powermetrics-agent");
    assert.ok(!existsSync(join(installed, "node_modules")), "it needs no other package");
    const manual = join(prefix, "share/man/man1/mac-powermetrics-agent.1");
    assert.equal(
      readFileSync(manual, "utf8"),
      readFileSync(join(root, "man/mac-powermetrics-agent.1"), "utf8"),
    );
    assertRuns(prefix, home);
  },
);

/** What a registry shows of it works without the repository beside it. */
function assertAddresses(published: string, project: string): void {
  const manifest = manifestIn(published);
  assert.deepEqual(
    {
      ...manifest,
      repository: manifest.repository?.url,
      bugs: manifest.bugs?.url,
      scripts: manifest.scripts,
    },
    {
      ...manifest,
      repository: `git+${project}.git`,
      homepage: `${project}#readme`,
      bugs: `${project}/issues`,
      scripts: undefined,
    },
  );
  const readme = readFileSync(join(published, "README.md"), "utf8");
  const targets = [...readme.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
  for (const target of targets) assert.match(target, /^(?:https:\/\/|#)/);
  const images = [...readme.matchAll(/!\[[^\]]*\]\(([^)]+)\)/g)].map(([, target = ""]) => target);
  assert.ok(images.length >= 1);
  for (const image of images) {
    const [, path = ""] = image.split(`${project}/raw/v${manifest.version}/`);
    assert.ok(trackedFiles().includes(path), image);
  }
}

function assertRuns(prefix: string, home: string): void {
  const command = join(prefix, "bin/mac-powermetrics-agent");
  const run = (...args: readonly string[]): string =>
    execFileSync("env", ["-i", `PATH=${dirname(process.execPath)}:/usr/bin:/bin`, command, ...args], {
      cwd: home,
      encoding: "utf8",
    });
  assert.equal(run("--version"), `${manifestIn(root).version}\n`);
  const printed = run("once", "--simulate");
  assert.match(printed, /^powermetrics_\w+\{.*\} [0-9.]+$/m);
  assert.match(printed, /simulated="true"/);
  // It installs itself as a daemon: under a prefix, as far as a folder without a Mac's tools lets it.
  const mac = join(home, "mac");
  const planned = run("install", "--dry-run", "--prefix", mac);
  assert.ok(
    planned.includes(`would  write launchd job ${layoutUnder(mac).plist}, owner root, mode 0644\n`),
    planned,
  );
}

/** A small package with our scripts, whose build writes one file and fetches nothing. */
function smallPackage(folder: string): void {
  const { name, version, scripts } = manifestIn(root);
  const { prepack = "", prepare = "" } = scripts;
  const bin = { [name]: "dist/cli.js" };
  const manifest = { name, version, type: "module", bin, files: ["dist"], scripts: { prepack, prepare } };
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
  writeFileSync(join(folder, ".gitignore"), "dist/\n");
  mkdirSync(join(folder, "scripts"));
  cpSync(join(root, "scripts/prepack.js"), join(folder, "scripts/prepack.js"));
  const build = `
import { mkdirSync, writeFileSync } from "node:fs";
mkdirSync("dist", { recursive: true });
writeFileSync("dist/cli.js", "#!/usr/bin/env node\\nconsole.log('built');\\n");
`;
  writeFileSync(join(folder, "scripts/build.ts"), build);
  mkdirSync(join(folder, "node_modules/.bin"), { recursive: true });
  symlinkSync(process.execPath, join(folder, "node_modules/.bin/node"));
}

function commit(folder: string): void {
  const git = (...args: readonly string[]): void =>
    void execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@example.invalid", ...args], {
      cwd: folder,
    });
  git("init", "--quiet");
  git("add", "--force", "package.json", ".gitignore", "scripts", "node_modules");
  git("commit", "--quiet", "--message", "all");
}

test(
  "npm installs the built command from a folder and from a git repository, the first time and again",
  { skip },
  (t) => {
    const { clone, prefix, home } = folders(t);
    smallPackage(clone);
    commit(clone);
    const command = join(prefix, "bin/mac-powermetrics-agent");
    const env = { PATH };
    for (const source of [`git+file://${clone}`, `git+file://${clone}`, clone]) {
      npm(["install", "--global", "--prefix", prefix, source], home, home);
      assert.equal(execFileSync(command, { env, encoding: "utf8" }), "built\n", source);
      const isLink = existsSync(join(prefix, "lib/node_modules/mac-powermetrics-agent/scripts"));
      assert.equal(isLink, source === clone, "of a repository only what is packed is installed");
    }
  },
);

test("npm installs the built command from a git repository into a project", { skip }, (t) => {
  const { clone, prefix, home } = folders(t);
  smallPackage(clone);
  commit(clone);
  writeFileSync(join(prefix, "package.json"), "{}");
  npm(["install", `git+file://${clone}`], prefix, home);
  const command = join(prefix, "node_modules/.bin/mac-powermetrics-agent");
  assert.equal(execFileSync(command, { env: { PATH }, encoding: "utf8" }), "built\n");
});

test("who works on the project has nothing built by npm install", { skip }, (t) => {
  const { clone, home } = folders(t);
  smallPackage(clone);
  npm(["install"], clone, home);
  assert.ok(!existsSync(join(clone, "dist")));
});

test("npm publish builds, and prints on standard output nothing but its own", { skip }, (t) => {
  const { clone, home } = folders(t);
  smallPackage(clone);
  const node = join(clone, "node_modules/.bin/node");
  const [published] = [
    JSON.parse(npm(["pack", "--dry-run", "--json", "--silent"], clone, home)) as {
      files: { path: string }[];
    }[],
  ];
  assert.deepEqual(
    published[0]?.files.map(({ path }) => path),
    ["dist/cli.js", "package.json"],
  );
  assert.ok(existsSync(node));
});

test("links of README lead to the tag, images to their bytes, and what is absolute stays", () => {
  const text = "![a](config/a.png) [b](b.html#c) [d](#d) [e](https://e/) [f](./f.svg) [g](src/)";
  assert.equal(
    absoluteLinks(text, "https://h/o/n", "v1.2.3"),
    "![a](https://h/o/n/raw/v1.2.3/config/a.png) [b](https://h/o/n/blob/v1.2.3/b.html#c) [d](#d) [e](https://e/) " +
      "[f](https://h/o/n/raw/v1.2.3/f.svg) [g](https://h/o/n/blob/v1.2.3/src/)",
  );
});
