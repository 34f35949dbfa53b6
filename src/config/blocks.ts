/** The lists of blocks in a configuration: sinks, of which a new one is one line in each table, and targets to scrape. */
import * as z from "zod";
import {
  ignoredKeys as ignoredScrape,
  scrapeConfigSchema,
  unsupportedKeys as unsupportedScrape,
} from "../scrape/schema.ts";
import { otlpSchema, unsupportedKeys as unsupportedOtlp } from "../sink/otlp/schema.ts";
import { pushgatewaySchema, unsupportedKeys as unsupportedPushgateway } from "../sink/pushgateway/schema.ts";
import {
  ignoredKeys as ignoredRemoteWrite,
  remoteWriteSchema,
  unsupportedKeys as unsupportedRemoteWrite,
} from "../sink/remote-write/schema.ts";
import type { Plain } from "./field.ts";

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

/** The rule of lists whose blocks are known by a key, for `superRefine`: two of them must not share it; a block without the key shares it with none. */
function uniqueBy<Key extends string>(key: Key) {
  return (blocks: readonly Readonly<Partial<Record<Key, string>>>[], context: z.RefinementCtx): void => {
    const first = new Map<string, number>();
    for (const [index, block] of blocks.entries()) {
      const value = block[key];
      if (value === undefined) continue;
      const before = first.get(value);
      if (before === undefined) first.set(value, index);
      else
        context.addIssue({
          code: "custom",
          path: [index, key],
          message: `must be unique, block [${before}] has it too`,
        });
    }
  };
}

/** The section of targets whose metrics are scraped: Prometheus' `scrape_configs`. */
export const scrapeSection = z
  .array(scrapeConfigSchema)
  // A job's name is part of the name of each of its targets in the journal.
  .superRefine(uniqueBy("job_name"))
  .default([])
  .describe("Exporters on this machine whose metrics are kept and sent, too, in Prometheus' own words");
