/** The workflows for the gate and for releases: YAML without logic, and the scripts of .ci/release, run here with a stub gh. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { z } from "zod";
import { projectAddress } from "../../scripts/release/address.ts";
import { temporaryFolder } from "../support/folder.ts";
import { skipWithout } from "../support/receivers.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), "utf8");

const workflow = z.object({
  permissions: z.record(z.string(), z.string()),
  jobs: z.record(
    z.string(),
    z.object({
      "timeout-minutes": z.number(),
      steps: z.array(z.union([z.object({ run: z.string() }), z.object({ uses: z.string() })])),
    }),
  ),
});

for (const name of ["linux", "release"])
  test(`${name}.yml pins its actions, and what it runs is there`, () => {
    const { jobs } = workflow.parse(parse(read(`.github/workflows/${name}.yml`)));
    for (const { steps } of Object.values(jobs))
      for (const step of steps) {
        if ("uses" in step) assert.match(step.uses, /^[\w./-]+@[0-9a-f]{40}$/);
        else
          for (const [, script = ""] of step.run.matchAll(/bash (\S+)/g))
            assert.ok(existsSync(join(root, script)));
      }
  });

function script(name: string, env: Readonly<Record<string, string>>, cwd = root) {
  const path = join(cwd, ".ci/release", name);
  return spawnSync("bash", [path], { env: { PATH: process.env["PATH"], ...env }, encoding: "utf8" });
}

test("a release needs an address, a tag of its version, and notes", () => {
  assert.match(script("build", {}).stderr, /RELEASE_URL: must say where the archives will be published/);
  const url = { RELEASE_URL: "https://releases.example/v0" };
  const wrong = script("build", { ...url, RELEASE_TAG: "v9.9.9" });
  assert.deepEqual([wrong.status, wrong.stdout], [1, ""]);
  assert.match(wrong.stderr, /^the tag must be v\d+\.\d+\.\d+, as package\.json has it, got v9\.9\.9$/m);
});

test("what is published are the files of release/dist, with the changelog's section as notes", (context) => {
  const folder = temporaryFolder(context);
  cpSync(join(root, ".ci/release"), join(folder, ".ci/release"), { recursive: true });
  mkdirSync(join(folder, "release/dist"), { recursive: true });
  for (const file of ["a.tar.gz", "SHA256SUMS"]) writeFileSync(join(folder, "release/dist", file), "");
  writeFileSync(
    join(folder, "CHANGELOG.md"),
    "# C\n\n## [2.0.0]\n\n- new\n\n## [1.2.3]\n\n- mended\n\n## [1.0.0]\n- old\n",
  );
  mkdirSync(join(folder, "bin"));
  const stub =
    '#!/bin/sh\nwhile [ $# -gt 0 ]; do [ "$1" = --notes-file ] && { cat "$2"; shift; } || echo "arg $1"; shift; done\n';
  writeFileSync(join(folder, "bin/gh"), stub, { mode: 0o755 });
  const path = `${join(folder, "bin")}:${process.env["PATH"] ?? ""}`;
  const { stdout, status } = script("publish", { PATH: path, RELEASE_TAG: "v1.2.3" }, folder);
  assert.equal(status, 0);
  assert.match(stdout, /- mended/);
  assert.doesNotMatch(stdout, /- new|- old/);
  assert.match(stdout, /arg v1\.2\.3\n/);
  assert.match(stdout, /arg release\/dist\/SHA256SUMS\narg release\/dist\/a\.tar\.gz\n/);
});

test("the project's page is what the environment says, or the remote of the clone, without credentials", () => {
  const page = "https://git.example/a/b";
  const github = { GITHUB_SERVER_URL: "https://git.example", GITHUB_REPOSITORY: "a/b" };
  assert.equal(
    projectAddress({ ...github, PROJECT_URL: "https://other.example/c/" }, undefined),
    "https://other.example/c",
  );
  assert.equal(projectAddress(github, "https://elsewhere/x"), page);
  for (const remote of [
    page,
    `${page}.git`,
    "https://me:secret@git.example/a/b.git",
    "git@git.example:a/b.git",
    "ssh://git@git.example/a/b",
  ])
    assert.equal(projectAddress({}, remote), page, remote);
  for (const remote of [undefined, "", "/work/main", "../b", "file:///work/main", "http://git.example/a/b"])
    assert.equal(projectAddress({}, remote), undefined, remote);
  assert.throws(() => projectAddress({ PROJECT_URL: "a/b" }, page), /PROJECT_URL must be an https:/);
});

test(
  "nothing is published without an address, neither by the release's script nor by npm publish",
  { skip: skipWithout("npm") || skipWithout("git") },
  (context) => {
    const folder = temporaryFolder(context);
    for (const path of [".ci/release", "scripts", "package.json"])
      cpSync(join(root, path), join(folder, path), { recursive: true });
    mkdirSync(join(folder, "node_modules/.bin"), { recursive: true });
    symlinkSync(process.execPath, join(folder, "node_modules/.bin/node"));
    const { status, stderr } = script("npm", {}, folder);
    assert.equal(status, 1);
    assert.match(stderr, /^cannot make a package to publish: it names no repository; set PROJECT_URL/m);
    const env = { PATH: process.env["PATH"], HOME: folder, npm_config_offline: "true" };
    const published = spawnSync("npm", ["publish", "--dry-run"], { cwd: folder, env, encoding: "utf8" });
    assert.notEqual(published.status, 0);
    assert.match(
      published.stderr,
      /cannot publish this folder: package\.json names no repository; run bash \.ci\/release\/npm/,
    );
  },
);

test("the form for problems asks for doctor's report and names commands that exist", () => {
  const form = read(".github/ISSUE_TEMPLATE/problem.yml");
  const { body } = z
    .object({ body: z.array(z.object({ type: z.string(), id: z.string().optional() })) })
    .parse(parse(form));
  assert.ok(body.some(({ id }) => id === "report"));
  for (const command of ["doctor --deep -o", "version", "config print", "logs"])
    assert.ok(form.includes(`mac-powermetrics-agent ${command}`), command);
});
