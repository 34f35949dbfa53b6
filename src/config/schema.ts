/** The schema of the configuration: every key with its rule, its default and the sentence that explains it. */
import * as z from "zod";
import { parseAddress } from "../runtime/address.ts";
import { type Frozen, durationSetting, sizeSetting } from "../runtime/setting.ts";
import { scrapeSection, sinkSections } from "./blocks.ts";

const globalSchema = z.strictObject({
  job: z
    .string()
    .min(1)
    .default("mac-powermetrics")
    .describe("Value of the job label on every series, and OpenTelemetry's service.name"),
  instance: z
    .string()
    .min(1)
    .default("${HOST}")
    .describe(
      "Value of the instance label on every series; ${HOST} is the Mac's host name, kept from the first start on, but never one that many Macs have, like Mac.lan; ${SERIAL} and ${HARDWARE_UUID} are unique in a fleet",
    ),
  external_labels: z
    .record(labelName(), z.string())
    .default({})
    .describe("Labels added to every series that a sink sends; a series' own label wins")
    .meta({ examples: [{ team: "platform" }] }),
  scrape_interval: interval("1m").describe("Time between two scrapes of a target, where its block has none"),
  scrape_timeout: interval("10s").describe(
    "Time limit of a scrape, where its block has none and its interval is not shorter",
  ),
});

const powermetricsSchema = z.strictObject({
  enabled: enabled("powermetrics"),
  interval: interval("10s").describe("Length of one measuring window"),
  samplers: z
    .union(
      [
        z.literal("auto"),
        z
          .array(z.string().regex(/^[a-z_]+$/, { error: "must be the name of a powermetrics sampler" }))
          .min(1),
      ],
      { error: 'must be "auto" or a list of sampler names' },
    )
    .default("auto")
    .describe("auto asks for what the metrics need and this Mac has; or a list of sampler names"),
  command: command("/usr/bin/powermetrics"),
  tasks: z
    .strictObject({
      enabled: z.boolean().default(false).describe("Export per-process metrics; off for privacy and cost"),
      top: z
        .int()
        .min(1)
        .max(100)
        .default(10)
        .describe("Processes with a series of their own; the rest are summed as _other"),
    })
    .prefault({})
    .describe("Metrics by process"),
  frequency_residency: z
    .boolean()
    .default(false)
    .describe("Export the seconds spent at each frequency of each core and the GPU"),
  interrupts: z.boolean().default(false).describe("Export interrupts by core and type"),
});

function polledSchema(tool: string, path: string, every: string) {
  return z.strictObject({
    enabled: enabled(tool),
    interval: interval(every).describe(`Time between two runs of ${tool}`),
    command: command(path),
  });
}

const sourcesSchema = z.strictObject({
  powermetrics: powermetricsSchema
    .prefault({})
    .describe("Power, frequency and residency: one long stream; needs root"),
  vm_stat: polledSchema("vm_stat", "/usr/bin/vm_stat", "10s")
    .prefault({})
    .describe("Memory pages and faults"),
  sysctl: polledSchema("sysctl", "/usr/sbin/sysctl", "30s")
    .prefault({})
    .describe("Swap, memory size and pressure, load, chip and version of macOS"),
  pmset: polledSchema("pmset", "/usr/bin/pmset", "60s")
    .prefault({})
    .describe("Power source and battery state"),
  ioreg: polledSchema("ioreg", "/usr/sbin/ioreg", "60s")
    .extend({
      battery: z
        .boolean()
        .default(true)
        .describe("Export the battery's state and the power of the whole machine"),
      gpu: z.boolean().default(true).describe("Export memory and load of each GPU"),
    })
    .prefault({})
    .describe("The battery's gauge, the power of the whole machine, and the GPUs"),
});

const journalSchema = z.strictObject({
  path: z
    .string()
    .min(1)
    .default("${STATE_DIRECTORY}/journal.db")
    .describe(
      "Where snapshots are kept until delivered; ${STATE_DIRECTORY} is the agent's own folder on this system",
    ),
  max_size: sizeSetting()
    .refine(...atLeast(1024 ** 2, "1MB"))
    .prefault("256MB")
    .describe("Largest size on disk; the oldest snapshots go first"),
  max_age: durationSetting()
    .refine(...atLeast(60_000, "1m"))
    .prefault("7d")
    .describe("Snapshots older than this are dropped, delivered or not"),
  history: durationSetting()
    .prefault("24h")
    .describe("How long delivered snapshots stay for the status page"),
  commit_interval: durationSetting()
    .refine(...atLeast(100, "100ms"))
    .prefault("10s")
    .describe("How often snapshots are written to disk; a power loss costs at most this much"),
  min_free: sizeSetting()
    .prefault("512MB")
    .describe("Free disk space to keep; below it the journal deletes its oldest snapshots"),
});

