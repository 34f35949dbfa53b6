/** The bill of materials: complete, well-formed CycloneDX, and the same wherever it is made. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { buildBundle } from "../../scripts/build.ts";
import { billOfMaterials, bomText } from "../../scripts/release/bom.ts";
import { bundledPackages } from "../../scripts/release/notices.ts";
import { folderOfFile } from "../support/folder.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const folder = folderOfFile();
const metafile = await buildBundle(join(folder, "dist"));
const withNpm = { skip: spawnSync("npm", ["--version"]).status === 0 ? false : "npm is not here" };

test(
  "the bill of materials lists the packages in the bundle with their checksums and licences",
  withNpm,
  () => {
    const { components } = billOfMaterials(metafile, root);
    const listed = components.map(({ name, version }) => `${name}@${version}`).toSorted();
    const bundled = bundledPackages(metafile, root).map(({ name, version }) => `${name}@${version}`);
    assert.deepEqual(listed, [...new Set(bundled)].toSorted());
    for (const component of components) {
      assert.ok("hashes" in component && "licenses" in component && "purl" in component, component.name);
      assert.equal(component.scope, "required");
    }
  },
);

test("the bill of materials has what CycloneDX 1.5 requires, and is of this package", withNpm, () => {
  const bom = billOfMaterials(metafile, root);
  assert.deepEqual([bom.bomFormat, bom.specVersion, bom.version], ["CycloneDX", "1.5", 1]);
  const self = bom.metadata.component;
  const { name, version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as typeof self;
  assert.deepEqual([self.type, self.name, self.version], ["application", name, version]);
  assert.equal(self["bom-ref"], `${name}@${version}`);

  for (const component of bom.components) {
    assert.equal(component.type, "library");
    assert.match(component.name, /./);
    assert.match(component.version, /^\d+\.\d+\.\d+/);
  }
  const refs = [self, ...bom.components].map((component) => component["bom-ref"]);
  assert.equal(new Set(refs).size, refs.length, "each reference is one component's");
  const dependents = bom.dependencies.map(({ ref }) => ref);
  assert.deepEqual(dependents.toSorted(), refs.toSorted(), "every component says once what it needs");
  for (const { ref, dependsOn } of bom.dependencies) {
    assert.equal(new Set(dependsOn).size, dependsOn.length, ref);
    for (const needed of dependsOn) assert.ok(refs.includes(needed), `${ref} needs ${needed}`);
  }
});

test("two checkouts in folders of different names give the same bill, byte by byte", withNpm, () => {
  const bills = ["main", "a copy"].map((name) => billOf(checkout(join(folder, name))));
  for (const bill of bills) assert.equal(bill, bomText(billOfMaterials(metafile, root)));
  assert.ok(!bills[0]?.includes(folder));
});

test("the bill is complete where npm leaves out development dependencies", withNpm, () => {
  const bill = billOf(checkout(join(folder, "production")), { NODE_ENV: "production" });
  assert.equal(bill, bomText(billOfMaterials(metafile, root)));
});

function checkout(path: string): string {
  mkdirSync(path);
  for (const part of ["package.json", "package-lock.json", "src", "scripts", "man"])
    cpSync(join(root, part), join(path, part), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(path, "node_modules"));
  return path;
}

/** By the command, called from elsewhere. */
function billOf(path: string, env: Record<string, string> = {}): string {
  return execFileSync(process.execPath, [join(path, "scripts/sbom.ts")], {
    cwd: "/",
    encoding: "utf8",
    env: { ...process.env, ...env },
  });
}
