import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { awaitHostname, isGenericHostname, keepHostname, keptHostname } from "../../src/command/hostname.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { temporaryFolder } from "../support/folder.ts";

function place(t: test.TestContext) {
  return { env: {}, platform: "linux", home: temporaryFolder(t), uid: 501 };
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
  assert.match(keepHostname(here, "mac-042") ?? "", /^cannot keep the host name in .*hostname/);
  assert.equal(keptHostname(here, "mac-042"), "mac-042");
});

const generic = [
  ...[
    "",
    " ",
    "localhost",
    "localhost.localdomain",
    "localhost.local",
    "Mac.lan",
    "Mac.local",
    "mac",
    "MAC.LOCAL.",
  ],
  ...[
    "MacBook-Pro.local",
    "MacBook-Air.fritz.box",
    "MacBookPro",
    "Mac-mini.local",
    "iMac.home",
    "Mac-Studio",
    "Mac-Pro.lan",
  ],
  ...[
    "Mac-2.local",
    "MacBook-Pro-17.local",
    "Mac-mini-3",
    "iMac-2.lan",
    "Mac.corp.example.com",
    "Manageds-Virtual-Machine.local",
  ],
  ...[
    "Admins-MacBook-Pro.local",
    "administrators-Mac-mini",
    "Users-iMac-2.lan",
    "Macs-MacBook-Air.local",
    "Admins-Virtual-Machine.local",
    "localhost-2.local",
    "new-host-3.home",
  ],
  ...["192.168.1.20", "ip-10-0-0-5.example.com", "dhcp-10-1-2-3", "fe80::1", "unknown", "(none)"],
];
const ofItsOwn = [
  ...["mac-042.example.com", "mac-12.example.com", "Annas-MacBook-Pro.local", "build7", "studio-berlin.lan"],
  ...[
    "macmini-rack3",
    "C02XK1ABJGH5",
    "mac7.example.com",
    "machine",
    "Mac-1234.local",
    "admin.example.com",
    "Adas-iMac",
  ],
];

test("names that macOS, Bonjour and networks give by themselves are generic, and names of people's choice are not", () => {
  for (const name of generic) assert.equal(isGenericHostname(name), true, name);
  for (const name of ofItsOwn) assert.equal(isGenericHostname(name), false, name);
});

test("a generic name serves, is told, and is not kept; the first name of its own is", (t) => {
  const here = place(t);
  assert.equal(keptHostname(here, "Mac.lan"), "Mac.lan");
  assert.match(
    keepHostname(here, "Mac.lan") ?? "",
    /^host name Mac\.lan is one that many Macs have.*scutil --set HostName/,
  );
  assert.equal(keptHostname(here, "mac-042.example.com"), "mac-042.example.com");
  assert.equal(keepHostname(here, "mac-042.example.com"), undefined);
  assert.equal(keptHostname(here, "Mac.lan"), "mac-042.example.com");
  assert.equal(keepHostname(here, "Mac.lan"), undefined);
});

test("a generic name that an earlier version kept is given up", (t) => {
  const here = place(t);
  const folder = join(here.home, ".local/state/mac-powermetrics-agent");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "hostname"), "localhost\n");
  assert.equal(keptHostname(here, "mac-042"), "mac-042");
  assert.equal(keepHostname(here, "mac-042"), undefined);
  assert.equal(keptHostname(here, "other"), "mac-042");
});

test("a machine without any name is localhost, and that is not kept", (t) => {
  const here = place(t);
  assert.equal(keptHostname(here, ""), "localhost");
  assert.match(keepHostname(here, "localhost") ?? "", /is not kept/);
});

test("a running agent learns each minute whether the machine has got a name, and tells it once", async () => {
  const clock = fakeClock();
  const names: string[] = [];
  let present = "Mac.lan";
  const watch = awaitHostname(
    () => present,
    clock,
    (name) => names.push(name),
  );
  await clock.advance(180_000);
  present = "mac-042.example.com";
  await clock.advance(180_000);
  assert.deepEqual(names, ["mac-042.example.com"]);
  watch[Symbol.dispose]();
  assert.equal(clock.pending, 0);
});
