import assert from "node:assert/strict";
import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { readBounded, writeAtomically } from "../../src/runtime/files.ts";
import { openLines } from "../../src/runtime/logger.ts";
import { temporaryFolder } from "./http/receivers.ts";

test("a file is replaced whole, with the mode asked for, and no draft stays", (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, "state");
  writeFileSync(path, "old", { mode: 0o644 });
  writeAtomically(path, "new", 0o600);
  assert.equal(readFileSync(path, "utf8"), "new");
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(folder), ["state"]);
});

test("a write that fails leaves the old content and no draft", (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, "occupied");
  mkdirSync(join(path, "child"), { recursive: true });
  assert.throws(() => writeAtomically(path, "new"), /^Error: cannot write .*occupied: /);
  assert.deepEqual(readdirSync(folder), ["occupied"]);
  assert.throws(() => writeAtomically(join(folder, "no", "file"), "x"), /: no such file or directory$/);
});

test("a file is read up to its bound and refused beyond it", (t) => {
  const path = join(temporaryFolder(t), "file");
  writeFileSync(path, "12345");
  assert.equal(readBounded(path, 5).toString(), "12345");
  assert.throws(() => readBounded(path, 4), { message: `cannot read ${path}: larger than 4 bytes` });
  writeFileSync(path, "");
  assert.equal(readBounded(path, 4).length, 0);
});

test("a folder or a device is no file to read", (t) => {
  const folder = temporaryFolder(t);
  assert.throws(() => readBounded(folder, 10), { message: `cannot read ${folder}: not a regular file` });
  assert.throws(() => readBounded("/dev/zero", 10), { message: "cannot read /dev/zero: not a regular file" });
});

test("a log may go to a device of the system and to what is open already", () => {
  for (const path of ["/dev/null", "/dev/stderr"]) {
    using lines = openLines(path);
    assert.equal(lines.reopen(), undefined, path);
    assert.equal(lines.takeLost(), 0);
  }
  assert.throws(() => openLines("/dev/shm"), /cannot open \/dev\/shm/);
});
