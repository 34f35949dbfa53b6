/** The order of the layers as a table: who may import whom, and who may touch what of the outside world. */

export interface Layer {
  /** Folders of src/, or files in them where only these are meant; every layer may import itself. */
  readonly imports: readonly string[];
  /** Packages, and modules of Node that touch the outside world. Others of Node's are pure and free for all. */
  readonly modules?: readonly string[];
  /** Names of the outside world that this layer takes itself instead of by parameter. */
  readonly world?: readonly string[];
}

const snapshot = "meter/snapshot.ts";

/** What stands behind the layers: they are put together here, and here only. */
const composition = ["agent.ts", "collection.ts", "run-sources.ts", "sink-context.ts", "telemetry.ts"];

const stages = [
  "runtime",
  "metric",
  "parse",
  "source",
  "collector",
  "meter",
  "journal",
  "sink",
  "scrape",
  "delivery",
  "status",
  "endpoint",
  "config",
];

export const layers: Readonly<Record<string, Layer>> = {
  runtime: {
    imports: [],
    modules: ["node:fs", "node:http", "node:https", "node:net", "node:tls", "node:v8", "zod"],
    world: ["setTimeout", "setImmediate", "Date.now", "Math.random", "performance.now"],
  },
  metric: { imports: ["runtime"] },
  parse: { imports: ["metric", "runtime/defined.ts"] },
  source: {
    imports: ["runtime", "parse"],
    modules: ["node:child_process", "node:fs"],
    world: ["process.kill", "setImmediate"],
  },
  /** Apple's tools, impersonated: `simulate` runs it, and of the agent only what is put together asks it how busy it is. */
  simulator: { imports: ["runtime"], modules: ["node:fs"], world: ["setImmediate", "process.env"] },
  collector: { imports: ["metric", "parse"] },
  meter: {
    imports: ["runtime", "metric", "source", "parse", "collector"],
    modules: ["@opentelemetry/api", "@opentelemetry/sdk-metrics"],
  },
  journal: { imports: ["runtime", "metric", snapshot], modules: ["node:fs", "node:sqlite"] },
  sink: {
    imports: ["runtime", "metric", snapshot],
    modules: [
      "@opentelemetry/exporter-metrics-otlp-http",
      "@opentelemetry/otlp-transformer",
      "@opentelemetry/sdk-metrics",
      "prometheus-remote-write",
      "protobufjs",
      "re2js",
      "snappyjs",
      "zod",
    ],
  },
  /** Any exporter's /metrics as one more source of snapshots. */
  scrape: {
    imports: ["runtime", "metric", snapshot, "sink/relabel"],
    modules: ["node:fs", "zod", "yaml"],
  },
  delivery: { imports: ["runtime", "metric", snapshot, "journal", "sink"] },
  /** What the status page and `top` show, put together from every stage's state. */
  status: {
    imports: [
      "runtime",
      "metric",
      "meter",
      "parse/sample.ts",
      "source/source.ts",
      "journal/types.ts",
      "delivery/types.ts",
    ],
  },
  endpoint: {
    imports: ["runtime", "metric", "meter", "status"],
    modules: ["node:http", "node:https", "node:net", "node:tls", "bcryptjs", "uplot"],
  },
  /** Of the sinks only what may be configured. */
  config: {
    imports: ["runtime", "metric", "sink/*/schema.ts", "sink/*/environment.ts", "scrape/schema.ts"],
    modules: ["node:fs", "yaml", "zod"],
  },
  daemon: { imports: ["runtime", "config"], modules: ["node:fs", "plist"] },
  /** What `doctor --deep` tries on a machine, and what `record` hides. */
  diagnosis: {
    imports: ["runtime", "source", "parse", "daemon"],
    modules: ["node:fs", "node:net", "node:sqlite"],
    world: ["process.kill"],
  },
  command: {
    imports: [...stages, "daemon", "diagnosis", "simulator/simulate.ts", ...composition],
    modules: ["node:fs", "commander"],
  },
  "agent.ts": { imports: [...stages, ...composition, "daemon/privileges.ts", "daemon/restarts.ts"] },
  "run-sources.ts": { imports: [...stages, "collection.ts", "daemon/privileges.ts", "daemon/restarts.ts"] },
  "collection.ts": { imports: [...stages, "simulator/machine.ts"] },
  "sink-context.ts": { imports: stages },
  "telemetry.ts": { imports: stages },
  "entry.ts": { imports: ["cli.ts"] },
  "version.ts": { imports: [], modules: ["node:fs"] },
  "cli.ts": {
    imports: ["runtime", "command", "version.ts"],
    modules: ["node:fs"],
    world: ["process.argv", "process.env", "process.exit"],
  },
};

/** What one file may import besides, by its path below src/. */
export const exceptions: Readonly<Record<string, readonly string[]>> = {
  // In development only: the bundle has the result in its place (scripts/build.ts).
  "endpoint/page/assets.ts": ["node:fs", "esbuild"],
};

/** Modules of Node that compute and touch nothing. */
export const pureModules = [
  "node:buffer",
  "node:crypto",
  "node:events",
  "node:os",
  "node:path",
  "node:stream",
  "node:string_decoder",
  "node:url",
  "node:util",
  "node:zlib",
];

/** Types of these are words for others' arguments: naming them takes nothing. */
export const typesAreFree = ["node:http", "node:https", "node:net", "node:tls", "node:fs"];
