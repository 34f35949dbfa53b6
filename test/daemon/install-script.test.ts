/** launchd/install.sh, run by sh with stubs for macOS' tools: what it checks and clears before it runs `install`. */
import test from "node:test";
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { disposableFolder } from "../support/folder.ts";

const script = readFileSync(new URL("../../launchd/install.sh", import.meta.url), "utf8");

interface Archive extends Disposable {
  readonly folder: string;
  /** Runs the script in it. */
  install(...args: readonly string[]): { code: number | null; out: string; err: string; calls: string };
}

/** An unpacked release, in a folder with a blank, and tools of which `xattr` does as told. */
function unpacked(xattr: string | undefined): Archive {
  const { path: here, [Symbol.dispose]: dispose } = disposableFolder();
  const folder = join(here, "a release");
  const tools = join(here, "tools");
  for (const path of [join(folder, "bin"), tools]) mkdirSync(path, { recursive: true });
  const program = (path: string, text: string): void => {
    writeFileSync(path, `#!/bin/sh\n${text}\n`);
    chmodSync(path, 0o755);
  };
  program(join(folder, "bin/mac-powermetrics-agent"), `echo "agent $*" | tee -a "${here}/calls"`);
  program(join(tools, "uname"), "echo Darwin");
  program(join(tools, "shasum"), 'shift 2; exec sha256sum "$@"');
  if (xattr !== undefined) program(join(tools, "xattr"), `echo "xattr $*" >> "${here}/calls"\n${xattr}`);
  const sum = createHash("sha256").update(readFileSync(join(folder, "bin/mac-powermetrics-agent")));
  writeFileSync(join(folder, "SHA256SUMS"), `${sum.digest("hex")}  bin/mac-powermetrics-agent\n`);
  writeFileSync(join(folder, "install.sh"), script.replaceAll("/usr/bin/", `${tools}/`));
  writeFileSync(join(here, "calls"), "");
  return {
    folder,
    install(...args) {
      const env = { PATH: `${tools}:/usr/bin:/bin` };
      const run = spawnSync("sh", [join(folder, "install.sh"), ...args], { encoding: "utf8", cwd: "/", env });
      const calls = readFileSync(join(here, "calls"), "utf8");
      return { code: run.status, out: run.stdout, err: run.stderr, calls };
    },
    [Symbol.dispose]: dispose,
  };
}

test("the mark of a download is removed once the checksums have passed, and then install runs with the options", () => {
  using archive = unpacked("exit 0");
  const { code, err, calls } = archive.install("--dry-run");
  assert.deepEqual([code, err], [0, ""]);
  assert.equal(calls, "xattr -dr com.apple.quarantine .\nagent install --dry-run\n");
});

test("files that differ from their checksums keep the mark, and nothing of them is run", () => {
  using archive = unpacked("exit 0");
  writeFileSync(join(archive.folder, "bin/mac-powermetrics-agent"), "another's");
  const { code, err, calls } = archive.install();
  assert.equal(code, 1);
  assert.match(err, /cannot trust this folder/);
  assert.equal(calls, "");
});

for (const [what, xattr, warns] of [
  ["finds no mark and fails", 'test "$1" = -lr', false],
  ["is refused", 'test "$1" = -lr && echo "./bin/node: com.apple.quarantine: 0083;"', true],
  ["is not there", undefined, true],
] as const)
  test(`an xattr that ${what} ${warns ? "is a warning" : "is no matter"}, and install runs all the same`, () => {
    using archive = unpacked(xattr);
    const { code, out, err } = archive.install();
    assert.deepEqual([code, out], [0, "agent install\n"]);
    if (warns)
      assert.match(
        err,
        /^warning: cannot remove the mark .*sudo xattr -dr com\.apple\.quarantine '.*a release'/,
      );
    else assert.equal(err, "");
  });
