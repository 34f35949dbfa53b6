/** What users get is what the sources say: reproducible, without packages to fetch, without scripts, under known licences. */
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { buildBundle } from "../../scripts/build.ts";
import { bundledPackages } from "../../scripts/release/notices.ts";
import { folderOfFile } from "../support/folder.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const folder = folderOfFile();
const one = join(folder, "one");
const other = join(folder, "deeper/than/the/other");
const metafile = await buildBundle(one);

/** They ask for a notice, which every release carries, and for nothing else. */
const licences = ["MIT", "ISC", "BSD-2-Clause", "BSD-3-Clause", "0BSD", "Apache-2.0"];

function filesOf(path: string): ReadonlyMap<string, string> {
  return new Map(readdirSync(path).map((name) => [name, readFileSync(join(path, name), "latin1")]));
}

function manifest(path: string): Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>> {
  return JSON.parse(readFileSync(path, "utf8")) as Record<string, Record<string, unknown> | undefined>;
}

test("two builds in two folders give the same bytes, and nothing of the folder is in them", async () => {
  await buildBundle(other);
  const files = filesOf(one);
  assert.deepEqual(filesOf(other), files);
  for (const [name, content] of files)
    for (const path of [root, folder]) assert.ok(!content.includes(path), `${name} names ${path}`);
});

test("the bundle imports Node's modules and its own files, nothing else", () => {
  for (const { imports } of Object.values(metafile.outputs))
    for (const { path, external } of imports) if (external === true) assert.ok(isBuiltin(path), path);
  for (const [name, content] of filesOf(one))
    for (const [, target = ""] of content.matchAll(/^(?:import|export)\b[^"'\n]*?\bfrom "([^"]+)";$/gm))
      assert.ok(isBuiltin(target) || filesOf(one).has(target.replace("./", "")), `${name} imports ${target}`);
});

test("the package fetches nothing and runs nothing when it is installed", () => {
  const {
    dependencies,
    optionalDependencies,
    peerDependencies,
    scripts = {},
    allowScripts,
  } = manifest(join(root, "package.json"));
  assert.deepEqual([dependencies, optionalDependencies, peerDependencies], [undefined, undefined, undefined]);
  // What npm runs where a package from a registry is installed; `prepare` it runs in a repository only.
  assert.deepEqual(
    Object.keys(scripts).filter((name) => /^(?:pre|post)?install$/.test(name)),
    [],
  );

  const { packages = {} } = manifest(join(root, "package-lock.json"));
  const withScripts = Object.entries(packages)
    .filter(([, about]) => (about as { hasInstallScript?: boolean }).hasInstallScript === true)
    .map(([path]) => path.replace(/^.*node_modules\//, ""));
  assert.deepEqual([...new Set(withScripts)].toSorted(), Object.keys(allowScripts ?? {}).toSorted());
});

test("every locked package has a checksum", () => {
  const { packages = {} } = manifest(join(root, "package-lock.json"));
  const without = Object.entries(packages).filter(
    ([path, about]) => path !== "" && typeof (about as { integrity?: string }).integrity !== "string",
  );
  assert.deepEqual(without, []);
});

test("the packages in the bundle include those of the page's script and style sheet", () => {
  const names = bundledPackages(metafile, root).map(({ name }) => name);
  for (const name of ["uplot", "commander", "zod"]) assert.ok(names.includes(name), name);
});

test("the bundle carries the notice that every package in it asks for", () => {
  const notices = readFileSync(join(one, "THIRD_PARTY_NOTICES.txt"), "utf8");
  for (const { name, version, license, text } of bundledPackages(metafile, root)) {
    assert.ok(notices.includes(`\n${name} ${version} (${license})\n`), name);
    assert.ok(text !== "" && notices.includes(text.trim()), name);
  }
  assert.ok(!notices.includes("Node.js"), "the runtime is not part of it");
});

test("every package in the bundle has a licence that asks for a notice and no more", () => {
  const packages = bundledPackages(metafile, root);
  assert.ok(packages.length > 10, `got ${packages.length} packages`);
  for (const { name, license } of packages) assert.ok(licences.includes(license), `${name}: ${license}`);
});
