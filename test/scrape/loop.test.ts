/** When a target is scraped, what ends its series, and what is logged. */
import assert from "node:assert/strict";
import test from "node:test";
import { startScrapeLoop, type ScrapeListener } from "../../src/scrape/loop.ts";
import type { Scraped } from "../../src/scrape/scrape.ts";
import type { Snapshot } from "../../src/meter/snapshot.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { recordingLogger } from "../support/log.ts";
import { configOf, scrapeRig, targetOf } from "./scraping.ts";

const failure = { reason: "connect", message: "cannot connect to a:1: connection refused" } as const;

function rig(offsetMs = 2000) {
  const clock = fakeClock();
  const log = recordingLogger();
  const published: Snapshot[] = [];
  const counted: string[] = [];
  const listener: ScrapeListener = {
    publish: (snapshot) => void published.push(snapshot),
    failed: (job, reason) => void counted.push(`${job} ${reason}`),
    dropped: (job, reason, samples) => void counted.push(`${job} ${reason} ${samples}`),
  };
  const target = targetOf(configOf({ scrape_interval: "10s" }), "a:1");
  const answer = scrapeRig();
  const it = {
    clock,
    log,
    published,
    counted,
    /** What each scrape becomes. */
    become: (scraped: Scraped): Scraped => scraped,
    tookMs: 0,
    times: () => published.map(({ time }) => time - start),
  };
  const start = clock.now();
  const loop = startScrapeLoop(target, {
    clock,
    log,
    listener,
    job: "block",
    offsetMs,
    async scrape(signal) {
      const time = clock.now();
      await clock.sleep(it.tookMs, signal);
      const scraped = await answer.scrape("a 1\n");
      return it.become({ ...scraped, snapshots: scraped.snapshots.map((one) => ({ ...one, time })) });
    },
  });
  return Object.assign(it, { loop });
}

test("scrapes keep their place in the interval", async () => {
  const { clock, times, loop } = rig();
  await clock.advance(31_999);
  assert.deepEqual(times(), [2000, 12_000, 22_000]);
  await loop.stop();
  await clock.advance(60_000);
  assert.equal(times().length, 3);
});

test("a target that hangs, and may take the whole interval, is missed in none", async () => {
  const it = rig();
  it.tookMs = 10_003;
  await it.clock.advance(62_000);
  assert.deepEqual(it.times(), [2000, 12_003, 22_006, 32_009, 42_012]);
});

test("what was missed is skipped, and a slow scrape delays only itself", async () => {
  const it = rig();
  it.tookMs = 9000;
  await it.clock.advance(11_500);
  it.clock.step(25_000);
  it.tookMs = 0;
  await it.clock.advance(30_000);
  // The scrape that waited while the clock was set comes once, after an end of the series; the next ones are in their place again.
  assert.deepEqual(it.times(), [2000, 2001, 37_000, 42_000, 52_000, 62_000]);
});

test("sleep ends a target's series right after the last sample before it", async () => {
  const it = rig();
  await it.clock.advance(5000);
  it.clock.step(3_600_000);
  await it.clock.advance(20_000);
  const [before, end, after] = it.published;
  assert.equal(end?.time, (before?.time ?? 0) + 1);
  assert.equal(end.set.series.length, 0);
  assert.ok((after?.time ?? 0) > end.time);
});

test("each failure is counted, each change is logged once, and the state says what the last scrape found", async () => {
  const it = rig();
  await it.clock.advance(5000);
  assert.deepEqual([it.loop.state.up, it.loop.state.series], [true, 1]);
  it.become = (scraped) => ({ ...scraped, series: 0, failure });
  await it.clock.advance(30_000);
  assert.equal(it.loop.state.up, false);
  assert.equal(it.loop.state.lastFailure?.reason, failure.message);
  it.become = (scraped) => scraped;
  await it.clock.advance(10_000);
  assert.deepEqual(it.counted, ["block connect", "block connect", "block connect"]);
  assert.deepEqual(
    it.log.lines.map(({ message }) => message),
    [`cannot scrape a:1: ${failure.message}`, "a:1 can be scraped again"],
  );
});

test("a scrape that is given up says nothing", async () => {
  const it = rig();
  it.tookMs = 5000;
  await it.clock.advance(4000);
  await it.loop.stop();
  assert.deepEqual(it.published, []);
});

test("a scrape that throws is logged, and the next one comes at its time", async () => {
  const it = rig();
  it.become = () => assert.fail("a bug");
  await it.clock.advance(2000);
  it.become = (scraped) => scraped;
  await it.clock.advance(10_000);
  await it.loop.stop();
  assert.deepEqual(it.times(), [12_000]);
  assert.match(it.log.texts.join("\n"), /^error cannot take a scrape of a:1: a bug/);
});
