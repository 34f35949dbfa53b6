import assert from "node:assert/strict";
import test from "node:test";
import { createHosts } from "../../src/endpoint/access.ts";

const hosts = createHosts({
  listening: ["127.0.0.1", "10.0.0.5", "fd00::1", ""],
  own: ["Studio.Corp.Example"],
  allowed: ["metrics.example", "*.mesh.example", "PROXY.example:8443"],
});

const answered: readonly string[] = [
  "localhost",
  "localhost:9127",
  "LOCALHOST.:9127",
  "127.0.0.1:9127",
  "127.9.8.7",
  "[::1]:9127",
  "[::1]",
  "[::ffff:127.0.0.1]:9127",
  "10.0.0.5:9127",
  "[fd00::1]:9127",
  "[FD00::1]:9127",
  "studio.corp.example:9127",
  "studio",
  "Studio.local.",
  "metrics.example",
  "a.mesh.example:1",
  "b.a.mesh.example",
  "proxy.example",
];

const refused: readonly string[] = [
  "",
  ":9127",
  "evil.example",
  "evil.example:9127",
  "localhost.evil.example",
  "127.0.0.1.evil.example",
  "127.evil.example",
  "notlocalhost",
  "mesh.example",
  "evilmesh.example",
  "studio.evil.example",
  "metrics.example@evil.example",
  "evil.example/localhost",
  "10.0.0.6",
  "[fd00::2]",
  "0.0.0.0",
];

for (const host of answered)
  test(`Host ${JSON.stringify(host)} is answered`, () => assert.ok(hosts.allows(host, "127.0.0.1")));
for (const host of refused)
  test(`Host ${JSON.stringify(host)} is refused`, () => assert.ok(!hosts.allows(host, "127.0.0.1")));

test("the address that a connection came in by is a good name for us", () => {
  assert.ok(hosts.allows("192.168.1.7:9127", "192.168.1.7"));
  assert.ok(hosts.allows("192.168.1.7", "::ffff:192.168.1.7"));
  assert.ok(hosts.allows("[fd00::9]:9127", "fd00::9"));
  assert.ok(!hosts.allows("192.168.1.8", "192.168.1.7"));
});

test("HTTP/1.0 without a Host is answered, as no browser speaks it", () => {
  assert.ok(hosts.allows(undefined, "127.0.0.1"));
});

test("a star answers to any name", () => {
  assert.ok(createHosts({ listening: [], own: [], allowed: ["*"] }).allows("evil.example", "127.0.0.1"));
});

test("an empty host name of the machine allows nothing", () => {
  assert.ok(!createHosts({ listening: [""], own: [""], allowed: [] }).allows("", "127.0.0.1"));
  assert.ok(!createHosts({ listening: [""], own: [""], allowed: [] }).allows(".local", "127.0.0.1"));
});
