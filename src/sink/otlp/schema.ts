/** The schema of one `otlp` block of the configuration. */
import * as z from "zod";
import { type Frozen, durationSetting } from "../../runtime/setting.ts";
import { checkHttp, httpFields, receiverUrl } from "../../runtime/http/schema.ts";
import { queueConfigSchema, sinkName } from "../schema.ts";

const otlpShape = () =>
  z.strictObject({
    endpoint: receiverUrl()
      .exactOptional()
      .describe("Base address of an OTLP/HTTP receiver; /v1/metrics is appended")
      .meta({ examples: ["http://collector.example:4318"] }),
    metrics_endpoint: receiverUrl()
      .exactOptional()
      .describe("Full address for metrics, used as it is instead of endpoint")
      .meta({ examples: ["http://victoria.example:8428/opentelemetry/v1/metrics"] }),
    name: sinkName(),
    encoding: z
      .enum(["protobuf", "json"])
      .default("protobuf")
      .describe("Encoding of the requests; not every receiver reads json"),
    compression: z.enum(["gzip", "none"]).default("gzip").describe("Compression of the requests"),
    temporality: z
      .enum(["cumulative", "delta", "lowmemory"])
      .default("cumulative")
      .describe(
        "Whether counters are sent as totals or as changes since the last point; lowmemory sends only histograms as changes",
      ),
    timeout: durationSetting()
      .prefault("10s")
      .describe("Time limit for one request, from connecting to the last byte"),
    resource_attributes: z
      .record(z.string().min(1), z.string())
      .default({})
      .describe("Resource attributes added to the agent's own, or in place of them")
      .meta({ examples: [{ "deployment.environment.name": "office" }] }),
    queue_config: queueConfigSchema({ default: 5000, most: 10_000 })
      .prefault({})
      .describe("Batches and retries"),
    ...httpFields(),
  });

/** Built only when such a block is configured. */
export const otlpSchema = z.lazy(() => otlpShape().superRefine(checkHttp).superRefine(checkEndpoint));

export type OtlpSettings = Frozen<z.output<ReturnType<typeof otlpShape>>>;

/** Keys of the Collector's otlphttp exporter that this agent lacks, as dotted paths: "not supported" instead of "unknown". */
export const unsupportedKeys: readonly string[] = [
  "auth",
  "compression_params",
  "disable_keep_alives",
  "http2_ping_timeout",
  "http2_read_idle_timeout",
  "idle_conn_timeout",
  "logs_endpoint",
  "max_conns_per_host",
  "max_idle_conns",
  "profiles_endpoint",
  "read_buffer_size",
  "retry_on_failure",
  "sending_queue",
  "tls",
  "traces_endpoint",
  "write_buffer_size",
];

function checkEndpoint(
  { endpoint, metrics_endpoint: full }: Pick<OtlpSettings, "endpoint" | "metrics_endpoint">,
  context: z.RefinementCtx,
): void {
  if ((endpoint === undefined) === (full === undefined))
    context.addIssue({
      code: "custom",
      path: [full === undefined ? "endpoint" : "metrics_endpoint"],
      message: "must be given as exactly one of endpoint and metrics_endpoint",
    });
  if (endpoint !== undefined && /\/v1\/metrics\/?$/.test(URL.parse(endpoint)?.pathname ?? ""))
    context.addIssue({
      code: "custom",
      path: ["endpoint"],
      message: "must not end with /v1/metrics, which is appended: use metrics_endpoint for a full address",
    });
}
