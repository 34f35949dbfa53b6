/** The rows of the agents' dashboard about what they read and keep. */
import { upMeanings, yesIsBad } from "./colors.ts";
import type { PanelDescription, Row } from "./dashboard.ts";
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
} from "./query.ts";
import { lines, stacked, timeline } from "./view.ts";

/** Counted events in each step, stacked by what tells them apart. */
function events(title: string, description: string, metric: string, by: readonly string[]): PanelDescription {
  const counted = (events: string): string => `sum by (${by.join(", ")}) (${events})`;
  const inSteps = counted(increase(metric));
  const ofMachines = by.includes("instance");
  return {
    title,
    description: ofMachines ? `${description} ${fewOfMany}` : description,
    view: stacked("short"),
    queries: [
      {
        expression: ofMachines ? highest(inSteps, counted(atEnd("increase", metric))) : inSteps,
        legend: by.map((label) => `{{${label}}}`).join(" "),
      },
    ],
    width: 8,
  };
}

export const sourceRow: Row = {
  title: "Sources",
  height: 7,
  panels: [
    {
      title: "Sources up",
      description: `${about("mac_agent_source_up")} ${fewOfMany}`,
      view: timeline("none", upMeanings),
      queries: [
        {
          expression: lowest(of("mac_agent_source_up"), atEnd("avg_over_time", "mac_agent_source_up")),
          legend: "{{instance}} {{source}}",
        },
      ],
      width: 16,
    },
    {
      title: "Age of the last sample",
      description:
        "How long ago each source was read, and how late its documents arrive, the slowest machine of all.",
      view: lines("s", { min: 0 }),
      queries: [
        {
          expression: `max by (source) (time() - ${of("mac_agent_source_last_sample_timestamp_seconds")})`,
          legend: "{{source}}",
        },
        {
          expression: `max by (source) (${of("mac_agent_source_lag_seconds")})`,
          legend: "{{source}}, lag of documents",
        },
      ],
      width: 8,
    },
    events(
      "Restarts",
      "How often a source's process was started again, by cause.",
      "mac_agent_source_restarts_total",
      ["source", "reason"],
    ),
    events("Failures", "Runs of a source's tool that failed, by cause.", "mac_agent_source_failures_total", [
      "source",
      "reason",
    ]),
    events(
      "Failed scrapes",
      "Scrapes of a target of scrape_configs that failed, by cause.",
      "mac_agent_scrape_failures_total",
      ["scrape_job", "reason"],
    ),
    events(
      "Scraped samples left out",
      "Of a series that the scrape had already, or with a timestamp older than before.",
      "mac_agent_scrape_samples_dropped_total",
      ["scrape_job", "reason"],
    ),
    events(
      "Parse errors",
      "Output that could not be used; a new macOS may have changed it.",
      "mac_agent_source_parse_errors_total",
      ["source", "kind"],
    ),
    events(
      "Implausible values",
      "Values that can't be true, such as 0 mW while cores are busy: withheld, never exported.",
      "mac_agent_source_implausible_values_total",
      ["source", "field"],
    ),
    events(
      "Unknown keys",
      "Keys and lines that the agent does not know: harmless, but worth an issue.",
      "mac_agent_source_unknown_keys_total",
      ["source"],
    ),
    events(
      "Series dropped",
      "Observations beyond the limit of series per metric.",
      "mac_agent_source_series_dropped_total",
      ["source"],
    ),
    events("Sleeps", "How often machines slept while the agent ran.", "mac_agent_sleeps_total", ["instance"]),
    {
      title: "Time asleep",
      description: `Share of time that machines slept while the agent ran. ${fewOfMany}`,
      view: lines("percentunit", { min: 0 }),
      queries: [{ expression: highestRate("mac_agent_asleep_seconds_total", "1h"), legend: "{{instance}}" }],
      width: 8,
    },
    {
      title: "Length of the window",
      description: `${about("powermetrics_sample_duration_seconds")} ${fewOfMany}`,
      view: lines("s", { min: 0 }),
      queries: [{ expression: highestGauge("powermetrics_sample_duration_seconds"), legend: "{{instance}}" }],
      width: 8,
    },
  ],
};

export const journalRow: Row = {
  title: "Journal",
  height: 7,
  panels: [
    {
      title: "Size",
      description: `${about("mac_agent_journal_bytes")} ${fewOfMany}`,
      view: lines("bytes", { min: 0 }),
      queries: [{ expression: highestGauge("mac_agent_journal_bytes"), legend: "{{instance}}" }],
      width: 6,
    },
    {
      title: "Snapshots",
      description: `${about("mac_agent_journal_snapshots")} ${fewOfMany}`,
      view: lines("short", { min: 0 }),
      queries: [{ expression: highestGauge("mac_agent_journal_snapshots"), legend: "{{instance}}" }],
      width: 6,
    },
    {
      title: "Reaches back",
      description: `Age of the oldest snapshot in the journal. ${fewOfMany}`,
      view: lines("s", { min: 0 }),
      queries: [
        {
          expression: longestSince("mac_agent_journal_oldest_timestamp_seconds"),
          legend: "{{instance}}",
        },
      ],
      width: 6,
    },
    {
      title: "Without its disk",
      description: `${about("mac_agent_journal_degraded")} ${fewOfMany}`,
      view: timeline("none", yesIsBad),
      queries: [{ expression: highestGauge("mac_agent_journal_degraded"), legend: "{{instance}}" }],
      width: 6,
    },
    {
      ...events(
        "Snapshots lost",
        "Snapshots that the journal gave up before every sink had them, by cause.",
        "mac_agent_journal_dropped_snapshots_total",
        ["instance", "reason"],
      ),
      width: 18,
    },
    {
      title: "Set aside",
      description: `${about("mac_agent_journal_set_aside_total")} Since the agent started. ${fewOfMany}`,
      view: lines("short", { min: 0 }),
      queries: [{ expression: highestGauge("mac_agent_journal_set_aside_total"), legend: "{{instance}}" }],
      width: 6,
    },
  ],
};
