/** The protocols as the conformance suite sees them: how to open each, and how to read what it sends. */
import { gunzipSync } from "node:zlib";
import { pushgatewaySchema } from "../../src/sink/pushgateway/schema.ts";
import { createPushgatewaySink } from "../../src/sink/pushgateway/sink.ts";
import { otlpSchema } from "../../src/sink/otlp/schema.ts";
import { createOtlpSink } from "../../src/sink/otlp/sink.ts";
import { version1, version2 } from "../../src/sink/remote-write/classify.ts";
import { remoteWriteSchema } from "../../src/sink/remote-write/schema.ts";
import { createRemoteWriteSink } from "../../src/sink/remote-write/sink.ts";
import { decodeJson, decodeProtobuf, metricsOf } from "../sink/otlp/messages.ts";
import { written } from "../sink/remote-write/clients.ts";
import { decodeV1, decodeV2, type DecodedSeries } from "../sink/remote-write/messages.ts";
import type { Subject } from "./sink.ts";
import { status } from "./receiver.ts";

const world = {
  identity: { job: "j", instance: "i", externalLabels: {} },
  host: {},
  version: "0.0.0",
  startedAt: 0,
};
const timeout = "30s";

function remoteWrite(
  name: string,
  message: string,
  decode: (block: Uint8Array) => readonly DecodedSeries[],
): Subject {
  return {
    name,
    open(origin, credentials, createClient) {
      const url = `${origin}/api/v1/write`;
      const settings = remoteWriteSchema.parse({
        url,
        protobuf_message: message,
        remote_timeout: timeout,
        ...credentials,
      });
      return createRemoteWriteSink(settings, { ...world, client: createClient(settings) });
    },
    read: (body) =>
      decode(new Uint8Array(body)).flatMap(({ samples }) => samples.map(({ value }) => doubleOf(value))),
    success: (values) => status(204, written(values.length)),
    serverError: "again",
    excused: {},
  };
}

function doubleOf(bits: bigint): number {
  return new Float64Array(BigUint64Array.of(bits).buffer)[0] ?? NaN;
}

function otlp(encoding: "protobuf" | "json"): Subject {
  const decode = encoding === "json" ? decodeJson : decodeProtobuf;
  return {
    name: `OTLP as ${encoding}`,
    open(origin, credentials, createClient) {
      const settings = otlpSchema.parse({ endpoint: origin, encoding, timeout, ...credentials });
      return createOtlpSink(settings, { ...world, client: createClient(settings) });
    },
    read: (body) =>
      metricsOf(decode(new Uint8Array(gunzipSync(body)))).flatMap(({ gauge }) =>
        (gauge?.dataPoints ?? []).map(({ asDouble }) => asDouble ?? NaN),
      ),
    success: () => status(200),
    serverError: "dropped",
    excused: {},
  };
}

export const pushgateway: Subject = {
  name: "Pushgateway",
  open(origin, credentials, createClient) {
    const settings = pushgatewaySchema.parse({ url: origin, timeout, ...credentials });
    return createPushgatewaySink(settings, { ...world, client: createClient(settings) });
  },
  read: (body) => [...body.toString().matchAll(/^test_\S+ (\S+)$/gm)].map(([, value]) => Number(value)),
  success: () => status(200),
  serverError: "again",
  excused: {
    tooLarge: "a push replaces the group as a whole, so it can't go in parts",
    caution: "it has no history: what it refuses, the next push replaces",
    restart: "it has no history: after a restart the next samples are the latest",
  },
};

export const remoteWrite1 = remoteWrite("remote write 1", version1, decodeV1);
export const remoteWrite2 = remoteWrite("remote write 2", version2, decodeV2);
export const otlpProtobuf = otlp("protobuf");
export const otlpJson = otlp("json");
