import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { writePidFile } from "../../src/daemon/pid-file.ts";
import { temporaryFolder } from "../support/folder.ts";

test("the file with the process' number is gone at the end, unless another process has put its own there", (t) => {
  const path = join(temporaryFolder(t), "agent.pid");
  {
    using file = writePidFile(path, 4711);
    assert.equal(file.warning, undefined);
    assert.equal(readFileSync(path, "utf8"), "4711\n");
  }
  assert.equal(existsSync(path), false);
  {
    using _first = writePidFile(path, 1);
    rmSync(path);
    writeFileSync(path, "2\n");
  }
  assert.equal(readFileSync(path, "utf8"), "2\n");
});

test("a file that can't be written is a warning", () => {
  using file = writePidFile("/nowhere/agent.pid", 1);
  assert.match(
    file.warning ?? "",
    /^cannot write \/nowhere\/agent\.pid: .*; newsyslog can't signal the agent/,
  );
});
