import test from "node:test";
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { install, uninstall } from "../../src/daemon/install.ts";
import { fakeMac } from "./fake-mac.ts";
import { installation, remove, run, tree } from "./installing.ts";

test("uninstalling leaves what is the user's and says so", async () => {
  using mac = fakeMac();
  await run(mac, mac.release("0.1.0"));
  const { failure, reports } = await remove(mac);
  assert.equal(failure, undefined);
  assert.equal(mac.running, undefined);
  const { layout } = mac;
  for (const path of [layout.config, layout.environment, layout.state, layout.logs])
    assert.ok(existsSync(path), path);
  const { versions, plist, newsyslog, command, manual, current } = layout;
  for (const path of [versions, plist, newsyslog, command, manual, current])
    assert.equal(existsSync(path), false, path);
  assert.deepEqual(
    reports.filter(({ status }) => status === "kept").map(({ describe }) => describe),
    [
      `remove variables ${layout.environment}`,
      `remove configuration ${layout.config}`,
      `remove logs in ${layout.logs}`,
      `remove journal and identity in ${layout.state}`,
      "remove role account _macagent",
    ],
  );
});

test("purging leaves nothing but system folders, and uninstalling again does nothing", async () => {
  using mac = fakeMac();
  await run(mac, mac.release("0.1.0"));
  await remove(mac, { purge: true });
  const left = Object.keys(tree(mac)).filter((path) => /mac-?powermetrics/.test(path));
  assert.deepEqual(left, []);
  assert.deepEqual([...mac.records], []);
  assert.deepEqual((await remove(mac, { purge: true })).reports, []);
});

for (const [refused, left] of [
  [["-deleteUser"], []],
  [["-delete"], ["/Groups/_macagent"]],
  [
    ["-deleteUser", "-delete"],
    ["/Groups/_macagent", "/Users/_macagent"],
  ],
] as const)
  test(`an account that macOS protects from ${refused.join(" and ")} is removed as far as it lets us, with a warning about the rest`, async () => {
    using mac = fakeMac();
    await run(mac, mac.release("0.1.0"));
    for (const verb of refused) mac.refused.add(verb);
    const { failure, reports } = await remove(mac, { purge: true });
    assert.equal(failure, undefined);
    assert.deepEqual([...mac.records.keys()].toSorted(), left);
    const { warning = "" } = reports.find(({ describe }) => describe.includes("role account")) ?? {};
    if (left.length === 0) assert.equal(warning, "");
    else assert.match(warning, /^cannot remove .*-14120.*run sudo dscl \. -delete \/\w+\/_macagent/);
    assert.ok(mac.calls.includes("sysadminctl -deleteUser _macagent -keepHome"), "tried first");
    assert.equal(existsSync(mac.layout.root), false, "the rest is gone all the same");
  });

test("what install kept out of Time Machine is given back to it", async () => {
  using mac = fakeMac();
  await run(mac, mac.release("0.1.0"));
  assert.ok(mac.excluded);
  await remove(mac);
  assert.equal(mac.excluded, false);
});

test("a dry run of uninstalling changes nothing", async () => {
  using mac = fakeMac();
  await run(mac, mac.release("0.1.0"));
  const before = tree(mac);
  await remove(mac, { purge: true, dryRun: true });
  assert.deepEqual(tree(mac), before);
  assert.ok(mac.running !== undefined);
});

test("a command that npm or Homebrew put there is neither replaced nor removed", async () => {
  using mac = fakeMac();
  mkdirSync(dirname(mac.layout.command), { recursive: true });
  writeFileSync(mac.layout.command, "another's");
  await run(mac, mac.release("0.1.0"));
  await remove(mac, { purge: true });
  assert.equal(readFileSync(mac.layout.command, "utf8"), "another's");
});

test("an account of the administrator's own making is used and never removed", async () => {
  using mac = fakeMac();
  mac.records.set(
    "/Users/monitor",
    new Map([
      ["UniqueID", "501"],
      ["PrimaryGroupID", "20"],
    ]),
  );
  const plan = { ...installation(mac, mac.release("0.1.0")), account: "monitor" };
  const report = (): void => undefined;
  assert.deepEqual(await install(plan, mac.system, { dryRun: false, report }), { status: "installed" });
  await uninstall("monitor", mac.system, { purge: true, dryRun: false, report });
  assert.ok(mac.records.has("/Users/monitor"));
});
