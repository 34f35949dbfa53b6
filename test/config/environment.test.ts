/** OTEL_* variables in a configuration: below the file, above the defaults. */
import assert from "node:assert/strict";
import test from "node:test";
import { accepted, refused, world, worldOf } from "./world.ts";

const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector.test:4318" };

test("a receiver that the variables name is one block, each value under its variable", () => {
  const env = {
    ...endpoint,
    OTEL_EXPORTER_OTLP_TIMEOUT: "2500",
    OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20hunter22",
    OTEL_RESOURCE_ATTRIBUTES: "service.name=a,site=office",
  };
  const { configuration, origins, printable } = accepted(world({}, { env }));
  const [block] = configuration.otlp;
  assert.equal(configuration.otlp.length, 1);
  assert.equal(block?.endpoint, "http://collector.test:4318");
  assert.equal(block.timeout, 2500);
  assert.equal(block.headers?.["authorization"]?.reveal(), "Bearer hunter22");
  assert.deepEqual(block.resource_attributes, { "service.name": "a", site: "office" });
  assert.deepEqual(origins.get("otlp[0].timeout"), {
    kind: "environment",
    variable: "OTEL_EXPORTER_OTLP_TIMEOUT",
  });
  assert.doesNotMatch(JSON.stringify(printable), /hunter22/);
});

test("a file's blocks stand alone, but for the resource below their own attributes", () => {
  const env = { ...endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: "grpc", OTEL_SERVICE_NAME: "a" };
  const file = `
otlp:
  - endpoint: http://file.test
  - endpoint: http://other.test
    resource_attributes: { service.name: own }
`;
  const { configuration } = accepted(worldOf(file, { env }));
  assert.deepEqual(
    configuration.otlp.map(({ endpoint: to, resource_attributes: resource }) => [to, resource]),
    [
      ["http://file.test", { "service.name": "a" }],
      ["http://other.test", { "service.name": "own" }],
    ],
  );
});

test("an empty list in the file says that there shall be no receiver, whatever the machine's variables", () => {
  const env = { ...endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: "grpc", OTEL_RESOURCE_ATTRIBUTES: "broken" };
  assert.deepEqual(accepted(worldOf("otlp: []\n", { env })).configuration.otlp, []);
});

test("a job that was written is the service's name, and OpenTelemetry's variable does not change it", () => {
  const env = { ...endpoint, OTEL_SERVICE_NAME: "a", OTEL_RESOURCE_ATTRIBUTES: "site=office" };
  const [block] = accepted(worldOf("global: { job: mine }\n", { env })).configuration.otlp;
  assert.deepEqual(block?.resource_attributes, { site: "office" });
});

test("the agent's own variables win over OpenTelemetry's", () => {
  const env = {
    ...endpoint,
    OTEL_EXPORTER_OTLP_COMPRESSION: "gzip",
    MAC_POWERMETRICS_OTLP_0_COMPRESSION: "none",
  };
  const [block] = accepted(world({}, { env })).configuration.otlp;
  assert.deepEqual([block?.endpoint, block?.compression], ["http://collector.test:4318", "none"]);
});

test("what is wrong is reported under its variable", () => {
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: "collector.test:4318",
    OTEL_EXPORTER_OTLP_PROTOCOL: "grpc",
    OTEL_RESOURCE_ATTRIBUTES: "broken",
  };
  assert.deepEqual(refused(world({}, { env })), [
    "OTEL_EXPORTER_OTLP_PROTOCOL: grpc is not supported: use http/protobuf",
    "OTEL_RESOURCE_ATTRIBUTES: must be a list such as key=value,key=value, percent-encoded",
    "OTEL_EXPORTER_OTLP_ENDPOINT: otlp[0].endpoint: must be an http or https URL",
  ]);
});
