/** The list of sinks: a new protocol is its folder, one line here, and one in src/config/blocks.ts. */
import type { Frozen } from "../runtime/setting.ts";
import type { HostFacts } from "../runtime/host.ts";
import type { HttpClient } from "../runtime/http/client.ts";
import type { HttpSettings } from "../runtime/http/schema.ts";
import { destinationOf, otlpMetricsUrl, safeAddress } from "./address.ts";
import type { OtlpSettings } from "./otlp/schema.ts";
import type { PushgatewaySettings } from "./pushgateway/schema.ts";
import type { Relabel } from "./relabel/apply.ts";
import type { RemoteWriteSettings } from "./remote-write/schema.ts";
import type { QueueConfig } from "./schema.ts";
import type { Identity, Sink } from "./sink.ts";

/** The sections of a configuration that name receivers. */
export interface SinkBlocks {
  readonly remote_write: readonly RemoteWriteSettings[];
  readonly otlp: readonly OtlpSettings[];
  readonly pushgateway: readonly PushgatewaySettings[];
}

/** What every sink of an agent is given. */
export interface SinkContext {
  /** The sink's; absent where it has no cursor. */
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

/** How delivery drives a sink, as its configuration says: with a backlog of its own, or with the latest snapshots. */
export type Pacing =
  | {
      readonly kind: "history";
      /** Longest wait of a snapshot for its batch to fill up; all times in milliseconds. */
      readonly batchDeadlineMs: number;
      readonly minBackoffMs: number;
      readonly maxBackoffMs: number;
      /** Samples a second while a backlog drains; 0 is as fast as the receiver takes them. */
      readonly drainRate: number;
      /** Snapshots older than this are dropped instead of sent; 0 sends everything. */
      readonly sampleAgeLimitMs: number;
      /** Whether live snapshots may go before an old backlog. */
      readonly mayOvertake: boolean;
    }
  | { readonly kind: "latest"; readonly intervalMs: number };

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
  open(context: SinkContext): Promise<Sink>;
}

/** Every receiver of the configuration, in its order. */
export function receiversOf({ remote_write, otlp, pushgateway }: SinkBlocks): readonly Receiver[] {
  return [
    ...remote_write.map(remoteWriteReceiver),
    ...otlp.map(otlpReceiver),
    ...pushgateway.map(pushgatewayReceiver),
  ];
}

function remoteWriteReceiver(settings: RemoteWriteSettings, index: number): Receiver {
  return {
    path: `remote_write[${index}]`,
    type: "remote_write",
    ...named(settings),
    address: safeAddress(settings.url),
    destination: destinationOf(new URL(settings.url)),
    settings,
    pacing: historyPacing(settings.queue_config, true),
    async open(context) {
      const { createRemoteWriteSink } = await import("./remote-write/sink.ts");
      const rules = await relabelOf(settings);
      return createRemoteWriteSink(settings, {
        ...context,
        ...rules,
        client: context.createClient(settings),
      });
    },
  };
}

/** The engine for expressions takes megabytes, too. */
async function relabelOf({
  write_relabel_configs: rules,
}: RemoteWriteSettings): Promise<{ readonly relabel?: Relabel }> {
  if (rules.length === 0) return {};
  const { compileRelabel } = await import("./relabel/apply.ts");
  return { relabel: compileRelabel(rules) };
}

function otlpReceiver(settings: OtlpSettings, index: number): Receiver {
  return {
    path: `otlp[${index}]`,
    type: "otlp",
    ...named(settings),
    address: safeAddress(settings.metrics_endpoint ?? settings.endpoint ?? ""),
    destination: destinationOf(otlpMetricsUrl(settings)),
    settings,
    // Differences only add up when they come in order.
    pacing: historyPacing(settings.queue_config, settings.temporality === "cumulative"),
    async open(context) {
      const { createOtlpSink } = await import("./otlp/sink.ts");
      const host = await context.host();
      return createOtlpSink(settings, { ...context, host, client: context.createClient(settings) });
    },
  };
}

function pushgatewayReceiver(settings: PushgatewaySettings, index: number): Receiver {
  return {
    path: `pushgateway[${index}]`,
    type: "pushgateway",
    ...named(settings),
    address: safeAddress(settings.url),
    destination: destinationOf(new URL(settings.url)),
    settings,
    pacing: { kind: "latest", intervalMs: settings.interval },
    async open(context) {
      const { createPushgatewaySink } = await import("./pushgateway/sink.ts");
      return createPushgatewaySink(settings, { ...context, client: context.createClient(settings) });
    },
  };
}

export function historyPacing(queue: Frozen<QueueConfig>, mayOvertake: boolean): Pacing {
  return {
    kind: "history",
    batchDeadlineMs: queue.batch_send_deadline,
    minBackoffMs: queue.min_backoff,
    maxBackoffMs: queue.max_backoff,
    drainRate: queue.drain_rate,
    sampleAgeLimitMs: queue.sample_age_limit,
    mayOvertake,
  };
}

function named({ name }: { readonly name?: string }): { readonly name?: string } {
  return name === undefined ? {} : { name };
}
