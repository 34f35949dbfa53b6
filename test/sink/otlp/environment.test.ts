/** OTEL_* variables as a block of the configuration. */
import assert from "node:assert/strict";
import test from "node:test";
import { otlpFromEnvironment } from "../../../src/sink/otlp/environment.ts";

const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://c.test:4318" };

/** `path=value` of the block. */
function block(env: Readonly<Record<string, string>>): readonly string[] {
  return otlpFromEnvironment(env).block.map(({ path, value }) => `${path.join("/")}=${value}`);
}

test("without an endpoint there is no block, whatever else is set", () => {
  const env = {
    OTEL_EXPORTER_OTLP_HEADERS: "a=b",
    OTEL_EXPORTER_OTLP_PROTOCOL: "grpc",
    OTEL_EXPORTER_OTLP_ENDPOINT: " ",
  };
  assert.deepEqual(otlpFromEnvironment(env), { block: [], resource: [], problems: [] });
});

test("the SDK's own switches keep the block away", () => {
  for (const off of [{ OTEL_SDK_DISABLED: "true" }, { OTEL_METRICS_EXPORTER: "none" }])
    assert.deepEqual(block({ ...endpoint, ...off }), []);
  for (const on of [{ OTEL_SDK_DISABLED: "false" }, { OTEL_METRICS_EXPORTER: "console, otlp" }])
    assert.equal(block({ ...endpoint, ...on }).length, 1);
});

test("each variable has its key, and the one for metrics wins", () => {
  const env = {
    ...endpoint,
    OTEL_EXPORTER_OTLP_HEADERS: "X-Tenant=general, Authorization=Bearer%20t%3D1",
    OTEL_EXPORTER_OTLP_METRICS_HEADERS: "x-tenant=metrics",
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: "http/protobuf",
    OTEL_EXPORTER_OTLP_COMPRESSION: "none",
    OTEL_EXPORTER_OTLP_TIMEOUT: "2500",
    OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: "DELTA",
    OTEL_EXPORTER_OTLP_CERTIFICATE: "/ca.pem",
    OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: "/cert.pem",
    OTEL_EXPORTER_OTLP_CLIENT_KEY: "/key.pem",
  };
  assert.deepEqual(block(env), [
    "endpoint=http://c.test:4318",
    "headers/x-tenant=metrics",
    "headers/authorization=Bearer t=1",
    "encoding=protobuf",
    "compression=none",
    "temporality=delta",
    "timeout=2500ms",
    "tls_config/ca_file=/ca.pem",
    "tls_config/cert_file=/cert.pem",
    "tls_config/key_file=/key.pem",
  ]);
  assert.deepEqual(otlpFromEnvironment(env).problems, []);
});

test("an endpoint for metrics is used as it is, instead of the one for all signals", () => {
  const env = { ...endpoint, OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: "http://m.test/in" };
  assert.deepEqual(block(env), ["metrics_endpoint=http://m.test/in"]);
});

test("the resource is told without an endpoint too, and the service's own variable wins", () => {
  const env = {
    OTEL_RESOURCE_ATTRIBUTES: "service.name=a,deployment.environment.name=home%20office",
    OTEL_SERVICE_NAME: "b",
  };
  assert.deepEqual(otlpFromEnvironment(env).resource, [
    { variable: "OTEL_SERVICE_NAME", path: ["resource_attributes", "service.name"], value: "b" },
    {
      variable: "OTEL_RESOURCE_ATTRIBUTES",
      path: ["resource_attributes", "deployment.environment.name"],
      value: "home office",
    },
  ]);
});

test("everything wrong is told at once, under its variable, and no header's value with it", () => {
  const { problems, block: settings } = otlpFromEnvironment({
    ...endpoint,
    OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: "grpc",
    OTEL_EXPORTER_OTLP_COMPRESSION: "zstd",
    OTEL_EXPORTER_OTLP_TIMEOUT: "10s",
    OTEL_EXPORTER_OTLP_HEADERS: "hunter2,ok=yes,broken=%E0",
    OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: "constructor",
  });
  assert.deepEqual(
    problems.map(({ variable, message }) => `${variable} ${message}`),
    [
      "OTEL_EXPORTER_OTLP_HEADERS must be a list such as key=value,key=value, percent-encoded",
      "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL grpc is not supported: use http/protobuf",
      'OTEL_EXPORTER_OTLP_COMPRESSION must be one of gzip, none, got "zstd"',
      'OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE must be one of cumulative, delta, lowmemory, got "constructor"',
      'OTEL_EXPORTER_OTLP_TIMEOUT must be a whole number of milliseconds, got "10s"',
    ],
  );
  assert.deepEqual(
    settings.map(({ path }) => path.join("/")),
    ["endpoint", "headers/ok"],
  );
});
