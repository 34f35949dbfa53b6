import test from "node:test";
import assert from "node:assert/strict";
import { check, type ConnectProbe } from "../../src/command/check.ts";
import { config } from "../../src/command/config.ts";
import type { ConfigContext } from "../../src/command/load.ts";
import { world, type Files } from "../config/world.ts";

interface Spoken extends ConfigContext {
  out: string;
  err: string;
}

function spoken(files: Files, env: ConfigContext["env"] = {}): Spoken {
  const { flags: _flags, path: _path, ...rest } = world(files, { env });
  const told: Spoken = {
    ...rest,
    out: "",
    err: "",
    stdout: (text) => (told.out += text),
    stderr: (text) => (told.err += text),
  };
  return told;
}

const none: ConnectProbe = () => Promise.resolve([]);
const good = { "/work/a.yaml": "remote_write: [{ url: 'http://user:hunter2@a' }]\n" };
const bad = { "/work/a.yaml": "logs: {}\nlog: { level: 5 }\n" };

test("check prints one line for a good configuration and returns 0", async () => {
  const told = spoken(good);
  assert.equal(await check({ config: "a.yaml" }, told, none), 0);
  assert.equal(told.out, "a.yaml: ok, 5 sources, 1 sink, 0 warnings\n");
  assert.equal(told.err, "");
});

test("check prints every problem on standard error and returns 78", async () => {
  const told = spoken(bad);
  assert.equal(await check({ config: "a.yaml" }, told, none), 78);
  assert.equal(told.out, "");
  assert.equal(
    told.err,
    "a.yaml:1:1: unknown key 'logs', did you mean 'log'?\n" +
      'a.yaml:2:15: log.level: must be debug, info, warn or error, got "5"\n',
  );
});

test("check of a named file that is missing returns 78", async () => {
  const told = spoken({});
  assert.equal(await check({ config: "a.yaml" }, told, none), 78);
  assert.equal(told.err, "a.yaml: cannot read file: no such file\n");
});

test("check without any file is about the defaults", async () => {
  const told = spoken({});
  assert.equal(await check({}, told, none), 0);
  assert.equal(told.out, "no configuration file, defaults: ok, 5 sources, 0 sinks, 0 warnings\n");
});

test("check prints warnings and still returns 0", async () => {
  const told = spoken({}, { MAC_POWERMETRICS_LOGLEVEL: "x" });
  assert.equal(await check({}, told, none), 0);
  assert.match(told.err, /^warning: MAC_POWERMETRICS_LOGLEVEL: unknown variable, did you mean/);
});

test("check --connect tries each receiver and returns 1 when one fails", async () => {
  const works: ConnectProbe = ({ configuration: { remote_write } }) =>
    Promise.resolve(
      remote_write.map((_, index) => ({ target: `remote_write[${index}]`, ok: true, message: "answers" })),
    );
  const fails: ConnectProbe = () =>
    Promise.resolve([
      { target: "remote_write[0]", ok: true, message: "answers" },
      { target: "otlp[0]", ok: false, message: "cannot connect" },
    ]);
  const one = spoken(good);
  assert.equal(await check({ config: "a.yaml", connect: true }, one, works), 0);
  assert.match(one.out, /^remote_write\[0\]: answers\n/);
  const both = spoken(good);
  assert.equal(await check({ config: "a.yaml", connect: true }, both, fails), 1);
  assert.equal(both.err, "otlp[0]: cannot connect\n");
  const without = spoken(good);
  assert.equal(await check({ config: "a.yaml" }, without, fails), 0);
});

test("check --json puts everything on standard output", async () => {
  const told = spoken(bad);
  assert.equal(await check({ config: "a.yaml", json: true }, told, none), 78);
  assert.equal(told.err, "");
  assert.deepEqual(JSON.parse(told.out), {
    ok: false,
    file: "a.yaml",
    problems: [
      { at: "a.yaml:1:1", path: "", message: "unknown key 'logs', did you mean 'log'?" },
      { at: "a.yaml:2:15", path: "log.level", message: 'must be debug, info, warn or error, got "5"' },
    ],
    warnings: [],
    connections: [],
  });
});

test("config print hides secrets, and with origins says where values come from", async () => {
  const told = spoken(good);
  assert.equal(
    await config({ what: "print", config: "a.yaml", origins: true, flags: { "log.level": "warn" } }, told),
    0,
  );
  assert.doesNotMatch(told.out, /hunter2/);
  assert.match(told.out, /url: http:\/\/user:\*\*\*@a # a\.yaml:1:23/);
  assert.match(told.out, /level: warn # flag log\.level/);
});

test("config print of a bad configuration returns 78 and prints no half of it", async () => {
  const told = spoken(bad);
  assert.equal(await config({ what: "print", config: "a.yaml" }, told), 78);
  assert.equal(told.out, "");
  assert.equal(told.err.split("\n").length, 3);
});

test("config example and config schema print the files to keep", async () => {
  const example = spoken({});
  assert.equal(await config({ what: "example" }, example), 0);
  assert.match(example.out, /^# yaml-language-server: \$schema=/);
  const schema = spoken({});
  assert.equal(await config({ what: "schema" }, schema), 0);
  assert.equal((JSON.parse(schema.out) as { type: string }).type, "object");
});
