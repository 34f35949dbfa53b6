/** The catalogue: what the collectors declare, and what the agent reports about itself, which is declared here. */
import { sampleMetrics } from "../collector/index.ts";
import { buildCatalogue, type Catalogue } from "../metric/catalogue.ts";
import { agentCounter, gauge, histogram } from "../metric/metric.ts";

export const ownMetrics = {
  build: gauge("mac_agent_build_info", "Version of the agent and of its Node.js runtime; always 1", [
    "version",
    "node",
  ]),

  sourceUp: gauge("mac_agent_source_up", "1 while the source delivers samples", ["source"]),
  sourceLastSample: gauge(
    "mac_agent_source_last_sample_timestamp_seconds",
    "Time of the source's last sample",
    ["source"],
  ),
  sourceLag: gauge(
    "mac_agent_source_lag_seconds",
    "Delay from the end of the last document's window to its arrival; resolution one second",
    ["source"],
  ),
  sourceRestarts: agentCounter(
    "mac_agent_source_restarts_total",
    "Restarts of the source's child process by cause",
    ["source", "reason"],
  ),
  sourceFailures: agentCounter(
    "mac_agent_source_failures_total",
    "Failed runs of the source's tool by cause",
    ["source", "reason"],
  ),
  sourceParseErrors: agentCounter(
    "mac_agent_source_parse_errors_total",
    "Output of the source that could not be read, by kind",
    ["source", "kind"],
  ),
  sourceRemarks: agentCounter(
    "mac_agent_source_known_messages_total",
    "Lines that the source's tool is known to print beside its reports, by kind; logged once each",
    ["source", "kind"],
  ),
  sourceUnknownKeys: agentCounter(
    "mac_agent_source_unknown_keys_total",
    "Keys and lines of the source that the agent does not know",
    ["source"],
  ),
  sourceImplausible: agentCounter(
    "mac_agent_source_implausible_values_total",
    "Values that can't be true and were withheld, by field",
    ["source", "field"],
  ),
  sourceSeriesDropped: agentCounter(
    "mac_agent_source_series_dropped_total",
    "Observations dropped for the limit of series per metric",
    ["source"],
  ),

  // As at Prometheus: a label `job` would stand for the job of the agent itself.
  scrapeFailures: agentCounter("mac_agent_scrape_failures_total", "Scrapes that failed, by cause", [
    "scrape_job",
    "reason",
  ]),
  scrapeDropped: agentCounter(
    "mac_agent_scrape_samples_dropped_total",
    "Scraped samples that are not kept: of a series that the scrape had already, or with a timestamp older than before",
    ["scrape_job", "reason"],
  ),

  sleeps: agentCounter("mac_agent_sleeps_total", "How often the machine slept while the agent ran"),
  asleepSeconds: agentCounter("mac_agent_asleep_seconds_total", "Time the machine slept while the agent ran"),
  clockSkew: gauge(
    "mac_agent_clock_skew_seconds",
    "The receiver's clock minus this machine's, by the Date header; resolution one second",
    ["sink"],
  ),

  journalBytes: gauge("mac_agent_journal_bytes", "Size of the journal on disk"),
  journalSnapshots: gauge("mac_agent_journal_snapshots", "Snapshots in the journal"),
  journalOldest: gauge(
    "mac_agent_journal_oldest_timestamp_seconds",
    "Time of the oldest snapshot in the journal",
  ),
  journalDropped: agentCounter(
    "mac_agent_journal_dropped_snapshots_total",
    "Snapshots lost to the journal by cause",
    ["reason"],
  ),
  journalSetAside: agentCounter(
    "mac_agent_journal_set_aside_total",
    "Databases of the journal that could not be used and were renamed",
  ),
  journalDegraded: gauge(
    "mac_agent_journal_degraded",
    "1 while the journal can't write to its disk and works from memory",
  ),

  sinkRequests: agentCounter(
    "mac_agent_sink_requests_total",
    "Requests by HTTP status or by kind of failure",
    ["sink", "code"],
  ),
  sinkSent: agentCounter("mac_agent_sink_samples_sent_total", "Samples the receiver accepted", ["sink"]),
  sinkDropped: agentCounter(
    "mac_agent_sink_samples_dropped_total",
    "Samples that will never reach the receiver, by cause",
    ["sink", "reason"],
  ),
  sinkBacklog: gauge("mac_agent_sink_backlog_snapshots", "Snapshots not delivered yet", ["sink"]),
  sinkBacklogAge: gauge(
    "mac_agent_sink_backlog_age_seconds",
    "Age of the oldest snapshot not delivered yet",
    ["sink"],
  ),
  sinkLastSuccess: gauge(
    "mac_agent_sink_last_success_timestamp_seconds",
    "Time of the last request that succeeded",
    ["sink"],
  ),
  sinkDuration: histogram("mac_agent_sink_request_duration_seconds", "Duration of requests", ["sink"]),
  sinkState: gauge("mac_agent_sink_state", "1 for the sink's state, 0 for the other ones", ["sink", "state"]),

  processCpu: agentCounter("mac_agent_process_cpu_seconds_total", "CPU time the agent used"),
  processMemory: gauge("mac_agent_process_resident_memory_bytes", "Resident memory of the agent"),
  childCpu: agentCounter(
    "mac_agent_child_cpu_seconds_total",
    "CPU time of the source's long-running child processes so far, the running one included; updated each minute",
    ["child"],
  ),
  configReloaded: gauge(
    "mac_agent_config_last_reload_successful",
    "1 if the last load of the configuration succeeded",
  ),
};

export const catalogue: Catalogue = buildCatalogue([...sampleMetrics, ...Object.values(ownMetrics)]);
