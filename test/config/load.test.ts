import test from "node:test";
import assert from "node:assert/strict";
import { accepted, refused, world, worldOf } from "./world.ts";

test("without a file the defaults are the configuration", () => {
  const { configuration, file, warnings } = accepted(world());
  assert.equal(file, undefined);
  assert.deepEqual(warnings, []);
  assert.deepEqual(configuration.global, {
    job: "mac-powermetrics",
    instance: "mac-7",
    external_labels: {},
    scrape_interval: 60_000,
    scrape_timeout: 10_000,
  });
  assert.deepEqual(configuration.scrape_configs, []);
  assert.deepEqual(configuration.sources.powermetrics, {
    enabled: true,
    interval: 10_000,
    samplers: "auto",
    command: ["/usr/bin/powermetrics"],
    tasks: { enabled: false, top: 10 },
    frequency_residency: false,
    interrupts: false,
  });
  assert.deepEqual(configuration.journal, {
    path: "/home/ada/.local/state/mac-powermetrics-agent/journal.db",
    max_size: 256 * 1024 ** 2,
    max_age: 7 * 86_400_000,
    history: 86_400_000,
    commit_interval: 10_000,
    min_free: 512 * 1024 ** 2,
  });
  assert.deepEqual(configuration.web.listen_addresses, ["127.0.0.1:9127"]);
  assert.equal(configuration.run_as, "_macagent");
  assert.deepEqual(configuration.remote_write, []);
});

test("five mistakes are five problems, each with line, column and key", () => {
  const text = [
    "sources:",
    "  powermetrics:",
    "    intervall: 10s",
    "  vm_stat: { interval: 10 }",
    "remote_write:",
    "  - url: ftp://prometheus.example",
    "log:",
    "  level: inof",
    "web:",
    "  listen_addresses: [localhost]",
  ].join("\n");
  assert.deepEqual(refused(worldOf(text)), [
    "agent.yaml:3:5: sources.powermetrics: unknown key 'intervall', did you mean 'interval'?",
    'agent.yaml:4:24: sources.vm_stat.interval: must be a duration such as 30s, 1m30s or 100ms, got "10"',
    "agent.yaml:6:10: remote_write[0].url: must be an http or https URL",
    "agent.yaml:8:10: log.level: must be debug, info, warn or error, got \"inof\", did you mean 'info'?",
    'agent.yaml:10:22: web.listen_addresses[0]: must be host:port, got "localhost"',
  ]);
});

test("samplers of a shape that none of their forms has are refused", () => {
  assert.deepEqual(refused(worldOf("sources: { powermetrics: { samplers: { a: 1 } } }")), [
    'agent.yaml:1:38: sources.powermetrics.samplers: must be "auto" or a list of sampler names',
  ]);
});

test("what Prometheus has and the agent lacks is said to be not supported", () => {
  const text =
    "remote_write:\n  - url: http://a\n    sigv4: {}\n    proxy_connect_header: {}\n    queue_config: { max_shard: 3 }\n";
  assert.deepEqual(refused(worldOf(text)), [
    "agent.yaml:3:5: remote_write[0]: key 'sigv4' is not supported: let a proxy sign in front of the receiver (AWS has aws-sigv4-proxy), and put its address here",
    "agent.yaml:4:5: remote_write[0]: key 'proxy_connect_header' is not supported",
    "agent.yaml:5:21: remote_write[0].queue_config: unknown key 'max_shard'",
  ]);
});

