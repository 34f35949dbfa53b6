/** The targets of the one exchange that all behaviours of requests are judged by. */
import { exemplarsExposition } from "./exemplars.ts";
import type { Job } from "./exchange.ts";
import { histogramsExposition } from "./histograms.ts";
import { labelsExposition } from "./labels.ts";
import { loadExposition, many } from "./load.ts";
import { metadataExposition, openMetricsMetadata } from "./metadata.ts";
import { samplesExposition } from "./samples.ts";
import { openMetricsTimes, stampedExposition, timesExposition } from "./times.ts";

const text = [
  labelsExposition,
  samplesExposition,
  timesExposition,
  metadataExposition,
  histogramsExposition,
].join("");
const openMetrics = [openMetricsMetadata, openMetricsTimes, exemplarsExposition, "# EOF\n"].join("");

export const jobs: Readonly<Record<string, Job>> = {
  text: {
    format: "text",
    ending: { name: "times_vanishing", text: "times_vanishing 1\n", series: 1 },
    // Without a line feed at the end, as in many cases of the suite.
    text: text.trimEnd(),
    scrapes: 3,
  },
  openmetrics: { format: "openmetrics", text: openMetrics, scrapes: 2 },
  empty: { format: "text", text: "# No metrics\n", scrapes: 2 },
  invalid: { format: "text", text: "times_invalid StaleNaN\n", scrapes: 2 },
  stamped: { format: "text", text: stampedExposition, scrapes: 3 },
  gone: {
    format: "text",
    ending: {
      name: "times_gone_total",
      text: "# TYPE times_gone_total counter\ntimes_gone_total 1\n",
      series: 1,
    },
    scrapes: 2,
  },
  load: {
    format: "text",
    ending: { name: "load_series", text: loadExposition, series: many },
    text: "",
    scrapes: 2,
    scrapeConfig: { scrape_interval: "2s" },
  },
};
