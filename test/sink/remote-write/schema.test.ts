/** One block of the configuration: Prometheus' names and defaults. */
import assert from "node:assert/strict";
import test from "node:test";
import { remoteWriteSchema, unsupportedKeys, ignoredKeys } from "../../../src/sink/remote-write/schema.ts";

const url = "https://prometheus.example/api/v1/write";

test("a URL alone is a whole block, with the documented defaults", () => {
  assert.deepEqual(remoteWriteSchema.parse({ url }), {
    url,
    protobuf_message: "auto",
    remote_timeout: 30_000,
    write_relabel_configs: [],
    queue_config: {
      max_samples_per_send: 2000,
      batch_send_deadline: 5000,
      min_backoff: 100,
      max_backoff: 30_000,
      retry_on_http_429: true,
      drain_rate: 20_000,
      sample_age_limit: 0,
    },
  });
});

test("a pasted Prometheus block is understood", () => {
  const block = remoteWriteSchema.parse({
    url,
    name: "central",
    remote_timeout: "1m30s",
    headers: { "X-Scope-OrgID": "team" },
    basic_auth: { username: "u", password_file: "/etc/password" },
    tls_config: { ca_file: "/etc/ca.pem" },
    write_relabel_configs: [{ source_labels: ["__name__"], regex: "vmstat_.*", action: "drop" }],
    queue_config: { max_samples_per_send: 500, batch_send_deadline: "10s" },
  });
  assert.equal(block.name, "central");
  assert.equal(block.remote_timeout, 90_000);
  assert.equal(block.queue_config.max_samples_per_send, 500);
  assert.equal(block.write_relabel_configs[0]?.action, "drop");
});

test("everything wrong with a block is told at once, each at its key", () => {
  const { error } = remoteWriteSchema.safeParse({
    url: "ftp://example",
    name: "",
    remote_timeout: "soon",
    protobuf_message: "json",
    queue_config: { max_samples_per_send: 5000 },
    write_relabel_configs: [{ regex: "a".repeat(70_000), target_label: "b" }],
    basic_auth: { username: "u" },
  });
  assert.deepEqual(error?.issues.map(({ path }) => path.join(".")).sort(), [
    "basic_auth",
    "name",
    "protobuf_message",
    "queue_config.max_samples_per_send",
    "remote_timeout",
    "url",
    "write_relabel_configs.0.regex",
  ]);
});

test("no key is both supported and listed as not supported or without effect", () => {
  for (const key of [...unsupportedKeys, ...Object.keys(ignoredKeys)]) {
    const [first = "", second] = key.split(".");
    const block = second === undefined ? { [first]: {} } : { [first]: { [second]: {} } };
    const { error } = remoteWriteSchema.safeParse({ url, ...block });
    const unknown = error?.issues.flatMap((issue) => (issue.code === "unrecognized_keys" ? issue.keys : []));
    assert.deepEqual(unknown, [second ?? first]);
  }
});
