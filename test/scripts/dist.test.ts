import test from "node:test";
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildRelease } from "../../scripts/dist.ts";
import type { Bom } from "../../scripts/release/bom.ts";
import { fetchRuntime, runtimes, type RuntimeFiles } from "../../scripts/release/runtimes.ts";
import { archive } from "../../scripts/release/tar.ts";
import { disposableFolder } from "../support/folder.ts";

const runtime: RuntimeFiles = {
  node: Buffer.from("#!/bin/sh\necho a runtime\n"),
  license: Buffer.from("of Node.js"),
};
const published = { homepage: "https://git.example/a/b", archives: "https://git.example/a/b/releases/v1" };
/** A release's bill of materials comes from it. */
const withNpm = { skip: spawnSync("npm", ["--version"]).status === 0 ? false : "npm is not here" };
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

test("two builds of a release give the same bytes", withNpm, async () => {
  using here = disposableFolder();
  const names = await buildRelease(join(here.path, "a"), published, () => runtime);
  await buildRelease(join(here.path, "b"), published, () => runtime);
  for (const name of names)
    assert.equal(
      sha256(readFileSync(join(here.path, "a", name))),
      sha256(readFileSync(join(here.path, "b", name))),
      name,
    );
});

test(
  "a release unpacks to the expected tree: unmodified runtime, sums that hold, nothing that others may write",
  withNpm,
  async () => {
    using here = disposableFolder();
    const names = await buildRelease(here.path, published, () => runtime);
    for (const platform of ["darwin-arm64", "darwin-x64"]) {
      const name = names.find((file) => file.endsWith(`-${platform}.tar.gz`)) ?? "";
      execFileSync("tar", ["-xzf", name], { cwd: here.path });
      const root = join(here.path, name.replace(".tar.gz", ""));
      assert.deepEqual(
        readdirSync(root).toSorted(),
        [
          ...(existsSync(join(root, "README.md")) ? ["README.md"] : []),
          ...[
            "CHANGELOG.md",
            "GUARANTEES.md",
            "LICENSE",
            "METRICS.md",
            "SECURITY.md",
            "SHA256SUMS",
            "THIRD_PARTY_NOTICES.txt",
            "bin",
            "config",
            "install.sh",
            "launchd",
            "lib",
          ],
        ].toSorted(),
      );
      assert.deepEqual(readFileSync(join(root, "bin/node")), runtime.node);
      assert.ok(existsSync(join(root, "lib/mac-powermetrics-agent.1")));
      execFileSync("sha256sum", ["--check", "--strict", "SHA256SUMS"], { cwd: root });
      const listed = readFileSync(join(root, "SHA256SUMS"), "utf8").trim().split("\n").length;
      const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((path) =>
        statSync(join(root, path)).isFile(),
      );
      assert.equal(listed, files.length - 1, "every file but the list itself");
      for (const path of files) assert.equal(statSync(join(root, path)).mode & 0o022, 0, path);
      for (const path of ["bin/node", "bin/mac-powermetrics-agent", "install.sh"])
        assert.equal(statSync(join(root, path)).mode & 0o777, 0o755, path);
      const notices = readFileSync(join(root, "THIRD_PARTY_NOTICES.txt"), "utf8");
      for (const name of ["commander ", "zod ", "yaml ", "uplot ", "Node.js 26"])
        assert.ok(notices.includes(`\n${name}`), name);
    }
  },
);

test("the formula names the archives and their checksums", withNpm, async () => {
  using here = disposableFolder();
  const names = await buildRelease(here.path, published, () => runtime);
  const formula = readFileSync(join(here.path, "mac-powermetrics-agent.rb"), "utf8");
  for (const name of names.filter((file) => file.endsWith(".tar.gz"))) {
    assert.ok(formula.includes(`url "${published.archives}/${name}"`));
    assert.ok(formula.includes(`sha256 "${sha256(readFileSync(join(here.path, name)))}"`));
  }
});

test(
  "a release that is published nowhere has no formula, rather than one with a made-up address",
  withNpm,
  async () => {
    using here = disposableFolder();
    const names = await buildRelease(here.path, undefined, () => runtime);
    assert.ok(!names.some((name) => name.endsWith(".rb")));
    assert.ok(names.includes("SHA256SUMS"));
  },
);

