/** Behaviours of times: of samples, of what they count from, and of the ends of series. */
import assert from "node:assert/strict";
import {
  allSeries,
  labelsOf,
  marksOf,
  named,
  samplesOf,
  upTimes,
  type Behaviour,
  type Exchange,
} from "./behaviour.ts";
import { bitsOf, staleBits, type TimeSeries } from "./message.ts";

const processStart = 1_700_000_000_250;
const created = 1_700_000_500_125;

export const timesExposition = `# TYPE process_start_time_seconds gauge
process_start_time_seconds ${processStart / 1000}
# TYPE times_counted_total counter
times_counted_total 100
`;

export const openMetricsTimes = `# TYPE times_created counter
times_created_total 100
times_created_created ${created / 1000}
# TYPE times_seconds histogram
times_seconds_bucket{le="+Inf"} 100
times_seconds_sum 250.5
times_seconds_count 100
times_seconds_created ${created / 1000}
# TYPE times_unstarted counter
times_unstarted_total 100
`;

const hour = 3_600_000;
const stamps = { past: Date.now() - 60_000, zero: 0, future: Date.now() + 24 * hour };

export const stampedExposition = `# TYPE stamped gauge
${Object.entries(stamps)
  .map(([name, time]) => `stamped{at="${name}"} 42 ${time}\n`)
  .join("")}# TYPE stamped_not gauge
stamped_not 42
`;

/** Of scrapes without timestamps of their own. */
function scraped(requests: Exchange["two"]): readonly TimeSeries[] {
  return allSeries(requests).filter((series) => labelsOf(series)["__name__"] !== "stamped");
}

function timesOf(series: readonly TimeSeries[]): readonly number[] {
  return [...new Set(samplesOf(series).map(({ timestamp }) => timestamp))];
}

/** The last of it is a mark, and no two marks have no sample between them. */
function assertEnds(series: readonly TimeSeries[]): void {
  const isMark = series.flatMap(({ samples }) => samples.map(({ value }) => value === staleBits));
  assert.equal(isMark.at(-1), true);
  assert.ok(isMark.every((mark, at) => !(mark && isMark[at - 1] === true)));
}

function starts(requests: Exchange["two"], name: string): readonly number[] {
  return [...new Set(samplesOf(named(requests, name)).map(({ startTimestamp }) => startTimestamp))];
}

export const times: readonly Behaviour<Exchange>[] = [
  {
    section: "Protobuf Message",
    level: "MUST",
    name: "times are whole milliseconds since the Unix epoch, between the agent's start and the request",
    cases: [
      "timestamps: timestamp_int64_milliseconds",
      "samples: timestamp_milliseconds_format",
      "samples: timestamp_recent",
      "timestamps: timestamp_future_values",
    ],
    judge({ two, one, began }) {
      for (const request of [...two, ...one])
        for (const { samples } of scraped([request]))
          for (const { timestamp } of samples) assert.ok(timestamp >= began && timestamp <= request.arrived);
    },
  },
  {
    section: "beyond the specification",
    level: "–",
    name: "all series of a scrape have its time, to the millisecond",
    cases: ["timestamps: timestamp_precision"],
    judge({ two, one }) {
      for (const requests of [two, one]) {
        const scrapes = upTimes(requests, "text");
        assert.deepEqual(timesOf(named(requests, "times_counted_total")), scrapes);
        // Scrapes are no whole seconds apart.
        assert.ok(scrapes.some((time) => time % 1000 !== 0));
      }
    },
  },
  {
    section: "beyond the specification",
    level: "–",
    name: "a timestamp that the target writes is the sample's, 0 included, and is sent once",
    cases: ["edge_cases: zero_timestamp"],
    judge({ two, one }) {
      for (const requests of [two, one]) {
        for (const at of ["past", "zero"] as const)
          assert.deepEqual(
            samplesOf(named(requests, "stamped", { at })).map(({ timestamp }) => timestamp),
            [stamps[at]],
          );
      }
    },
  },
  {
    section: "beyond the specification",
    level: "–",
    name: "a sample of tomorrow, by the receiver's clock, waits until then and holds no other up",
    cases: ["edge_cases: future_timestamp"],
    judge({ two }) {
      assert.ok(allSeries(two).every((series) => labelsOf(series)["at"] !== "future"));
      assert.ok(timesOf(named(two, "stamped_not")).length >= 3);
    },
  },
  {
    section: "Samples and Histogram Samples",
    level: "MUST",
    name: "a series that is no longer exposed ends with one stale marker, 0x7ff0000000000002, after its last sample",
    cases: [],
    judge({ two, one }) {
      for (const requests of [two, one]) assertEnds(named(requests, "times_vanishing"));
    },
  },
  {
    section: "Samples and Histogram Samples",
    level: "MUST",
    name: "a scrape that fails ends the series of its target",
    cases: [],
    judge({ two, one }) {
      for (const requests of [two, one]) {
        assertEnds(named(requests, "times_gone_total"));
        const [mark] = marksOf(named(requests, "times_gone_total"));
        const up = samplesOf(named(requests, "up", { job: "gone" }));
        assert.equal(up.find(({ timestamp }) => timestamp === mark?.timestamp)?.value, bitsOf(0));
      }
    },
  },
  {
    section: "Samples and Histogram Samples",
    level: "MUST",
    name: "SIGINT sends what waits and ends every series once, but for those with timestamps of their own",
    cases: [],
    judge({ two, one }) {
      for (const requests of [two, one]) {
        const all = Map.groupBy(scraped(requests), ({ labels }) => JSON.stringify(labels));
        for (const series of all.values()) assertEnds(series);
        assert.deepEqual(marksOf(named(requests, "stamped")), []);
      }
    },
  },
  {
    section: "Samples and Histogram Samples",
    level: "MUST",
    name: "the marker is no value: a target that exposes its name fails the scrape",
    cases: ["edge_cases: stale_marker"],
    judge({ two }) {
      assert.deepEqual(upTimes(two, "invalid"), []);
      assert.ok(allSeries(two).every((series) => labelsOf(series)["__name__"] !== "times_invalid"));
    },
  },
  {
    section: "Samples and Histogram Samples",
    level: "SHOULD",
    name: "a counter's start is that of its _created, or else of the target's process",
    cases: ["timestamps: start_timestamp_for_counters"],
    judge({ two }) {
      assert.deepEqual(starts(two, "times_created_total"), [created]);
      assert.deepEqual(starts(two, "times_counted_total"), [processStart]);
    },
  },
  {
    section: "Samples and Histogram Samples",
    level: "SHOULD",
    name: "a classic histogram's start goes with all of its series",
    cases: ["timestamps: start_timestamp_for_histograms"],
    judge({ two }) {
      for (const part of ["bucket", "sum", "count"])
        assert.deepEqual(starts(two, `times_seconds_${part}`), [created]);
    },
  },
  {
    section: "Samples and Histogram Samples",
    level: "SHOULD",
    name: "a start that nobody exposed is left out, and none is after its sample",
    cases: [
      "timestamps: start_timestamp_before_sample_timestamp",
      "timestamps: start_timestamp_zero_handling",
    ],
    judge({ two }) {
      assert.deepEqual(starts(two, "times_unstarted_total"), [0]);
      assert.deepEqual(starts(two, "times_gone_total"), [0]);
      for (const { startTimestamp, timestamp } of samplesOf(scraped(two)))
        assert.ok(startTimestamp === 0 || (startTimestamp > 1e12 && startTimestamp <= timestamp));
    },
  },
];
