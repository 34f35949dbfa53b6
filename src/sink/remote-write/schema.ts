/** The schema of one `remote_write` block of the configuration: Prometheus' names, so that a block can be pasted. */
import * as z from "zod";
import { type Frozen, durationSetting } from "../../runtime/setting.ts";
import { checkHttp, httpFields, receiverUrl, unsupportedHttpKeys } from "../../runtime/http/schema.ts";
import { queueConfigSchema, sinkName } from "../schema.ts";
import { mostRules, relabelRuleSchema } from "../relabel/schema.ts";

const remoteWriteQueue = () =>
  queueConfigSchema({ default: 2000, most: 2000 }).extend({
    retry_on_http_429: z
      .boolean()
      .default(true)
      .describe("Send again what the receiver answered with 429, instead of dropping it"),
  });

const remoteWriteShape = () =>
  z.strictObject({
    url: receiverUrl().describe("Where to send, for example https://prometheus.example/api/v1/write"),
    name: sinkName(),
    protobuf_message: z
      .enum(["auto", "prometheus.WriteRequest", "io.prometheus.write.v2.Request"])
      .default("auto")
      .describe("Remote write 1 or 2; auto tries 2 and falls back to 1"),
    remote_timeout: durationSetting()
      .prefault("30s")
      .describe("Time limit for one request, from connecting to the last byte"),
    write_relabel_configs: z
      .array(relabelRuleSchema)
      .max(mostRules)
      .default([])
      .describe("Relabelling of every series before it is sent"),
    queue_config: remoteWriteQueue().prefault({}).describe("Batches and retries"),
    ...httpFields(),
  });

/** Built only when such a block is configured. */
export const remoteWriteSchema = z.lazy(() => remoteWriteShape().superRefine(checkHttp));

export type RemoteWriteSettings = Frozen<z.output<typeof remoteWriteSchema>>;

/** Keys of Prometheus' block that may stay in a block that is pasted, and what holds instead of them. */
export const ignoredKeys: Readonly<Record<string, string>> = {
  enable_http2: "requests go by HTTP/1.1",
  follow_redirects: "a redirect is never followed: the samples wait, and the log says where it points",
  metadata_config: "version 2 has metadata beside each series, version 1 has none",
  "queue_config.capacity": "the journal is the queue",
  "queue_config.max_shards": "there is one request at a time",
  "queue_config.min_shards": "there is one request at a time",
  round_robin_dns: "a name is looked up again for each new connection",
  send_exemplars: "there are none to send",
  send_native_histograms: "there are none to send",
};

/** Keys of Prometheus' block that this agent lacks, as dotted paths: "not supported" instead of "unknown". */
export const unsupportedKeys: readonly string[] = [...unsupportedHttpKeys, "azuread", "google_iam", "sigv4"];
