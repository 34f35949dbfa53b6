/** Decides which metrics are sent as changes instead of totals, by the rules of OpenTelemetry's own exporter. */
import {
  CumulativeTemporalitySelector,
  DeltaTemporalitySelector,
  LowMemoryTemporalitySelector,
} from "@opentelemetry/exporter-metrics-otlp-http";
import { AggregationTemporality, InstrumentType } from "@opentelemetry/sdk-metrics";
import type { Metric, MetricType } from "../../metric/metric.ts";
import type { OtlpSettings } from "./schema.ts";

const selectors = {
  cumulative: CumulativeTemporalitySelector,
  delta: DeltaTemporalitySelector,
  lowmemory: LowMemoryTemporalitySelector,
};

/** What each type is among the SDK's instruments. */
const instruments: Readonly<Record<MetricType, InstrumentType>> = {
  gauge: InstrumentType.OBSERVABLE_GAUGE,
  counter: InstrumentType.OBSERVABLE_COUNTER,
  histogram: InstrumentType.HISTOGRAM,
};

/** A gauge is neither: it has no temporality on the wire. */
export function isDelta(preference: OtlpSettings["temporality"], { type }: Metric): boolean {
  return type !== "gauge" && selectors[preference](instruments[type]) === AggregationTemporality.DELTA;
}
