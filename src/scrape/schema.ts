/** The schema of one `scrape_configs` block: Prometheus' names and defaults, so that a block can be pasted. */
import * as z from "zod";
import { type Frozen, durationSetting, sizeSetting } from "../runtime/setting.ts";
import { checkHttp, httpFields, unsupportedHttpKeys } from "../runtime/http/schema.ts";
import { defaultSampleLimit } from "./labels.ts";
import { defaultTargetLimit } from "./targets.ts";
import { mostRules, relabelRuleSchema } from "../sink/relabel/schema.ts";

/** Of an answer, unpacked, where the block does not say. */
const defaultBodyLimit = "16MB";

/** What can be read, by Prometheus' names; PrometheusProto is not among them. */
const protocols = [
  "PrometheusText0.0.4",
  "PrometheusText1.0.0",
  "OpenMetricsText0.0.1",
  "OpenMetricsText1.0.0",
] as const;
export type ScrapeProtocol = (typeof protocols)[number];

const interval = () =>
  durationSetting().refine((ms) => ms >= 100 && ms <= 86_400_000, "must be between 100ms and 24h");

const limit = (what: string) => z.int().min(0).default(0).describe(`Most ${what}`);

/** `host:port`, where Prometheus wants no scheme and no path either. */
const address = () =>
  z
    .string()
    .min(1)
    .refine((text) => !/[/\s]/.test(text), "must be host:port, without a scheme or a path");

const labels = () =>
  z.record(
    z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/, "must be a label name: letters, digits and _"),
    z.string(),
  );

const staticConfig = () =>
  z.strictObject({
    targets: z.array(address()).default([]).describe("Addresses as host:port"),
    labels: labels().default({}).describe("Labels of all these targets"),
  });

const fileConfig = () =>
  z.strictObject({
    files: z
      .array(
        z
          .string()
          .regex(
            /^[^*]*(?:\*[^/]*)?\.(?:json|yml|yaml)$/,
            "must be a .json, .yml or .yaml file; * may stand for a part of the last name",
          ),
      )
      .min(1)
      .describe("Files that list targets, as Prometheus' file_sd; * may stand for a part of the last name"),
    refresh_interval: durationSetting()
      .refine((ms) => ms >= 1000, "must be at least 1s")
      .prefault("5m")
      .describe("Time between two looks at the files"),
  });

const limits = () => ({
  sample_limit: limit(
    `samples of a scrape after metric_relabel_configs, ${defaultSampleLimit} where it is 0`,
  ),
  target_limit: limit(`targets of this block, ${defaultTargetLimit} where it is 0`),
  label_limit: limit("labels of a series; 0 is no limit"),
  label_name_length_limit: limit("characters of a label's name; 0 is no limit"),
  label_value_length_limit: limit("characters of a label's value; 0 is no limit"),
  body_size_limit: sizeSetting()
    .transform((bytes) => (bytes === 0 ? 16 * 2 ** 20 : bytes))
    .prefault(defaultBodyLimit)
    .describe("Largest answer, unpacked; 0 is 16MB"),
});

const scrapeShape = () =>
  z.strictObject({
    job_name: z.string().min(1).describe("Value of the job label, unique among the blocks"),
    scrape_interval: interval()
      .exactOptional()
      .describe("Time between two scrapes; global.scrape_interval by default"),
    scrape_timeout: interval()
      .exactOptional()
      .describe("Time limit of a scrape; global.scrape_timeout, or the interval where that is shorter"),
    metrics_path: z.string().default("/metrics").describe("Path of the metrics"),
    scheme: z.enum(["http", "https"]).default("http").describe("Protocol of the targets"),
    params: z
      .record(z.string().min(1), z.array(z.string().meta({ writeOnly: true })))
      .default({})
      .describe("Parameters of the address, each with a list of values, which are never printed"),
    honor_labels: z
      .boolean()
      .default(false)
      .describe("Let a target's own labels win over job, instance and those set here"),
    honor_timestamps: z.boolean().default(true).describe("Keep timestamps that a target writes"),
    enable_compression: z.boolean().default(true).describe("Ask for gzip"),
    follow_redirects: z.boolean().default(true).describe("Follow redirects"),
    scrape_protocols: z
      .array(z.enum(protocols))
      .min(1)
      .default(["OpenMetricsText1.0.0", "OpenMetricsText0.0.1", "PrometheusText1.0.0", "PrometheusText0.0.4"])
      .describe("Formats to ask for, the favoured one first"),
    fallback_scrape_protocol: z
      .enum(protocols)
      .exactOptional()
      .describe("Format of an answer whose content type says none"),
    static_configs: z.array(staticConfig()).default([]).describe("Targets by address"),
    file_sd_configs: z
      .array(fileConfig())
      .default([])
      .describe("Targets from files, read again when they change"),
    relabel_configs: z
      .array(relabelRuleSchema)
      .max(mostRules)
      .default([])
      .describe("Relabelling of targets: __address__, __scheme__, __metrics_path__, __param_NAME"),
    metric_relabel_configs: z
      .array(relabelRuleSchema)
      .max(mostRules)
      .default([])
      .describe("Relabelling of what a target reports"),
    ...limits(),
    ...httpFields(),
  });

/** Built only when such a block is configured. */
export const scrapeConfigSchema = z.lazy(() =>
  scrapeShape()
    .superRefine(checkHttp)
    .superRefine(({ scrape_interval: every, scrape_timeout: most }, context) => {
      if (every !== undefined && most !== undefined && most > every)
        context.addIssue({
          code: "custom",
          path: ["scrape_timeout"],
          message: "must not be longer than scrape_interval",
        });
    }),
);

export type ScrapeConfig = Frozen<z.output<typeof scrapeConfigSchema>>;

/** Other ways of Prometheus to find targets. */
const otherDiscoveries = [
  ...["aws", "azure", "consul", "digitalocean", "dns", "docker", "dockerswarm", "ec2", "eureka", "gce"],
  ...["hetzner", "http", "ionos", "kubernetes", "kuma", "lightsail", "linode", "marathon", "nerve"],
  ...["nomad", "openstack", "ovhcloud", "puppetdb", "scaleway", "serverset", "stackit", "triton", "uyuni"],
  ...["vultr"],
].map((name) => `${name}_sd_configs`);

/** Keys of Prometheus' block that may stay in a block that is pasted, and what holds instead of them. */
export const ignoredKeys: Readonly<Record<string, string>> = {
  always_scrape_classic_histograms: "histograms are always read in their classic form",
  enable_http2: "requests go by HTTP/1.1",
  keep_dropped_targets: "targets that relabel_configs drop are not listed",
  scrape_classic_histograms: "histograms are always read in their classic form",
  track_timestamps_staleness: "samples with timestamps of their own end without a mark",
};

/** Keys of Prometheus' block that this agent lacks, as dotted paths: "not supported" instead of "unknown". */
export const unsupportedKeys: readonly string[] = [
  ...unsupportedHttpKeys,
  ...otherDiscoveries,
  "convert_classic_histograms_to_nhcb",
  "extra_scrape_metrics",
  "metric_name_escaping_scheme",
  "metric_name_validation_scheme",
  "native_histogram_bucket_limit",
  "native_histogram_min_bucket_factor",
  "sample_age_limit",
  "scrape_failure_log_file",
  "scrape_native_histograms",
];
