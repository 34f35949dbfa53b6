/** Which sinks a configuration may name: a new sink is one line in each table. Targets to scrape stand in the tables about blocks, too. */
import * as z from "zod";
import type { Plain } from "./field.ts";
import { uniqueBy } from "./unique.ts";
import { ignoredKeys as ignoredScrape, unsupportedKeys as unsupportedScrape } from "../scrape/schema.ts";
import { otlpSchema, unsupportedKeys as unsupportedOtlp } from "../sink/otlp/schema.ts";
import { pushgatewaySchema, unsupportedKeys as unsupportedPushgateway } from "../sink/pushgateway/schema.ts";
import {
  ignoredKeys as ignoredRemoteWrite,
  remoteWriteSchema,
  unsupportedKeys as unsupportedRemoteWrite,
} from "../sink/remote-write/schema.ts";

/** A name is the key of a block's backlog. */
const uniqueNames = uniqueBy("name");

/** Section name → the schema of its list of blocks. */
export const sinkSections = {
  remote_write: z
    .array(remoteWriteSchema)
    .superRefine(uniqueNames)
    .default([])
    .describe("Prometheus remote write receivers"),
  otlp: z
    .array(otlpSchema)
    .superRefine(uniqueNames)
    .default([])
    .describe("OpenTelemetry collectors, by OTLP over HTTP"),
  pushgateway: z
    .array(pushgatewaySchema)
    .superRefine(uniqueNames)
    .default([])
    .describe(
      "Prometheus Pushgateways: the latest values only; remote_write or otlp is the better choice for hosts",
    ),
};

/** Keys that Prometheus has and this agent lacks, as dotted paths within one block: "not supported" instead of "unknown". */
export const unsupportedKeys: Readonly<Record<string, readonly string[]>> = {
  scrape_configs: unsupportedScrape,
  remote_write: unsupportedRemoteWrite,
  otlp: unsupportedOtlp,
  pushgateway: unsupportedPushgateway,
};

/** Keys of Prometheus that do no harm, by section and dotted path: a warning each, which says what holds instead. */
export const ignoredKeys: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  scrape_configs: ignoredScrape,
  remote_write: ignoredRemoteWrite,
};

/** What to use instead of a key that is not supported, whatever its section. */
export const insteadOf: Readonly<Record<string, string>> = {
  azuread: "for Entra ID set oauth2",
  bearer_token: "set authorization.credentials",
  bearer_token_file: "set authorization.credentials_file",
  google_iam: "let a proxy sign in front of the receiver, and put its address here",
  http_headers: "set headers",
  sigv4: "let a proxy sign in front of the receiver (AWS has aws-sigv4-proxy), and put its address here",
};

/** What a block of `config example` sets; everything else comes from the schema. */
export const blockExamples: Readonly<Record<string, Readonly<Record<string, Plain>>>> = {
  scrape_configs: { job_name: "node", static_configs: [{ targets: ["127.0.0.1:9100"] }] },
  remote_write: { url: "https://prometheus.example/api/v1/write" },
  otlp: { endpoint: "http://collector.example:4318" },
  pushgateway: { url: "http://pushgateway.example:9091" },
};
