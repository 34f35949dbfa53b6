/** The list of sinks: a new protocol is its folder, one line here, and one in src/config/sinks.ts. */
import type { HttpClient } from "../runtime/http/http.ts";
import type { HttpSettings } from "../runtime/http/schema.ts";
import type { Identity } from "./identity.ts";
import type { HostFacts } from "../runtime/host.ts";
import { metricsUrl } from "./otlp/address.ts";
import type { OtlpSettings } from "./otlp/schema.ts";
import { historyPacing, type Pacing } from "./pacing.ts";
import type { PushgatewaySettings } from "./pushgateway/schema.ts";
import type { Relabel } from "./relabel/apply.ts";
import type { RemoteWriteSettings } from "./remote-write/schema.ts";
import type { Sink } from "./sink.ts";

/** The sections of a configuration that name receivers. */
export interface SinkBlocks {
  readonly remote_write: readonly RemoteWriteSettings[];
  readonly otlp: readonly OtlpSettings[];
  readonly pushgateway: readonly PushgatewaySettings[];
}

export interface SinkWorld {
  /** Of the sink that is opened; absent where it has no cursor. */
  readonly id?: string;
  readonly identity: Identity;
  /** What is known of the machine; asked for only where the protocol sends it. */
  readonly host: () => Promise<HostFacts>;
  /** The agent's, for User-Agent. */
  readonly version: string;
  /** When the agent's own counters began that no receiver has heard of, milliseconds since the Unix epoch. */
  readonly startedAt: number;
  /** A client of this sink alone. */
  readonly createClient: (settings: HttpSettings) => HttpClient;
}

/** A receiver of the configuration: how to make its sink and how to drive it. */
export interface Receiver {
  /** Where in the configuration it stands: `remote_write[0]`. */
  readonly path: string;
  readonly type: Sink["type"];
  /** As configured. */
  readonly name?: string;
  /** Its address as people may see it, without credentials. */
  readonly address: string;
  /** Where requests go, without credentials; its query may hold secrets, so it is not for people. */
  readonly destination: string;
  /** What it was configured with, to see whether a reload changed it. */
  readonly settings: unknown;
  readonly pacing: Pacing;
  /** Loads the protocol's code, which costs megabytes, only when it is configured. */
  open(world: SinkWorld): Promise<Sink>;
}

/** Every receiver of the configuration, in its order. */
export function receiversOf({ remote_write, otlp, pushgateway }: SinkBlocks): readonly Receiver[] {
  return [
    ...remote_write.map((settings, index) => ({
      path: `remote_write[${index}]`,
      type: "remote_write" as const,
      ...named(settings),
      address: safeAddress(settings.url),
      destination: destinationOf(new URL(settings.url)),
      settings,
      pacing: historyPacing(settings.queue_config, true),
      async open(world: SinkWorld) {
        const { createRemoteWriteSink } = await import("./remote-write/sink.ts");
        const relabel = await relabelOf(settings);
        return createRemoteWriteSink(settings, { ...world, relabel, client: world.createClient(settings) });
      },
    })),
    ...otlp.map((settings, index) => ({
      path: `otlp[${index}]`,
      type: "otlp" as const,
      ...named(settings),
      destination: destinationOf(metricsUrl(settings)),
      address: safeAddress(settings.metrics_endpoint ?? settings.endpoint ?? ""),
      settings,
      // Differences only add up when they come in order.
      pacing: historyPacing(settings.queue_config, settings.temporality === "cumulative"),
      async open(world: SinkWorld) {
        const { createOtlpSink } = await import("./otlp/sink.ts");
        const host = await world.host();
        return createOtlpSink(settings, { ...world, host, client: world.createClient(settings) });
      },
    })),
    ...pushgateway.map((settings, index) => ({
      path: `pushgateway[${index}]`,
      type: "pushgateway" as const,
      ...named(settings),
      address: safeAddress(settings.url),
      destination: destinationOf(new URL(settings.url)),
      settings,
      pacing: { kind: "latest", intervalMs: settings.interval } as const,
      async open(world: SinkWorld) {
        const { createPushgatewaySink } = await import("./pushgateway/sink.ts");
        return createPushgatewaySink(settings, { ...world, client: world.createClient(settings) });
      },
    })),
  ];
}

/** The engine for expressions takes megabytes, too. */
async function relabelOf({ write_relabel_configs: rules }: RemoteWriteSettings): Promise<Relabel> {
  if (rules.length === 0) return (labels) => labels;
  const { compileRelabel } = await import("./relabel/apply.ts");
  return compileRelabel(rules);
}

function named({ name }: { readonly name?: string }): { readonly name?: string } {
  return name === undefined ? {} : { name };
}

function destinationOf(url: URL): string {
  url.username = url.password = "";
  return url.href;
}

function safeAddress(text: string): string {
  const url = URL.parse(text);
  if (url === null) return "";
  url.username = url.password = url.search = "";
  return url.href;
}
