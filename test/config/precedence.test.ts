import test from "node:test";
import assert from "node:assert/strict";
import { loadConfiguration } from "../../src/config/load.ts";
import { formatOrigin } from "../../src/config/problem.ts";
import { accepted, refused, world, worldOf } from "./world.ts";

const key = "sources.powermetrics.interval";
const flag = { flags: { [key]: "1s" } };
const variable = { env: { MAC_POWERMETRICS_SOURCES_POWERMETRICS_INTERVAL: "2s" } };
const file = "sources: { powermetrics: { interval: 3s } }";

test("flag wins over variable, variable over file, file over default", () => {
  const table: [string, Parameters<typeof accepted>[0], number, string][] = [
    ["all", worldOf(file, { ...flag, ...variable }), 1000, `flag ${key}`],
    ["no flag", worldOf(file, variable), 2000, "MAC_POWERMETRICS_SOURCES_POWERMETRICS_INTERVAL"],
    ["file alone", worldOf(file), 3000, "agent.yaml:1:38"],
    ["nothing", world(), 10_000, "default"],
    ["flag over file", worldOf(file, flag), 1000, `flag ${key}`],
    ["variable over default", world({}, variable), 2000, "MAC_POWERMETRICS_SOURCES_POWERMETRICS_INTERVAL"],
  ];
  for (const [name, given, interval, origin] of table) {
    const { configuration, origins } = accepted(given);
    assert.equal(configuration.sources.powermetrics.interval, interval, name);
    const found = origins.get(key);
    assert.equal(found && formatOrigin(found), origin, name);
  }
});

test("every value has an origin", () => {
  const { origins } = accepted(worldOf("remote_write: [{ url: http://a, headers: { x: y } }]"));
  for (const path of ["global.job", "web.listen_addresses[0]", "remote_write[0].headers.x", "log.level"]) {
    assert.ok(origins.has(path), path);
  }
  assert.deepEqual(origins.get("global.external_labels"), { kind: "default" });
  assert.equal(origins.get("remote_write[0].remote_timeout")?.kind, "default");
});

test("a variable changes one key and leaves its neighbours in the file alone", () => {
  const { log } = accepted(
    worldOf("log: { level: warn, format: json }", { env: { MAC_POWERMETRICS_LOG_LEVEL: "debug" } }),
  ).configuration;
  assert.equal(log.level, "debug");
  assert.equal(log.format, "json");
});

test("variables reach lists, maps and blocks", () => {
  const { configuration } = accepted(
    worldOf("remote_write: [{ url: http://file, name: kept }]", {
      env: {
        MAC_POWERMETRICS_WEB_LISTEN_ADDRESSES: "127.0.0.1:1, [::1]:2",
        MAC_POWERMETRICS_WEB_ENABLED: "false",
        MAC_POWERMETRICS_SOURCES_POWERMETRICS_SAMPLERS: "cpu_power,gpu_power",
        MAC_POWERMETRICS_SOURCES_POWERMETRICS_COMMAND: '["/bin/sh", "-c", "a, b"]',
        MAC_POWERMETRICS_SOURCES_POWERMETRICS_TASKS_TOP: "3",
        MAC_POWERMETRICS_GLOBAL_EXTERNAL_LABELS: "team=platform,site=b=1",
        MAC_POWERMETRICS_REMOTE_WRITE_0_URL: "http://first",
        MAC_POWERMETRICS_REMOTE_WRITE_1_URL: "http://second",
        MAC_POWERMETRICS_REMOTE_WRITE_1_HEADERS: '{"x-a": "1"}',
      },
    }),
  );
  assert.deepEqual(configuration.web.listen_addresses, ["127.0.0.1:1", "[::1]:2"]);
  assert.equal(configuration.web.enabled, false);
  assert.deepEqual(configuration.sources.powermetrics.samplers, ["cpu_power", "gpu_power"]);
  assert.deepEqual(configuration.sources.powermetrics.command, ["/bin/sh", "-c", "a, b"]);
  assert.equal(configuration.sources.powermetrics.tasks.top, 3);
  assert.deepEqual(configuration.global.external_labels, { team: "platform", site: "b=1" });
  const [first, second] = configuration.remote_write;
  assert.deepEqual([first?.url, first?.name], ["http://first", "kept"]);
  assert.equal(second?.headers?.["x-a"]?.reveal(), "1");
});

test("samplers may be left to the agent by a variable too", () => {
  const env = { MAC_POWERMETRICS_SOURCES_POWERMETRICS_SAMPLERS: "auto" };
  const { configuration } = accepted(worldOf("sources: { powermetrics: { samplers: [tasks] } }", { env }));
  assert.equal(configuration.sources.powermetrics.samplers, "auto");
});

test("a map in the form a=1,b=2 must be one line, and as JSON may hold any value", () => {
  const labels = (text: string) => ({ env: { MAC_POWERMETRICS_GLOBAL_EXTERNAL_LABELS: text } });
  assert.deepEqual(refused(world({}, labels("team=a\nb,site=c"))), [
    "MAC_POWERMETRICS_GLOBAL_EXTERNAL_LABELS: global.external_labels: must be a map of names to values, got text",
  ]);
  const { global } = accepted(world({}, labels('{ "team": "a\\nb" }'))).configuration;
  assert.deepEqual(global.external_labels, { team: "a\nb" });
});

test("an empty variable counts as unset", () => {
  assert.equal(
    accepted(world({}, { env: { MAC_POWERMETRICS_LOG_LEVEL: "" } })).configuration.log.level,
    "info",
  );
});

test("a bad value names the variable or the flag it came from", () => {
  const env = { MAC_POWERMETRICS_LOG_LEVEL: "loud", MAC_POWERMETRICS_REMOTE_WRITE_3_URL: "http://a" };
  assert.deepEqual(refused(world({}, { env, flags: { "log.format": "xml" } })), [
    "MAC_POWERMETRICS_REMOTE_WRITE_3_URL: remote_write[3].url: index must follow the last block's",
    'MAC_POWERMETRICS_LOG_LEVEL: log.level: must be debug, info, warn or error, got "loud"',
    'flag log.format: log.format: must be auto, text or json, got "xml"',
  ]);
});

test("an unknown variable is a warning with a suggestion; the agent's other variables are not", () => {
  const env = {
    MAC_POWERMETRICS_LOG_LEVLE: "debug",
    MAC_POWERMETRICS_SIMULATE: "--chip m4",
    MAC_POWERMETRICS_CONFIG: "",
    PATH: "/bin",
  };
  const warnings = [
    "MAC_POWERMETRICS_LOG_LEVLE: unknown variable, did you mean 'MAC_POWERMETRICS_LOG_LEVEL'?",
  ];
  assert.deepEqual(accepted(world({}, { env })).warnings, warnings);
  const loaded = loadConfiguration(world({}, { env, flags: { "log.format": "xml" } }));
  assert.ok(!loaded.ok);
  assert.deepEqual(loaded.warnings, warnings, "also of a configuration that is refused");
});
