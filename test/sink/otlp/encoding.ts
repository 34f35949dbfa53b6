/** Batches through the OTLP sink's encoders in both forms. */
import assert from "node:assert/strict";
import { otlpSchema } from "../../../src/sink/otlp/schema.ts";
import { createOtlpSink } from "../../../src/sink/otlp/sink.ts";
import type { Batch, Sink } from "../../../src/sink/sink.ts";
import { encodeAlone } from "../../support/encoded.ts";
import { deadClient } from "../remote-write/clients.ts";
import { decodeJson, decodeProtobuf, metricsOf, type MetricMessage } from "./messages.ts";

export const identity = { job: "j", instance: "i", externalLabels: { team: "platform", core: "loses" } };
const host = { name: "mac.test", id: "uuid", arch: "arm64", osVersion: "15.1", model: "Mac16,10" };

export function sink(settings: object = {}, external: Readonly<Record<string, string>> = {}): Sink {
  const parsed = otlpSchema.parse({ endpoint: "http://receiver.test", compression: "none", ...settings });
  const world = {
    client: deadClient,
    identity: { ...identity, externalLabels: external },
    host,
    version: "1.2.3",
    startedAt: 0,
  };
  return createOtlpSink(parsed, world);
}

/** Decoded metrics of a batch in both encodings, which must agree. */
export function metrics(batch: Batch, settings: object = {}, external = {}): readonly MetricMessage[] {
  const json = encodeAlone(sink({ encoding: "json", ...settings }, external), batch, "json");
  const binary = encodeAlone(sink(settings, external), batch, "protobuf");
  if (json === undefined || binary === undefined) {
    assert.equal(json, binary);
    return [];
  }
  const found = metricsOf(decodeProtobuf(binary.bytes));
  assert.deepEqual(found, metricsOf(decodeJson(json.bytes)));
  assert.deepEqual([json.samples, json.marks, json.dropped], [binary.samples, binary.marks, binary.dropped]);
  return found;
}
