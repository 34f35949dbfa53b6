import test from "node:test";
import assert from "node:assert/strict";
import fc from "../support/property.ts";
import { loadConfiguration } from "../../src/config/load.ts";
import { formatProblem } from "../../src/config/problem.ts";
import { accepted, refused, worldOf } from "./world.ts";

test("an empty file and one of comments only are the defaults", () => {
  for (const text of ["", "\n\n", "# nothing\n", "---\n", "\ufeff"]) {
    assert.equal(accepted(worldOf(text)).configuration.log.level, "info", JSON.stringify(text));
  }
});

test("a byte order mark and CRLF line ends are read, and positions stay right", () => {
  const text = "\ufefflog:\r\n  level: debug\r\n  format: xml\r\n";
  assert.deepEqual(refused(worldOf(text)), [
    'agent.yaml:3:11: log.format: must be auto, text or json, got "xml"',
  ]);
});

test("tabs as indentation are told with their place", () => {
  const [problem = ""] = refused(worldOf("log:\n\tlevel: debug\n"));
  assert.match(problem, /^agent\.yaml:2:1: cannot parse yaml: tabs are not allowed/);
});

test("what is no UTF-8 text is refused", () => {
  assert.deepEqual(refused(worldOf(Uint8Array.of(0x6c, 0x6f, 0, 1))), [
    "agent.yaml:1:1: file must be UTF-8 text, got a NUL at byte 2",
  ]);
  assert.deepEqual(refused(worldOf(Uint8Array.of(0x61, 0x3a, 0x20, 0xff))), [
    "agent.yaml:1:1: file must be UTF-8 text, got other bytes",
  ]);
  assert.equal(refused(worldOf(Buffer.from("log: {}", "utf16le"))).length, 1);
});

test("a huge file is refused unread", () => {
  assert.deepEqual(refused(worldOf(`# ${"x".repeat(300_000)}`)), [
    "agent.yaml:1:1: file must be at most 262144 bytes, got 300002",
  ]);
});

test("a chain of aliases that would unfold to millions of values is cut short", () => {
  const levels = Array.from({ length: 12 }, (_, level) => {
    const above = level === 0 ? "x" : `*l${level - 1}`;
    return `l${level}: &l${level} [${Array.from({ length: 10 }, () => above).join(", ")}]`;
  });
  const problems = refused(worldOf(levels.join("\n")));
  assert.equal(problems.filter((line) => line.includes("file must hold at most 20000 values")).length, 1);
});

test("an alias inside its own anchor is refused, also where the name was another's before", () => {
  const mustBeAbove = "alias must name an anchor above it; a text that begins with * must be in quotes";
  assert.deepEqual(refused(worldOf("log: &a { level: *a }")), [`agent.yaml:1:18: log.level: ${mustBeAbove}`]);
  assert.deepEqual(refused(worldOf("run_as: &a ada\nlog: &a { level: *a }")), [
    `agent.yaml:2:18: log.level: ${mustBeAbove}`,
  ]);
});

test("a variable changes the block that it names, and not the one that it shares an anchor with", () => {
  const text =
    "remote_write:\n  - url: http://a\n    queue_config: &q { max_backoff: 9s }\n  - { url: http://b, queue_config: *q }\n";
  const env = { MAC_POWERMETRICS_REMOTE_WRITE_1_QUEUE_CONFIG_MAX_BACKOFF: "7s" };
  const { remote_write } = accepted(worldOf(text, { env })).configuration;
  assert.deepEqual(
    remote_write.map(({ queue_config }) => queue_config.max_backoff),
    [9000, 7000],
  );
});

test("an anchor saves writing a block twice", () => {
  const text =
    "remote_write:\n  - { url: http://a, headers: &h { x-a: y } }\n  - { url: http://b, headers: *h }\n";
  assert.equal(accepted(worldOf(text)).configuration.remote_write[1]?.headers?.["x-a"]?.reveal(), "y");
});

test("deep nesting is a problem, not a crash", () => {
  assert.ok(refused(worldOf(`log: ${"[".repeat(200)}${"]".repeat(200)}`)).length > 0);
  assert.ok(refused(worldOf("[".repeat(20_000))).length > 0);
});

test("tags of the user's own, binary values and several documents are refused", () => {
  assert.match(
    refused(worldOf("log: !shell { level: info }"))[0] ?? "",
    /1:6: cannot parse yaml: unresolved tag$/,
  );
  assert.match(refused(worldOf("run_as: !!binary aGk="))[0] ?? "", /unresolved tag/);
  assert.match(
    refused(worldOf("log: {}\n---\nlog: {}\n"))[0] ?? "",
    /cannot parse yaml: .*multiple documents/,
  );
});

test("a file that is no map is refused", () => {
  assert.deepEqual(refused(worldOf("- a\n")), [
    "agent.yaml:1:1: must be a section with keys of its own, got a list",
  ]);
  assert.deepEqual(refused(worldOf("hello\n")), [
    'agent.yaml:1:1: must be a section with keys of its own, got "hello"',
  ]);
});

