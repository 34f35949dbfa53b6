/**
 * A stock OpenTelemetry JavaScript setup: the SDK with an observable gauge for each of our series, exported by its own
 * HTTP exporter each second to the address given, or collected on request for a page of text on the port given.
 */
import { createServer } from "node:http";
import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  MeterProvider,
  MetricReader,
  PeriodicExportingMetricReader,
  type ResourceMetrics,
} from "@opentelemetry/sdk-metrics";

const [mode = "push", target = "", series = "200"] = process.argv.slice(2);

class OnDemand extends MetricReader {
  protected override onShutdown(): Promise<void> {
    return Promise.resolve();
  }
  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }
}

const onDemand = new OnDemand();
const reader =
  mode === "push"
    ? new PeriodicExportingMetricReader({
        exporter: new OTLPMetricExporter({ url: target }),
        exportIntervalMillis: 1000,
        exportTimeoutMillis: 900,
      })
    : onDemand;
const resource = resourceFromAttributes({ "service.name": "bench", "service.instance.id": "bench" });
const meter = new MeterProvider({ readers: [reader], resource }).getMeter("bench");

/** Ten instruments, so many cores each: about the proportion of the real metrics. */
const cores = Math.ceil(Number(series) / 10);
for (let instrument = 0; instrument < 10; instrument++) {
  const gauge = meter.createObservableGauge(`bench_metric_${instrument}`, {
    description: "One of the series of the benchmark",
  });
  gauge.addCallback((result) => {
    for (let core = 0; core < cores; core++)
      result.observe(Math.round(Math.random() * 1e5) / 1e3, { core: `cpu${core}` });
  });
}

function text({ scopeMetrics }: ResourceMetrics): string {
  return scopeMetrics
    .flatMap(({ metrics }) => metrics)
    .flatMap(({ descriptor, dataPoints }) =>
      dataPoints.map(
        ({ attributes, value }) =>
          `${descriptor.name}{core="${String(attributes["core"])}"} ${JSON.stringify(value)}\n`,
      ),
    )
    .join("");
}

if (mode === "serve") {
  const server = createServer((_, response) => {
    void onDemand.collect().then(({ resourceMetrics }) => response.end(text(resourceMetrics)));
  });
  server.listen(Number(target), "127.0.0.1");
} else {
  // The SDK's timers alone keep no process alive.
  setInterval(() => undefined, 2 ** 31 - 1);
}
