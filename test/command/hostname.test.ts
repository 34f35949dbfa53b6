import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { keepHostname, keptHostname } from "../../src/command/hostname.ts";

function place(t: test.TestContext) {
  const home = mkdtempSync(join(tmpdir(), "hostname-"));
  t.after(() => rmSync(home, { recursive: true }));
  return { env: {}, platform: "linux", home, uid: 501 };
}

test("the host name of the first start is kept when the machine is renamed", (t) => {
  const here = place(t);
  assert.equal(keptHostname(here, "first.local"), "first.local");
  assert.equal(keepHostname(here, "first.local"), undefined);
  assert.equal(keptHostname(here, "second.hotel.example"), "first.local");
  assert.equal(keepHostname(here, "second.hotel.example"), undefined);
  assert.equal(keptHostname(here, "third"), "first.local");
});

test("a folder that cannot be written is told, and the present name serves", (t) => {
  const here = place(t);
  writeFileSync(join(here.home, ".local"), "a file in the way");
  assert.match(keepHostname(here, "mac") ?? "", /^cannot keep the host name in .*hostname/);
  assert.equal(keptHostname(here, "mac"), "mac");
});
