import test from "node:test";
import assert from "node:assert/strict";
import { printConfiguration } from "../../src/config/print.ts";
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
].join("\n");
const env = { PW: "hunter4", MAC_POWERMETRICS_LOG_LEVEL: "debug" };

test("a printed configuration holds no secret and no password of a URL", () => {
  const { printable } = accepted(worldOf(text, { env }));
  const printed = printConfiguration(printable);
  assert.doesNotMatch(printed, /hunter|tok-1/);
  assert.match(printed, /url: https:\/\/ada:\*\*\*@prometheus\.example\/api/);
  assert.match(printed, /proxy_url: http:\/\/\*\*\*@proxy\.example:3128/);
  assert.equal(printed.match(/<secret>/g)?.length, 3);
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
