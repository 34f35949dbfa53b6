/** A real OpenTelemetry Collector in tests: OTLP in, OTLP out to whatever keeps it; see .ci/collector for what it is made of. */
import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { temporaryFolder, until } from "../../cli/agent.ts";
import { findReceiver, skipWithout } from "../../support/receivers.ts";

export const skip: string | false = skipWithout("otelcol");

/** Parts of its configuration; what is absent is the Collector's default. */
export interface CollectorSettings {
  /** Of the receiver's `http` block: tls, auth, limits. */
  readonly http?: object;
  /** Whether the receiver speaks gRPC instead. */
  readonly grpc?: boolean;
  readonly extensions?: object;
  readonly processors?: object;
  /** Without a queue, the default here, it answers when the exporter's receiver has. */
  readonly queue?: object;
}

export interface Collector {
  /** `host:port` of its receiver, the same after a restart. */
  readonly address: string;
  stop(): Promise<void>;
  /** With other settings where given. */
  start(settings?: CollectorSettings): Promise<void>;
}

/** Exports to the OTLP receiver at `to`; ends with the test. */
export async function startCollector(
  t: TestContext,
  to: string,
  settings: CollectorSettings = {},
): Promise<Collector> {
  const config = join(temporaryFolder(t), "collector.yaml");
  let address = "127.0.0.1:0";
  let child: ChildProcess | undefined;

  async function start(own: CollectorSettings): Promise<void> {
    // JSON is YAML.
    writeFileSync(config, JSON.stringify(configuration(address, to, own)));
    const started = spawn(findReceiver("otelcol") ?? "otelcol", [`--config=${config}`], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    child = started;
    let log = "";
    started.stderr.setEncoding("utf8").on("data", (text: string) => (log += text));
    await until(
      () => {
        assert.equal(started.exitCode, null, log);
        return log.includes("Everything is ready") ? true : undefined;
      },
      () => `the Collector is not ready: ${log}`,
    );
    address = /Starting (?:HTTP|GRPC) server.*"endpoint": "([^"]+)"/.exec(log)?.[1] ?? "";
    assert.match(address, /^127\.0\.0\.1:\d+$/, log);
  }

  async function stop(): Promise<void> {
    if (child?.exitCode === null && child.signalCode === null && child.kill("SIGKILL"))
      await once(child, "exit");
  }

  t.after(stop);
  await start(settings);
  return {
    get address() {
      return address;
    },
    stop,
    async start(next = settings) {
      await stop();
      await start(next);
    },
  };
}

function configuration(
  endpoint: string,
  to: string,
  {
    http = {},
    grpc = false,
    extensions = {},
    processors = {},
    queue = { enabled: false },
  }: CollectorSettings,
): object {
  const exporter = {
    metrics_endpoint: to,
    compression: "none",
    retry_on_failure: { enabled: false },
    sending_queue: queue,
  };
  return {
    extensions,
    receivers: { otlp: { protocols: grpc ? { grpc: { endpoint } } : { http: { endpoint, ...http } } } },
    processors,
    exporters: { otlp_http: exporter },
    service: {
      extensions: Object.keys(extensions),
      telemetry: { metrics: { level: "none" } },
      pipelines: {
        metrics: { receivers: ["otlp"], processors: Object.keys(processors), exporters: ["otlp_http"] },
      },
    },
  };
}
