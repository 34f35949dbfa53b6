/** Estimates follow from the formulas of the guide, config/examples/fleet.md. */
import assert from "node:assert/strict";
import test from "node:test";
import { fittingRate, hostsOn, liveRate, secondsToDrain } from "./estimate.ts";
import { carries, extrapolation } from "./extrapolation.ts";
import type { Phase, PhaseResult } from "./phase.ts";
import { newTallies } from "./tally.ts";

const phase: Phase = {
  title: "09:00",
  job: "test",
  hosts: 1000,
  intervalMs: 15_000,
  durationMs: 600_000,
  churn: 0,
  backlogMs: 28_800_000,
  drainRate: 0,
  jitter: false,
  protocol: "v1",
};
/** 1000 Macs of 96 series, those with most of 177. */
const series = 96_000;
const backlog = { all: 1920 * series, most: 1920 * 177, left: 0, limits: { maxSamples: 2000, maxBodies: 8 } };

function result(answered: number, seconds: number, cores: number | undefined): PhaseResult {
  return {
    phase,
    seconds,
    tallies: { ...newTallies(), answered },
    series,
    backlog,
    sleeps: 0,
    receiver: { isOurs: true, rssBytes: 400 * 2 ** 20, ...(cores !== undefined && { cores }) },
    own: { cores: 1.1, rssBytes: 0 },
  };
}

test("half of the receiver beside live data is divided by the Macs", () => {
  assert.equal(liveRate(series, 15_000), 6400);
  assert.equal(fittingRate(2_170_000, 6400, 1000), 1078);
});

test("no drain rate fits when live data takes half of the receiver", () => {
  assert.equal(fittingRate(12_800, 6400, 1000), undefined);
  assert.equal(fittingRate(0, 6400, 1000), undefined);
});

test("a backlog takes as long as its own drain rate says, and the jitter before it", () => {
  assert.equal(secondsToDrain(184_500, 1000), 214.5);
});

test("nothing is said of Macs on a receiver whose CPU is too little to see", () => {
  assert.equal(hostsOn(1, 1000, 0.05), 20_000);
  assert.equal(hostsOn(1, 1000, 0), undefined);
  assert.match(carries(result(1, 1, undefined), undefined), /an unknown number of Macs/);
});

test("the lines under the table show each sum", () => {
  const free = result(184_320_000, 90, 0.9);
  const text = extrapolation({ free, drainRate: 1017, paced: result(184_320_000, 360, 0.4) });
  assert.deepEqual(
    text.split("\n").map((line) => line.replace(/ {3,}/g, " | ")),
    [
      "backlog | 1000 Macs · 1920 snapshots · 96.0 series | 184.32 M samples",
      "no limit | 184.32 M / 2.05 M | 90 s, as fast as it goes; measured: 90 s",
      "drain_rate | (2.05 M / 2 − 6400) / 1000 | 1017 samples a second and Mac, half of the receiver",
      "mean Mac | 184.3 k / 1017 + 30 s | 3.5 minutes",
      "largest Mac | 339.8 k / 1017 + 30 s | 6.1 minutes, all have caught up; measured: 6.0 minutes",
      "first batches | 1000 · 2 · 2000 / 30 s | 133.3 k samples a second at first, which it carries",
      "10000 Macs, same receiver | (2.05 M / 2 − 64.0 k) / 10000 | drain_rate 96",
      " | 339.8 k / 96 + 30 s | 59.5 minutes, all have caught up",
      " | 10000 · 2 · 2000 / 30 s | 1.33 M samples a second at first, which it carries",
      "10000 Macs, 10 times the receiver | (20.48 M / 2 − 64.0 k) / 10000 | drain_rate 1017",
      " | 339.8 k / 1017 + 30 s | 6.1 minutes, all have caught up",
      " | 10000 · 2 · 2000 / 30 s | 1.33 M samples a second at first, which it carries",
    ],
  );
});

test("the last line says what the receiver carries, of a backlog and of Macs that are awake", () => {
  const day = result(768_000, 120, 0.07);
  assert.equal(
    carries(day, result(184_320_000, 90, 0.9)),
    "this receiver carries at least 2.05 M samples/s of a backlog at 0.9 cores and 400 MB, that is " +
      "1000 · 0.9 / 0.07 = 12.9 k Macs of 96.0 series every 15 s at the cost of their ordinary day, on 0.9 cores",
  );
  assert.match(
    carries(day, undefined),
    /^this receiver carries 1000 · 1 \/ 0\.07 = 14\.3 k Macs .* on 1 core$/,
  );
});
