import test from "node:test";
import assert from "node:assert/strict";
import { parse } from "yaml";
import { flow, printConfiguration } from "../../src/config/print.ts";
import fc from "../support/property.ts";
import { accepted, refused, worldOf } from "./world.ts";

const text = [
  "global: { external_labels: { team: a } }",
  "remote_write:",
  "  - url: https://ada:hunter2@prometheus.example/api",
  "    proxy_url: http://tok-1@proxy.example:3128",
  "    headers: { X-Key: hunter3 }",
  "    basic_auth: { username: ada, password: '${PW}' }",
  "  - url: https://other.example",
  "    authorization: { credentials: hunter5 }",
  "scrape_configs:",
  "  - job_name: one",
  "    params: { token: [hunter6] }",
  "    oauth2: { client_id: a, client_secret: hunter7, token_url: 'http://a', endpoint_params: { k: hunter8 } }",
].join("\n");
const env = { PW: "hunter4", MAC_POWERMETRICS_LOG_LEVEL: "debug" };

test("a printed configuration holds no secret and no password of a URL", () => {
  const { printable } = accepted(worldOf(text, { env }));
  const printed = printConfiguration(printable);
  assert.doesNotMatch(printed, /hunter|tok-1/);
  assert.match(printed, /url: https:\/\/ada:\*\*\*@prometheus\.example\/api/);
  assert.match(printed, /proxy_url: http:\/\/\*\*\*@proxy\.example:3128/);
  assert.equal(printed.match(/<secret>/g)?.length, 6);
});

test("a printed configuration without secrets loads to the same one", () => {
  const first = accepted(
    worldOf("sources: { vm_stat: { interval: 1m30s } }\nremote_write: [{ url: http://a }]", { env }),
  );
  const second = accepted(worldOf(printConfiguration(first.printable, first.origins)));
  assert.deepEqual(second.configuration, first.configuration);
});

test("with origins each value says where it comes from", () => {
  const { printable, origins } = accepted(worldOf(text, { env }));
  const lines = printConfiguration(printable, origins).split("\n");
  const line = (start: string): string | undefined =>
    lines.find((candidate) => candidate.trimStart().startsWith(start));
  assert.equal(line("job:"), "  job: mac-powermetrics # default");
  assert.equal(line("team:"), "    team: a # agent.yaml:1:36");
  assert.equal(line("level:"), "  level: debug # MAC_POWERMETRICS_LOG_LEVEL");
  assert.equal(line("password:"), "      password: <secret> # agent.yaml:6:44");
  assert.equal(line("allowed_hosts:"), "  allowed_hosts: [] # default");
});

test("text that looks like something else, or has several lines, prints as one line that loads again", () => {
  const odd = [
    "true",
    "1.0",
    "a\nb: c",
    "# x",
    "- y",
    "'\"",
    " lead",
    "~",
    "{}",
    "${GONE}",
    "$$",
    "$1",
    "e\u2028",
    "a: b",
  ];
  for (const job of odd) {
    const printed = printConfiguration(accepted(worldOf("", { flags: { "global.job": job } })).printable);
    assert.match(printed.split("\n")[2] ?? "", /^ {2}instance: /);
    assert.equal(accepted(worldOf(printed)).configuration.global.job, job);
  }
});

test("the problems of a configuration tell no secret either", () => {
  const broken = [
    "remote_write:",
    "  - url: gopher://ada:hunter2@x",
    "    protobuf_message: 'http://ada:hunter3@x'",
    "    headers: { 'bad name': hunter4 }",
    "    basic_auth: { username: a, password: [hunter5] }",
    "  - url: http://x",
    "    authorization: { type: Basic, credentials: hunter6 }",
  ].join("\n");
  const problems = refused(worldOf(broken)).join("\n");
  assert.doesNotMatch(problems, /hunter/);
  for (const path of [
    "[0].url",
    "[0].protobuf_message",
    "[0].headers",
    "[0].basic_auth.password",
    "[1].authorization",
  ]) {
    assert.ok(problems.includes(`remote_write${path}`), path);
  }
});

const words = [
  ...[
    "true",
    "False",
    "null",
    "NULL",
    "yes",
    "No",
    "on",
    "off",
    "y",
    "N",
    "inf",
    ".nan",
    "nan",
    "~",
    "<<",
    "=",
  ],
  ...["e", "x", "o", "b", "a", "Z", "f", "ms", "MB", "_", "-", "+", ".", "/", ":", " ", "#", "$", "[", "é"],
  ...[
    "0",
    "1",
    "7",
    "12",
    "60",
    "2026",
    "127.0.0.1",
    ":9127",
    "0x",
    "0o",
    "0b",
    "T",
    "!",
    "&",
    "*",
    "%",
    "@",
  ],
];
const wordy = fc.array(fc.constantFrom(...words), { maxLength: 5 }).map((parts) => parts.join(""));
/** Looks like a number, a time or a date, of which YAML 1.1 has more kinds than 1.2. */
const numberLike = fc.stringMatching(/^[-+]?[0-9a-fxob_.:eET+-]{1,10}$/);

const versions = ["1.1", "1.2"] as const;

test("every string of the kinds that YAML has types for is read back as itself, by both versions", () => {
  const string = fc.oneof(wordy, numberLike, fc.string());
  fc.assert(
    fc.property(string, (one) => {
      for (const version of versions)
        assert.equal(parse(flow(one), { version }), one, `${version}: ${flow(one)}`);
      for (const version of versions)
        assert.deepEqual(parse(flow([one, { k: one }]), { version }), [one, { k: one }], version);
    }),
    { numRuns: 3000 },
  );
});

for (const one of [
  "0xa",
  "0b1",
  "0o7",
  "1234567:30",
  "1:20",
  "yes",
  "Off",
  "n",
  "2026-01-01",
  "1_000",
  "017",
  "1e3",
])
  test(`the string ${one} is quoted, which YAML 1.1 or 1.2 would read as something else`, () => {
    assert.match(flow(one), /^["'].*["']$/);
  });

for (const one of ["info", "10s", "256MB", "127.0.0.1:9127", "/etc/mac-agent/password", "macs"])
  test(`the string ${one} is written as it is`, () => {
    assert.equal(flow(one), one);
  });

test("every value is one line that is read back as it is", () => {
  const value = fc.oneof(wordy, fc.string(), fc.boolean(), fc.integer(), fc.constantFrom(null, [], {}, 1.5));
  fc.assert(
    fc.property(value, (one) => {
      const line = flow(one);
      assert.doesNotMatch(line, /\n/);
      assert.deepEqual(parse(line), one);
    }),
    { numRuns: 20_000 },
  );
});

test("text of several lines stays on one, whatever its words are", () => {
  for (const lines of ["true\ntrue", "1\n2", "a\n\nb", "~\n", "\n"]) {
    assert.doesNotMatch(flow(lines), /\n/);
    assert.equal(parse(flow(lines)), lines);
  }
});