test("what does no harm in a block that is pasted costs one warning, which says what holds instead", () => {
  const text = `remote_write:
  - url: https://mimir.example/api/v1/push
    send_exemplars: true
    follow_redirects: true
    enable_http2: true
    metadata_config: { send: true, send_interval: 1m }
    queue_config: { capacity: 2500, max_shards: 200, min_shards: 1, max_samples_per_send: 500 }
`;
  const { configuration, warnings } = accepted(worldOf(text));
  assert.equal(configuration.remote_write[0]?.queue_config.max_samples_per_send, 500);
  assert.deepEqual(warnings, [
    "remote_write[0].send_exemplars: has no effect, there are none to send",
    "remote_write[0].follow_redirects: has no effect, a redirect is never followed: the samples wait, and the log says where it points",
    "remote_write[0].enable_http2: has no effect, requests go by HTTP/1.1",
    "remote_write[0].metadata_config: has no effect, version 2 has metadata beside each series, version 1 has none",
    "remote_write[0].queue_config.capacity: has no effect, the journal is the queue",
    "remote_write[0].queue_config.max_shards: has no effect, there is one request at a time",
    "remote_write[0].queue_config.min_shards: has no effect, there is one request at a time",
  ]);
});

test("a key that is missing is reported where its block begins", () => {
  assert.deepEqual(refused(worldOf("remote_write:\n  - name: main\n")), [
    "agent.yaml:2:5: remote_write[0].url: must be an http or https URL",
  ]);
});

test("a key twice is a problem and the first value does not win silently", () => {
  assert.deepEqual(refused(worldOf("log: { level: info }\nlog: { level: debug }\n")), [
    'agent.yaml:2:1: key must be unique, got "log" twice',
  ]);
});

test("a key without a value has its default", () => {
  const { configuration } = accepted(worldOf("log:\nremote_write:\nsources:\n  vm_stat:\n    interval:\n"));
  assert.equal(configuration.log.level, "info");
  assert.equal(configuration.sources.vm_stat.interval, 10_000);
});

test("text may be written like a number, and keeps its spelling", () => {
  const text = "global: { job: 007, external_labels: { rack: 1.50, spare: true } }";
  const { global } = accepted(worldOf(text)).configuration;
  assert.equal(global.job, "007");
  assert.deepEqual(global.external_labels, { rack: "1.50", spare: "true" });
});

test("a named file must exist, a usual one need not", () => {
  assert.deepEqual(refused(world({}, { path: "gone.yaml" })), ["gone.yaml: cannot read file: no such file"]);
  const env = { MAC_POWERMETRICS_CONFIG: "/etc/gone.yaml" };
  assert.deepEqual(refused(world({}, { env })), ["/etc/gone.yaml: cannot read file: no such file"]);
});

test("a usual file that can't be read is a problem, not a reason to run without it", () => {
  const readFile = (): never => {
    throw Object.assign(new Error("denied"), { code: "EACCES" });
  };
  const [problem] = refused(world({}, { readFile }));
  assert.match(problem ?? "", /agent\.yaml: cannot read file: permission denied$/);
});

test("an agent that gave up root says how to make a configuration readable that it may not read again", () => {
  const readFile = (): never => {
    throw Object.assign(new Error("denied"), { code: "EACCES" });
  };
  const [problem] = refused(world({}, { readFile, uid: 0, path: "/etc/agent.yaml" }));
  assert.equal(
    problem,
    "/etc/agent.yaml: cannot read file: permission denied; " +
      "run sudo chown root:_macagent '/etc/agent.yaml' && sudo chmod 640 '/etc/agent.yaml'",
  );
});

test("the flag names the file before the variable, and both before the usual places", () => {
  const files = {
    "/flag.yaml": "global: { job: flag }",
    "/variable.yaml": "global: { job: variable }",
    "/Library/Application Support/mac-powermetrics-agent/agent.yaml": "global: { job: system }",
    "/home/ada/.config/mac-powermetrics-agent/agent.yaml": "global: { job: own }",
  };
  const env = { MAC_POWERMETRICS_CONFIG: "/variable.yaml" };
  const { "/Library/Application Support/mac-powermetrics-agent/agent.yaml": _system, ...withoutSystem } =
    files;
  assert.equal(accepted(world(files, { path: "/flag.yaml", env })).configuration.global.job, "flag");
  assert.equal(accepted(world(files, { env })).configuration.global.job, "variable");
  assert.equal(accepted(world(files)).configuration.global.job, "system");
  assert.equal(accepted(world(withoutSystem)).configuration.global.job, "own");
});