test("a release lists what its archives contain, each platform's Node.js included", withNpm, async () => {
  using here = disposableFolder();
  const names = await buildRelease(here.path, published, () => runtime);
  execFileSync("sha256sum", ["--check", "--strict", "SHA256SUMS"], { cwd: here.path });
  const sums = readFileSync(join(here.path, "SHA256SUMS"), "utf8");
  for (const name of names) assert.equal(sums.includes(`  ${name}\n`), name !== "SHA256SUMS", name);

  const bom = JSON.parse(readFileSync(join(here.path, "bom.json"), "utf8")) as Bom;
  const brought = bom.components.filter(({ type }) => type === "platform");
  assert.equal(brought.length, runtimes.length);
  for (const { platform, package: name, version, integrity } of runtimes) {
    const listed = brought.find((one) => one.name === name);
    assert.equal(listed?.version, version);
    assert.match(listed.description ?? "", new RegExp(`^Node\\.js .* ${platform}$`));
    assert.equal(listed.cpe, `cpe:2.3:a:nodejs:node.js:${version}:*:*:*:*:*:*:*`);
    const [hash] = listed.hashes ?? [];
    assert.equal(`sha512-${Buffer.from(hash?.content ?? "", "hex").toString("base64")}`, integrity);
  }
  const dependents = bom.dependencies.map(({ ref }) => ref).toSorted();
  const refs = [bom.metadata.component, ...bom.components].map((one) => one["bom-ref"]);
  assert.deepEqual(dependents, refs.toSorted());
  const needed = bom.dependencies.find(({ ref }) => ref === bom.metadata.component["bom-ref"])?.dependsOn;
  assert.deepEqual(needed?.toSorted(), bom.components.map((one) => one["bom-ref"]).toSorted());
  for (const name of ["uplot", "zod"]) assert.ok(bom.components.some((one) => one.name === name));
});

test("runtimes are fetched one after the other into an empty cache, which keeps nothing but them", (t) => {
  using here = disposableFolder();
  const packed = archive([
    { path: "package/bin/node", mode: 0o755, content: runtime.node },
    { path: "package/LICENSE", mode: 0o644, content: runtime.license },
  ]);
  writeFileSync(join(here.path, "packed"), packed);
  // npm pack NAME@VERSION --pack-destination FOLDER …
  const npm = `#!/bin/sh\ncp "${here.path}/packed" "$4/$(echo "$2" | tr @ -).tgz"\n`;
  writeFileSync(join(here.path, "npm"), npm, { mode: 0o755 });
  const { PATH = "" } = process.env;
  process.env["PATH"] = `${here.path}:${PATH}`;
  t.after(() => (process.env["PATH"] = PATH));

  const cache = join(here.path, "cache");
  const integrity = `sha512-${createHash("sha512").update(packed).digest("base64")}`;
  for (const pinned of runtimes) assert.deepEqual(fetchRuntime({ ...pinned, integrity }, cache), runtime);
  const kept = runtimes.map(({ package: name, version }) => `${name}-${version}.tgz`);
  assert.deepEqual(readdirSync(cache).toSorted(), kept.toSorted());
});

test("a runtime that is not the pinned one is refused", () => {
  using here = disposableFolder();
  const [pinned] = runtimes;
  assert.ok(pinned !== undefined);
  writeFileSync(join(here.path, `${pinned.package}-${pinned.version}.tgz`), "another");
  assert.throws(
    () => fetchRuntime(pinned, here.path),
    /^Error: unexpected checksum of .*: got sha512-.*, want sha512-/,
  );
});

test("an archive is one that tar reads, and does not depend on the order of its entries", () => {
  using here = disposableFolder();
  const entries = [
    { path: "a/b.txt", mode: 0o644, content: Buffer.from("b") },
    { path: "a/run", mode: 0o755, content: Buffer.alloc(1024, "x") },
    { path: "a/empty", mode: 0o600, content: Buffer.alloc(0) },
  ];
  const bytes = archive(entries);
  assert.deepEqual(archive(entries.toReversed()), bytes);
  writeFileSync(join(here.path, "a.tgz"), bytes);
  const listed = execFileSync("tar", ["-tvzf", "a.tgz", "--numeric-owner"], {
    cwd: here.path,
    encoding: "utf8",
    env: { PATH: "/usr/bin:/bin", TZ: "UTC" },
  });
  assert.deepEqual(
    listed
      .trim()
      .split("\n")
      .map((line) => line.split(/\s+/)),
    [
      ["drwxr-xr-x", "0/0", "0", "2000-01-01", "00:00", "a/"],
      ["-rw-r--r--", "0/0", "1", "2000-01-01", "00:00", "a/b.txt"],
      ["-rw-------", "0/0", "0", "2000-01-01", "00:00", "a/empty"],
      ["-rwxr-xr-x", "0/0", "1024", "2000-01-01", "00:00", "a/run"],
    ],
  );
  assert.throws(
    () => archive([{ path: "a".repeat(101), mode: 0o644, content: Buffer.alloc(0) }]),
    /at most 100 bytes/,
  );
});
