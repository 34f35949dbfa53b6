/** Owns which sinks a configuration may name: a new sink is one line in each table. */
import * as z from "zod";
import type { Plain } from "./field.ts";
import { otlpSchema, unsupportedKeys as unsupportedOtlp } from "../sink/otlp/schema.ts";
import { pushgatewaySchema, unsupportedKeys as unsupportedPushgateway } from "../sink/pushgateway/schema.ts";
import { remoteWriteSchema, unsupportedKeys as unsupportedRemoteWrite } from "../sink/remote-write/schema.ts";

/** Section name → the schema of its list of blocks. */
export const sinkSections = {
  remote_write: z.array(remoteWriteSchema).default([]).describe("Prometheus remote write receivers"),
  otlp: z.array(otlpSchema).default([]).describe("OpenTelemetry collectors, by OTLP over HTTP"),
  pushgateway: z
    .array(pushgatewaySchema)
    .default([])
    .describe(
      "Prometheus Pushgateways: the latest values only; remote_write or otlp is the better choice for hosts",
    ),
};

/** Keys that Prometheus has and this agent lacks, as dotted paths within one block: "not supported" instead of "unknown". */
export const unsupportedSinkKeys: Readonly<Record<string, readonly string[]>> = {
  remote_write: unsupportedRemoteWrite,
  otlp: unsupportedOtlp,
  pushgateway: unsupportedPushgateway,
};

/** What a block of `config example` sets; everything else comes from the schema. */
export const sinkExamples: Readonly<Record<string, Readonly<Record<string, Plain>>>> = {
  remote_write: { url: "https://prometheus.example/api/v1/write" },
  otlp: { endpoint: "http://collector.example:4318" },
  pushgateway: { url: "http://pushgateway.example:9091" },
};
