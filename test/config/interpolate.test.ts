import test from "node:test";
import assert from "node:assert/strict";
import fc from "../support/property.ts";
import { interpolate } from "../../src/config/interpolate.ts";
import { accepted, refused, worldOf } from "./world.ts";

const env = {
  A: "one",
  EMPTY: "",
  NESTED: "${A}",
  BLOCK: "x\nlog: { level: debug }",
  LIST: "[a, b]",
  ON: "true",
  SEVEN: "7",
};
const variable = (name: string): string | undefined => (env as Record<string, string | undefined>)[name];

function text(given: string): string {
  const result = interpolate(given, variable);
  if (!result.ok) throw new Error(result.message);
  return result.text;
}

test("references, defaults and escapes", () => {
  const cases: [string, string][] = [
    ["${A}", "one"],
    ["a-${A}-${A}", "a-one-one"],
    ["${EMPTY}", ""],
    ["${EMPTY:-other}", "other"],
    ["${GONE:-other}", "other"],
    ["${GONE:-}", ""],
    ["${A:-other}", "one"],
    ["$${A}", "${A}"],
    ["$$${A}", "$one"],
    ["$$", "$"],
    ["100$", "100$"],
    ["$1-${1}", "$1-${1}"],
    ["$A", "$A"],
    ["${NESTED}", "${A}"],
    ["${GONE:-a:-b}", "a:-b"],
    ["${GONE:-${A}-}", "${A-}"],
    ["${A:-$$}$$", "one$"],
    [`\${GONE:-${"x".repeat(5000)}}`, "x".repeat(5000)],
  ];
  for (const [given, expected] of cases) assert.equal(text(given), expected, given);
});

test("a reference that can't be read is a failure at its offset", () => {
  for (const given of ["ab${A", "ab${", "ab${}", "ab${A:default}", "ab${A B}", "ab${-A}"]) {
    const result = interpolate(given, variable);
    assert.equal("at" in result ? result.at : undefined, 2, given);
  }
});

test("whatever a variable holds arrives as it is", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (value, around) => {
      const escaped = around.replaceAll("$", "$$$$");
      const result = interpolate(`${escaped}\${V}`, () => value);
      assert.deepEqual(result, { ok: true, text: around + value });
    }),
  );
});

test("a missing variable is a problem at the reference itself", () => {
  const lines = ["global:", '  job: "a-${A}-${GONE}"', "  instance: ${GONE_TOO}"];
  assert.deepEqual(refused(worldOf(lines.join("\n"), { env })), [
    "agent.yaml:2:16: global.job: variable GONE must be set, or given a default as ${GONE:-default}",
    "agent.yaml:3:13: global.instance: variable GONE_TOO must be set, or given a default as ${GONE_TOO:-default}",
  ]);
});

test("a missing variable in a required key is one problem, not two", () => {
  assert.equal(refused(worldOf("remote_write: [{ url: '${GONE}' }]")).length, 1);
  const auth = "remote_write:\n  - url: http://a\n    basic_auth: { username: a, password: '${GONE}' }";
  assert.equal(refused(worldOf(auth)).length, 1);
});

test("a variable can't add keys, lists or comments", () => {
  const lines = ["global: { job: '${BLOCK}', instance: \"${LIST}\" }", "run_as: ${COMMENT} # kept"];
  const { configuration } = accepted(worldOf(lines.join("\n"), { env: { ...env, COMMENT: "a # b" } }));
  assert.equal(configuration.global.job, env.BLOCK);
  assert.equal(configuration.global.instance, "[a, b]");
  assert.equal(configuration.run_as, "a # b");
  assert.equal(configuration.log.level, "info");
  const [problem] = refused(worldOf('web: { allowed_hosts: "${LIST}" }', { env }));
  assert.equal(problem, 'agent.yaml:1:23: web.allowed_hosts: must be a list, got "${LIST}"');
});

test("keys are not looked through", () => {
  assert.deepEqual(refused(worldOf("${A}: 1", { env })), ['agent.yaml:1:1: unknown key "${A}"']);
});

test("a variable serves where a number or a switch is wanted", () => {
  const lines = ["sources:", "  powermetrics:", "    enabled: ${ON}", "    tasks: { top: '${SEVEN}' }"];
  const { powermetrics } = accepted(worldOf(lines.join("\n"), { env })).configuration.sources;
  assert.equal(powermetrics.enabled, true);
  assert.equal(powermetrics.tasks.top, 7);
});

test("a message shows the reference, never what the variable holds", () => {
  const [problem = ""] = refused(worldOf("log: { level: '${TOKEN}' }", { env: { TOKEN: "tok-123" } }));
  assert.match(problem, /got "\$\{TOKEN\}"/);
  assert.doesNotMatch(problem, /tok-123/);
});

test("a bare reference inside braces gets a hint, since yaml takes it for a map", () => {
  const [problem = ""] = refused(worldOf("global: { job: ${A} }", { env }));
  assert.match(problem, /^agent\.yaml:1:17: cannot parse yaml: .*must be in quotes$/);
});

test("what the system is called fills in where no variable does, and a default where it has no answer", () => {
  const systemName = (name: string): string | { why: string } | undefined =>
    ({ SERIAL: "XQ4P0TEST1", COMPUTER_NAME: { why: "/usr/sbin/scutil names none" } })[name];
  const instanceOf = (value: string, env: Record<string, string> = {}): string =>
    accepted(worldOf(`global: { instance: "${value}" }\n`, { env, systemName })).configuration.global
      .instance;
  assert.equal(instanceOf("mac-${SERIAL}"), "mac-XQ4P0TEST1");
  assert.equal(instanceOf("${SERIAL}", { SERIAL: "mine" }), "mine");
  assert.equal(instanceOf("${SERIAL}", { SERIAL: "" }), "XQ4P0TEST1");
  assert.equal(instanceOf("${COMPUTER_NAME:-unnamed}"), "unnamed");
  const given = worldOf('global: { instance: "${COMPUTER_NAME}" }\n', { systemName });
  assert.deepEqual(refused(given), [
    "agent.yaml:1:22: global.instance: cannot read ${COMPUTER_NAME}: /usr/sbin/scutil names none; the variable COMPUTER_NAME must be set, or given a default as ${COMPUTER_NAME:-default}",
  ]);
});
