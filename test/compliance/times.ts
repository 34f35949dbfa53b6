/** Behaviours of times: of samples, of what they count from, and of the ends of series. */
import assert from "node:assert/strict";
import { allSeries, marksOf, named, samplesOf, type Behaviour, type Exchange } from "./behaviour.ts";

/** Only the first scrape of the target has it. */
export const vanishing = `# TYPE times_vanishing gauge
times_vanishing 1
`;

export const timesExposition = `# TYPE times_counted_total counter
times_counted_total 100
`;

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
      for (const { message, arrived } of [...two, ...one])
        for (const { samples } of message.series)
          for (const { timestamp } of samples) assert.ok(timestamp >= began && timestamp <= arrived);
    },
  },
  {
    section: "Samples and Histogram Samples",
    level: "MUST",
    name: "a series that is no longer exposed ends with one stale marker, 0x7ff0000000000002, after its last sample",
    cases: ["edge_cases: stale_marker"],
    judge({ two, one }) {
      for (const requests of [two, one]) {
        const series = named(requests, "times_vanishing");
        const last = samplesOf(series).at(-1)?.timestamp ?? Infinity;
        const marks = marksOf(series);
        assert.equal(marks.length, 1);
        assert.ok(marks.every(({ timestamp }) => timestamp > last));
      }
    },
  },
  {
    section: "Samples and Histogram Samples",
    level: "MUST",
    name: "a start is milliseconds since the Unix epoch and not after its sample; one that nobody exposed is left out",
    cases: [
      "timestamps: start_timestamp_before_sample_timestamp",
      "timestamps: start_timestamp_zero_handling",
    ],
    judge({ two }) {
      for (const { startTimestamp, timestamp } of samplesOf(allSeries(two)))
        assert.ok(startTimestamp === 0 || (startTimestamp > 1e12 && startTimestamp <= timestamp));
      const counted = samplesOf(named(two, "times_counted_total"));
      assert.ok(counted.every(({ startTimestamp }) => startTimestamp === 0));
    },
  },
];
