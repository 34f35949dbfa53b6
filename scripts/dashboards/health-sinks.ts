/** The rows of the agents' dashboard about what they send and what they cost. */
import { presence, yesIsBad } from "./colors.ts";
import type { Row } from "./dashboard.ts";
import {
  about,
  atEnd,
  fewOfMany,
  highest,
  highestGauge,
  highestRate,
  increase,
  longestSince,
  lowest,
  of,
  rate,
} from "./query.ts";
import { lines, stacked, timeline } from "./view.ts";

const latency = `sum by (sink, le) (${rate("mac_agent_sink_request_duration_seconds_bucket")})`;
const perRequest = `sum by (sink) (${rate("mac_agent_sink_request_duration_seconds_sum")}) / sum by (sink) (${rate("mac_agent_sink_request_duration_seconds_count")})`;

/** Of each sink, the share of the range. */
const timeFailing = `sum without (state) (${atEnd("avg_over_time", "mac_agent_sink_state", 'state=~"retrying|refused|holding"')})`;

export const sinkRow: Row = {
  title: "Sinks",
  height: 8,
  panels: [
    {
      title: "State",
      description: `ok: delivered but for the last seconds; draining: catching up; retrying: network or receiver fail; refused: credentials or URL; holding: our clock is ahead. ${fewOfMany}`,
      view: timeline("none", presence),
      queries: [
        {
          expression: highest(`${of("mac_agent_sink_state")} == 1`, timeFailing, "on (job, instance, sink) "),
          legend: "{{instance}} {{sink}} {{state}}",
        },
      ],
      width: 12,
    },
    {
      title: "Requests",
      description: "Requests a second by HTTP status, or by how they failed.",
      view: stacked("reqps"),
      queries: [
        {
          expression: `sum by (sink, code) (${rate("mac_agent_sink_requests_total")})`,
          legend: "{{sink}} {{code}}",
        },
      ],
      width: 12,
    },
    {
      title: "Samples sent",
      description: about("mac_agent_sink_samples_sent_total"),
      view: lines("cps", { min: 0 }),
      queries: [
        { expression: `sum by (sink) (${rate("mac_agent_sink_samples_sent_total")})`, legend: "{{sink}}" },
      ],
      width: 8,
    },
    {
      title: "Samples dropped",
      description: `${about("mac_agent_sink_samples_dropped_total")} relabel is what your own rules leave out.`,
      view: stacked("short"),
      queries: [
        {
          expression: `sum by (sink, reason) (${increase("mac_agent_sink_samples_dropped_total")})`,
          legend: "{{sink}} {{reason}}",
        },
      ],
      width: 8,
    },
    {
      title: "Request latency",
      description: "Duration of requests, connection to last byte.",
      view: lines("s", { min: 0 }),
      queries: [
        { expression: `histogram_quantile(0.95, ${latency})`, legend: "{{sink}} 95th percentile" },
        { expression: perRequest, legend: "{{sink}} mean" },
      ],
      width: 8,
    },
    {
      title: "Backlog",
      description: `${about("mac_agent_sink_backlog_snapshots")} ${fewOfMany}`,
      view: lines("short", { min: 0 }),
      queries: [
        { expression: highestGauge("mac_agent_sink_backlog_snapshots"), legend: "{{instance}} {{sink}}" },
      ],
      width: 8,
    },
    {
      title: "Age of the backlog",
      description: `${about("mac_agent_sink_backlog_age_seconds")} ${fewOfMany}`,
      view: lines("s", { min: 0 }),
      queries: [
        { expression: highestGauge("mac_agent_sink_backlog_age_seconds"), legend: "{{instance}} {{sink}}" },
      ],
      width: 8,
    },
    {
      title: "Since the last success",
      description: `How long ago each sink's receiver last accepted something. ${fewOfMany}`,
      view: lines("s", { min: 0 }),
      queries: [
        {
          expression: longestSince("mac_agent_sink_last_success_timestamp_seconds"),
          legend: "{{instance}} {{sink}}",
        },
      ],
      width: 8,
    },
    {
      title: "Clock skew",
      description: `${about("mac_agent_clock_skew_seconds")} ${fewOfMany}`,
      view: lines("s"),
      queries: [
        {
          expression: highest(
            of("mac_agent_clock_skew_seconds"),
            `abs(${atEnd("avg_over_time", "mac_agent_clock_skew_seconds")})`,
          ),
          legend: "{{instance}} {{sink}}",
        },
      ],
      width: 24,
    },
  ],
};

export const costRow: Row = {
  title: "Cost",
  height: 7,
  panels: [
    {
      title: "CPU of the agent",
      description: `Share of one core; 0.1 % is 3.6 seconds an hour. ${fewOfMany}`,
      view: lines("percentunit", { min: 0 }),
      queries: [{ expression: highestRate("mac_agent_process_cpu_seconds_total"), legend: "{{instance}}" }],
      width: 6,
    },
    {
      title: "CPU of powermetrics",
      description: `Share of one core. ${about("mac_agent_child_cpu_seconds_total")} ${fewOfMany}`,
      view: lines("percentunit", { min: 0 }),
      queries: [
        {
          expression: highestRate("mac_agent_child_cpu_seconds_total", "5m"),
          legend: "{{instance}} {{child}}",
        },
      ],
      width: 6,
    },
    {
      title: "Memory",
      description: `${about("mac_agent_process_resident_memory_bytes")} ${fewOfMany}`,
      view: lines("bytes", { min: 0 }),
      queries: [
        { expression: highestGauge("mac_agent_process_resident_memory_bytes"), legend: "{{instance}}" },
      ],
      width: 6,
    },
    {
      title: "Configuration failed to load",
      description: `Agents that still run on an older configuration, since the last one could not be loaded. ${fewOfMany}`,
      view: timeline("none", yesIsBad),
      queries: [
        {
          expression: `1 - (${lowest(of("mac_agent_config_last_reload_successful"), atEnd("avg_over_time", "mac_agent_config_last_reload_successful"))})`,
          legend: "{{instance}}",
        },
      ],
      width: 6,
    },
  ],
};