test("the journal lies in the agent's own folder on each system", () => {
  const path = (changes: Parameters<typeof world>[1]): string =>
    accepted(world({}, changes)).configuration.journal.path;
  const folder = "/Library/Application Support/mac-powermetrics-agent";
  assert.equal(path({ platform: "darwin", uid: 0 }), `${folder}/state/journal.db`);
  assert.equal(path({ platform: "darwin", home: "/Users/ada" }), `/Users/ada${folder}/journal.db`);
  assert.equal(path({ env: { XDG_STATE_HOME: "/state" } }), "/state/mac-powermetrics-agent/journal.db");
  assert.equal(path({ env: { STATE_DIRECTORY: "/var/lib/agent" } }), "/var/lib/agent/journal.db");
});

test("a relative path starts at the file's folder, one from a variable at the working directory", () => {
  const text = "journal: { path: state/j.db }\nlog: { file: ~/agent.log }\nweb: { config_file: web.yaml }\n";
  const { configuration } = accepted(
    world(
      { "/etc/agent/a.yaml": text },
      { path: "/etc/agent/a.yaml", env: { MAC_POWERMETRICS_WEB_CONFIG_FILE: "w.yaml" } },
    ),
  );
  assert.equal(configuration.journal.path, "/etc/agent/state/j.db");
  assert.equal(configuration.log.file, "/home/ada/agent.log");
  assert.equal(configuration.web.config_file, "/work/w.yaml");
});

test("a reference to the host name in the file is the host name", () => {
  assert.equal(
    accepted(worldOf("global: { instance: 'x-${HOST}' }")).configuration.global.instance,
    "x-mac-7",
  );
});

test("an exported HOST does not rename an instance that was left to its default", () => {
  assert.equal(accepted(world({}, { env: { HOST: "cafe" } })).configuration.global.instance, "mac-7");
});

test("what is allowed but hardly meant is a warning", () => {
  const text = [
    "web: { listen_addresses: ['127.0.0.1:1', '[::1]:1', ':9127', '10.0.0.1:80'] }",
    "remote_write:",
    "  - url: https://a",
    "    basic_auth: { username: a, password: pw1234 }",
    "    tls_config: { insecure_skip_verify: true }",
    "  - url: https://b",
    "    basic_auth: { username: b, password_file: pw }",
  ].join("\n");
  const { warnings } = accepted(worldOf(text, { secretFileWarning: (path) => `${path} is open` }));
  assert.deepEqual(warnings, [
    "remote_write[0].basic_auth.password: agent.yaml is open",
    "remote_write[0].tls_config.insecure_skip_verify: any server is believed, set ca_file instead",
    "remote_write[1].basic_auth.password_file: /work/pw is open",
    "web.listen_addresses: :9127 can be reached from the network without authentication: set web.config_file with basic_auth_users or client certificates, or listen on 127.0.0.1",
    "web.listen_addresses: 10.0.0.1:80 can be reached from the network without authentication: set web.config_file with basic_auth_users or client certificates, or listen on 127.0.0.1",
  ]);
});

test("two blocks of a section must not share a name, two without one may share an address", () => {
  const block = (url: string, name?: string): string =>
    `  - url: ${url}\n${name === undefined ? "" : `    name: ${name}\n`}`;
  const both = (name?: string): string =>
    `remote_write:\n${block("http://a/write", name)}${block("http://a/write", name)}`;
  assert.equal(accepted(worldOf(both())).configuration.remote_write.length, 2);
  const [problem, ...more] = refused(worldOf(both("team")));
  assert.match(
    problem ?? "",
    /^agent\.yaml:5:\d+: remote_write\[1\]\.name: must be unique, block \[0\] has it too/,
  );
  assert.deepEqual(more, []);
});