const webSchema = z.strictObject({
  enabled: z.boolean().default(true).describe("Serve /metrics, health checks and the status page"),
  listen_addresses: z
    .array(listenAddress())
    .min(1)
    .default(["127.0.0.1:9127"])
    .describe("Addresses to listen on, as host:port"),
  config_file: z
    .string()
    .min(1)
    .optional()
    .describe("TLS and basic authentication, in the format of Prometheus' exporter-toolkit")
    .meta({ examples: ["web.yaml"] }),
  page: z.boolean().default(true).describe("Serve the status page"),
  energy_price: z
    .strictObject({
      per_kwh: z
        .number()
        .nonnegative()
        .describe("Price of a kilowatt-hour")
        .meta({ examples: [0.3] }),
      currency: z
        .string()
        .min(1)
        .max(8)
        .describe("What the amount is followed by")
        .meta({ examples: ["EUR"] }),
    })
    .optional()
    .describe("What energy costs: the status page and top then show the cost of today's"),
  allowed_hosts: z
    .array(z.string().min(1))
    .default([])
    .describe("Further host names to answer to; addresses and localhost are always answered"),
  enable_reload: z.boolean().default(false).describe("Let POST /-/reload read the configuration again"),
});

const logSchema = z.strictObject({
  level: z
    .enum(["debug", "info", "warn", "error"])
    .default("info")
    .describe("Lowest level of messages to log"),
  format: z
    .enum(["auto", "text", "json"])
    .default("auto")
    .describe("auto is text on a terminal and JSON elsewhere"),
  file: z
    .string()
    .min(1)
    .optional()
    .describe("Write to this file instead of standard error")
    .meta({ examples: ["/var/log/mac-powermetrics-agent.log"] }),
});

export const configurationSchema = z
  .strictObject({
    global: globalSchema.prefault({}).describe("The identity that every sink sends"),
    sources: sourcesSchema.prefault({}).describe("Where samples come from"),
    scrape_configs: scrapeSection,
    journal: journalSchema.prefault({}).describe("The store on disk between the sources and the sinks"),
    ...sinkSections,
    web: webSchema.prefault({}).describe("The pull endpoint"),
    run_as: z
      .string()
      .min(1)
      .default("_macagent")
      .describe("Account that the agent changes to when launchd starts it as root"),
    log: logSchema.prefault({}).describe("The agent's own log"),
  })
  .describe("Configuration of mac-powermetrics-agent");

/** The effective configuration: keys as in the file, durations in milliseconds, sizes in bytes, every default filled in. */
export type Configuration = Frozen<z.output<typeof configurationSchema>>;

// The rules that several keys share.

function enabled(source: string) {
  return z.boolean().default(true).describe(`Read ${source}`);
}

/** Below 100 ms the tools cost more than their samples are worth; beyond a day a sample means nothing. */
function interval(text: string) {
  return durationSetting()
    .refine((ms) => ms >= 100 && ms <= 86_400_000, "must be between 100ms and 24h")
    .prefault(text);
}

/** An argument list, run without a shell; a daemon that starts as root never looks a program up in PATH. */
function command(path: string) {
  return z
    .array(z.string())
    .refine(
      ([program]) => program?.startsWith("/") === true,
      "must begin with the absolute path of a program",
    )
    .default([path])
    .describe("Program and first arguments");
}

/** Prometheus' label names, without those that it keeps for itself or that the agent sets. */
function labelName() {
  return z
    .string()
    .regex(
      /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/,
      "must be a label name: letters, digits and _, and not __ in front",
    );
}

/** `host:port`, `[v6]:port`, or `:port` for every interface; port 0 takes a free one. */
function listenAddress() {
  return z.string().refine((text) => parseAddress(text) !== undefined, {
    error: ({ input }) => `must be host:port, got ${JSON.stringify(input)}`,
  });
}

/** The rule "at least `text`" for durations and sizes, as arguments of `refine`. */
function atLeast(least: number, text: string): [(value: number) => boolean, string] {
  return [(value) => value >= least, `must be at least ${text}`];
}