test("a block that a stray > or | made text of is not quoted, for its secrets stand in it", () => {
  const block = "\n- url: http://a\n  basic_auth: { username: u, password: hunter2 }\n";
  const indented = block.replaceAll("\n", "\n  ");
  for (const text of [
    `>${indented}`,
    `|${indented}`,
    `remote_write: >-${indented}`,
    `remote_write: [ "password: hunter2" ]`,
  ])
    for (const problem of refused(worldOf(text))) {
      assert.match(problem, /must be .*, got text$/);
      assert.doesNotMatch(problem, /hunter/);
    }
});

test("a key without a value inside braces is reported at the key", () => {
  assert.deepEqual(refused(worldOf("remote_write: [{ url: http://a, headers: { x-a } }]")), [
    "agent.yaml:1:44: remote_write[0].headers.x-a: must be text: put the value in quotes",
  ]);
});

test("__proto__ is a key like any other, and an unknown one", () => {
  const text = "__proto__: { polluted: 1 }\nglobal:\n  external_labels: { __proto__: x, constructor: y }\n";
  const problems = refused(worldOf(text));
  assert.deepEqual(problems, [
    "agent.yaml:1:1: unknown key '__proto__'",
    "agent.yaml:3:22: global.external_labels: name must not be __proto__",
  ]);
  assert.equal("polluted" in {}, false);
});

test("a problem is one line, whatever was written", () => {
  for (const line of refused(worldOf('log: { level: "a\\nb\\u2028c\\e[31m" }\n"x\\ny": 1\n'))) {
    assert.match(line, /^[\x20-\x7e]*$/);
  }
});

const scalar = fc.oneof(
  fc.string(),
  fc.double(),
  fc.boolean(),
  fc.constantFrom(
    null,
    "${",
    "${HOST}",
    "*a",
    "&a",
    "!!map",
    "<<",
    "1m",
    "-1s",
    "[",
    "{}",
    "~",
    "0x10",
    ".nan",
    "__proto__",
  ),
);
const key = fc.oneof(
  fc.constantFrom(
    "global",
    "job",
    "external_labels",
    "sources",
    "powermetrics",
    "interval",
    "samplers",
    "command",
  ),
  fc.constantFrom(
    "__proto__",
    "remote_write",
    "url",
    "headers",
    "basic_auth",
    "web",
    "listen_addresses",
    "log",
    "journal",
    "path",
  ),
  fc.string(),
);
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { maxDepth: 5 },
    scalar,
    fc.array(tie("tree"), { maxLength: 4 }),
    fc.dictionary(key, tie("tree"), { maxKeys: 6 }),
  ),
}));

const sections = Object.keys(accepted(worldOf("")).configuration);

function loads(text: string): void {
  const loaded = loadConfiguration(worldOf(text));
  if (loaded.ok) {
    assert.deepEqual(Object.keys(loaded.configuration), sections);
    return;
  }
  assert.ok(loaded.problems.length > 0);
  for (const problem of loaded.problems) {
    const line = formatProblem(problem);
    assert.match(line, /^agent\.yaml:\d+:\d+: \S.*$/, "one line that says where");
    const lines = text.split(/\r\n|\n|\r/).length;
    assert.ok(Number(line.split(":")[1]) <= lines, `${line} is beyond line ${lines}`);
  }
}

test("a password that YAML takes for syntax is no part of the message", () => {
  for (const password of [
    "|hunter2",
    ">hunter2 x",
    "*hunter2",
    "!hunter2",
    '"\\hunter2"',
    "[hunter2",
    "{hunter2",
  ]) {
    const text = `remote_write:\n  - url: http://a\n    basic_auth:\n      username: u\n      password: ${password}\n`;
    const problems = refused(worldOf(text));
    for (const problem of problems) assert.doesNotMatch(problem, /hunter|unter2/, problem);
  }
});

test("a key whose colon is missing is told by its first word, for its secret stands behind it", () => {
  for (const entry of ["password hunter2", "password; hunter2", "password=hunter2", "? password hunter2"])
    assert.deepEqual(
      refused(worldOf(`remote_write:\n  - url: http://a\n    basic_auth: { ${entry} }\n`)).filter((line) =>
        line.includes("unknown"),
      ),
      [
        `agent.yaml:3:${entry.startsWith("?") ? 21 : 19}: remote_write[0].basic_auth: unknown key 'password' with more behind it: is its colon missing?`,
      ],
    );
});

test("any value at any place is accepted as a whole or refused with its place", () => {
  fc.assert(
    fc.property(tree, (value) => loads(JSON.stringify(value))),
    { numRuns: 300 },
  );
});

test("any bytes are accepted or refused, never a crash", () => {
  const text =
    "global: { job: a }\nsources: { vm_stat: { interval: 10s } }\nremote_write:\n  - url: http://a\n    name: &n x\n";
  fc.assert(
    fc.property(fc.nat(text.length), fc.string({ maxLength: 8, unit: "binary-ascii" }), (at, noise) =>
      loads(text.slice(0, at) + noise + text.slice(at)),
    ),
    { numRuns: 300 },
  );
});
