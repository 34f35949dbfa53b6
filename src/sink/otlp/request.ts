/** What both encodings are made from: the gathered points, and what surrounds them. */
import type { Metric } from "../../metric/metric.ts";
import type { LabelPair } from "../../metric/series.ts";
import type { Gathered } from "./gather.ts";

export interface Surroundings {
  readonly resource: readonly LabelPair[];
  /** The agent's, sent as the scope's. */
  readonly version: string;
  readonly isDelta: (metric: Metric) => boolean;
}

/** An ExportMetricsServiceRequest before compression; valid until the next call. */
export type Encoder = (families: Gathered["families"]) => Uint8Array;

export const scopeName = "mac-powermetrics-agent";

/** opentelemetry.proto.metrics.v1.AggregationTemporality */
export const temporalities = { delta: 1, cumulative: 2 } as const;

/** DataPointFlags: the series has ended, the point has no value. */
export const noRecordedValue = 1;
