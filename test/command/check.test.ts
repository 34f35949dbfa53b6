/** `check` finds what a start or the first request would: it tries what it accepts. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { accepted, refused, worldOf } from "../config/world.ts";
import { temporaryFolder } from "../support/folder.ts";

const cli = fileURLToPath(new URL("../../src/cli.ts", import.meta.url));

interface Told {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function check(
  context: TestContext,
  configuration: object,
  files: Readonly<Record<string, string>> = {},
): Told {
  const folder = temporaryFolder(context);
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(folder, name), content);
    chmodSync(join(folder, name), 0o600);
  }
  const file = join(folder, "agent.yaml");
  writeFileSync(file, JSON.stringify(configuration));
  const env = { ...process.env, HTTP_PROXY: "http://corp\\user:pw@proxy:3128" };
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, "check", "--config", file], {
    encoding: "utf8",
    env,
  });
  return { code: status, stdout, stderr };
}

const url = "http://prometheus/api/v1/write";
const basic = (file: string) => ({
  url,
  proxy_from_environment: false,
  basic_auth: { username: "a", password_file: file },
});

test("a file that is missing, empty or of no use is a problem at its key", (context) => {
  const configuration = {
    web: { config_file: "web.yaml" },
    remote_write: [
      basic("missing"),
      basic("empty"),
      basic("good"),
      { url, proxy_from_environment: false, tls_config: { ca_file: "good" } },
    ],
  };
  const { code, stderr } = check(context, configuration, {
    empty: "\n",
    good: "hunter22",
    "web.yaml": "nonsense: 1\n",
  });
  assert.equal(code, 78);
  assert.match(stderr, /web\.config_file: .*unknown key 'nonsense'/);
  assert.match(stderr, /remote_write\[0\]\.basic_auth\.password_file: cannot read .*missing: no such file/);
  assert.match(
    stderr,
    /remote_write\[1\]\.basic_auth\.password_file: .*must hold a secret, got an empty file/,
  );
  assert.doesNotMatch(stderr, /remote_write\[2\]/);
  assert.match(stderr, /remote_write\[3\]\.tls_config: tls_config\.ca_file must be a PEM file/);
  assert.equal(stderr.trim().split("\n").length, 4, stderr);
});

test("a proxy of the environment that can't be used is a problem of each block that it serves", (context) => {
  const { code, stderr } = check(context, { remote_write: [{ url: "http://prometheus.example/" }] });
  assert.equal(code, 78);
  assert.match(stderr, /remote_write\[0\]: HTTP_PROXY must not contain a backslash/);
});

test("an expression is compiled, however long, and a sample is encoded through it", (context) => {
  const rule = { source_labels: ["a"], action: "drop" };
  const write = (regex: string) => ({
    remote_write: [{ url, proxy_from_environment: false, write_relabel_configs: [{ ...rule, regex }] }],
  });
  assert.equal(check(context, write("a".repeat(40_000))).code, 0);
  const { code, stderr } = check(context, write("x{1001}"));
  assert.equal(code, 78);
  assert.match(
    stderr,
    /agent\.yaml:1:\d+: remote_write\[0\]\.write_relabel_configs\[0\]\.regex: must be an RE2 expression/,
  );
  assert.equal(check(context, write("(".repeat(50_000))).code, 78);
});

test("the last line does not say ok of receivers that failed, and a block goes by its name", (context) => {
  const file = join(temporaryFolder(context), "agent.yaml");
  writeFileSync(file, "remote_write: [{ name: home, url: 'http://127.0.0.1:1/?token=hunter22' }]\n");
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [cli, "check", "--connect", "--config", file],
    { encoding: "utf8" },
  );
  assert.equal(status, 1);
  assert.match(stderr, /^home http:\/\/127\.0\.0\.1:1\/: cannot connect/);
  assert.match(stdout, /: 1 address can't be used as configured, 5 sources, 1 sink, 0 warnings\n$/);
  assert.doesNotMatch(stdout + stderr, /hunter22/);
});

const remote = (text: string): string => `remote_write: [{ ${text} }]`;

test("an address whose credentials could not be sent is refused", () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    [remote("url: 'http://u:50%@a/'"), /url: must have each % of its user and password written as %25/],
    [remote("url: 'http://u:%ff@a/'"), /url: must have each %/],
    [remote("url: 'http://corp\\user:pw@a/'"), /url: must not contain a backslash: write %5C/],
    [
      remote("url: 'http://a/', proxy_url: 'http://corp\\user:pw@proxy:1'"),
      /proxy_url: must not contain a backslash/,
    ],
    [remote("url: 'http://a/', proxy_url: 'http://u:%zz@proxy:1'"), /proxy_url: must have each %/],
    ["otlp: [{ endpoint: 'http://u:%@a/' }]", /endpoint: must have each %/],
    ["pushgateway: [{ url: 'http://a:9091/metrics/job/x/instance/y' }]", /url: must be the base address/],
    ["pushgateway: [{ url: 'http://a:9091/metrics' }]", /url: must be the base address/],
  ];
  for (const [text, wanted] of cases) {
    const problems = refused(worldOf(text));
    assert.match(problems.join("\n"), wanted, text);
    assert.doesNotMatch(problems.join("\n"), /50%|:pw/);
  }
  accepted(worldOf(remote("url: 'http://u:50%25@a/', proxy_url: 'http://corp%5Cuser:pw@proxy:1'")));
  accepted(worldOf("pushgateway: [{ url: 'http://a:9091/metrics-gateway' }]"));
});

test("what is allowed but has no effect, or shows credentials, is warned about", () => {
  const warnings = (text: string): string => accepted(worldOf(text)).warnings.join("\n");
  assert.match(
    warnings("global: { external_labels: { instance: a, job: b, team: c } }"),
    /^global\.external_labels\.job: has no effect, set global\.job instead\nglobal\.external_labels\.instance: .*$/,
  );
  assert.match(
    warnings("otlp: [{ endpoint: 'http://a:4317' }]"),
    /port 4317 is that of OTLP over gRPC; .* 4318/,
  );
  for (const secret of [
    "basic_auth: { username: a, password: hunter22 }",
    "headers: { x-api-key: a1b2c3 }",
    "",
  ]) {
    const query = secret === "" ? "?token=hunter22" : "";
    const block = (host: string): string => remote(`url: 'http://${host}/${query}', ${secret}`);
    assert.match(
      warnings(block("prometheus.example.com")),
      /credentials go over http:\/\/ in clear text/,
      secret,
    );
    for (const host of [
      "localhost",
      "10.1.2.3",
      "192.168.1.2",
      "172.20.0.1",
      "[fd00::1]",
      "nas.local",
      "prometheus",
    ])
      assert.equal(warnings(block(host)), "", host);
  }
});

test("merge keys are taken as Prometheus takes them: what a map has itself wins", () => {
  const text = [
    "remote_write:",
    "  - &one { name: one, url: 'http://a/', remote_timeout: 5s }",
    "  - { <<: *one, name: two }",
    "  - { name: three, <<: [*one, { url: 'http://b/', headers: { a: b } }] }",
  ].join("\n");
  const { remote_write: blocks } = accepted(worldOf(text)).configuration;
  assert.deepEqual(
    blocks.map(({ name, url: address }) => [name, address]),
    [
      ["one", "http://a/"],
      ["two", "http://a/"],
      ["three", "http://a/"],
    ],
  );
  assert.equal(blocks[1]?.remote_timeout, 5000);
  assert.deepEqual(Object.keys(blocks[2]?.headers ?? {}), ["a"]);
  assert.match(refused(worldOf("log: { <<: 5 }")).join("\n"), /merge key << must be given a map/);
});

test("warnings are shown beside the problems of a configuration that is refused", (context) => {
  const login = { username: "a", password: "hunter22" };
  const { code, stderr } = check(context, {
    remote_write: [
      basic("missing"),
      { url: "http://prometheus.example.com/", proxy_from_environment: false, basic_auth: login },
    ],
  });
  assert.equal(code, 78);
  assert.match(stderr, /^warning: .*remote_write\[1\]/m);
  assert.match(stderr, /remote_write\[0\]\.basic_auth\.password_file: cannot read/);
});
