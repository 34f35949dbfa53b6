/** All targets of a configuration: what a reload changes, and targets from files. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import type { HttpClient } from "../../src/runtime/http/client.ts";
import type { LastOfSource, Snapshot } from "../../src/meter/snapshot.ts";
import { createScrapes } from "../../src/scrape/scrapes.ts";
import { seriesSet } from "../../src/metric/series.ts";
import { power } from "../journal/fixtures.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { temporaryFolder } from "../support/folder.ts";
import { recordingLogger } from "../support/log.ts";
import { configOf } from "./scraping.ts";

const times = { scrape_interval: 10_000, scrape_timeout: 5000 };

function rig(context: TestContext) {
  const clock = fakeClock();
  const log = recordingLogger();
  const published: Snapshot[] = [];
  /** As the journal has it. */
  const sources = new Map<string, LastOfSource>();
  const open = new Set<HttpClient>();
  const closing = new AbortController();
  context.after(() => closing.abort());
  let refuses = false;
  let reads = 0;
  const scrapes = createScrapes({
    clock,
    log,
    version: "1.2.3",
    instance: "mac",
    signal: closing.signal,
    asReader(work) {
      reads++;
      return work();
    },
    journal: { sources: () => sources },
    listener: {
      publish(snapshot) {
        published.push(snapshot);
        sources.set(snapshot.source, snapshot);
      },
      failed: () => undefined,
      dropped: () => undefined,
    },
    createClient() {
      if (refuses) throw new Error("no client");
      const client: HttpClient = {
        send: () =>
          Promise.resolve({
            kind: "response",
            status: 200,
            headers: { "content-type": "text/plain" },
            body: Buffer.from("a 1\n"),
            truncated: false,
            durationMs: 1,
            receivedAt: clock.now(),
          }),
        renew: () => undefined,
        [Symbol.asyncDispose]: () => {
          open.delete(client);
          return Promise.resolve();
        },
      };
      open.add(client);
      return client;
    },
  });
  return {
    clock,
    log,
    open,
    /** How often something was read as the account. */
    reads: () => reads,
    refuse: (now: boolean) => void (refuses = now),
    scrapes,
    published,
    sources,
    names: () => scrapes.targets().map(({ job, instance }) => `${job}/${instance}`),
    /** Series of each snapshot of a target, oldest first. */
    seriesOf: (name: string) =>
      published.filter(({ source }) => source === `scrape ${name}`).map(({ set }) => set.series.length),
  };
}

const targets = (...addresses: readonly string[]) => ({ static_configs: [{ targets: addresses }] });

test("a reload keeps what is the same, ends what is gone and starts what is new", async (context) => {
  const { scrapes, clock, names, seriesOf, open } = rig(context);
  await scrapes.apply([configOf(targets("a:1", "b:1"))], times);
  await clock.advance(10_000);
  assert.deepEqual([seriesOf("node/a:1"), seriesOf("node/b:1")], [[6], [6]]);
  await scrapes.apply([configOf(targets("b:1", "c:1")), configOf({ job_name: "other" })], times);
  assert.deepEqual(names(), ["node/b:1", "node/c:1"]);
  assert.deepEqual(seriesOf("node/a:1"), [6, 0]);
  await clock.advance(10_000);
  assert.deepEqual([seriesOf("node/b:1"), seriesOf("node/c:1")], [[6, 6], [6]]);
  await scrapes.finish();
  assert.deepEqual(
    [seriesOf("node/b:1"), seriesOf("node/c:1")],
    [
      [6, 6, 0],
      [6, 0],
    ],
  );
  assert.equal(open.size, 0);
  await clock.advance(60_000);
  assert.equal(seriesOf("node/b:1").length, 3);
});

test("a target that changes goes on under its name, without an end of its series", async (context) => {
  const { scrapes, clock, seriesOf } = rig(context);
  await scrapes.apply([configOf(targets("a:1"))], times);
  await clock.advance(10_000);
  await scrapes.apply([configOf({ ...targets("a:1"), metrics_path: "/other" })], times);
  await clock.advance(10_000);
  assert.deepEqual(seriesOf("node/a:1"), [6, 6]);
  await scrapes.finish();
});

test("targets come from files, and follow them", async (context) => {
  const { scrapes, clock, names, log, reads } = rig(context);
  const folder = temporaryFolder(context);
  const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
  write("one.json", JSON.stringify([{ targets: ["a:1"], labels: { rack: "r" } }]));
  write("two.yml", "- targets: [b:1]\n");
  const files = { file_sd_configs: [{ files: [join(folder, "*.json"), join(folder, "two.yml")] }] };
  await scrapes.apply([configOf(files)], times);
  assert.deepEqual(names(), ["node/a:1", "node/b:1"]);
  assert.equal(reads(), 3);
  write("one.json", "[{");
  write("three.json", JSON.stringify([{ targets: ["c:1"] }]));
  await clock.advance(300_000);
  await scrapes.apply([configOf(files)], times);
  assert.deepEqual(names().toSorted(), ["node/a:1", "node/b:1", "node/c:1"]);
  assert.match(log.texts.join("\n"), /cannot read targets from .*one\.json/);
  write("one.json", "[]");
  await clock.advance(300_000);
  await scrapes.apply([configOf(files)], times);
  assert.deepEqual(names().toSorted(), ["node/b:1", "node/c:1"]);
  await scrapes.finish();
});

test("what is wrong in a file of targets is said with its place", async (context) => {
  const { scrapes, log } = rig(context);
  const folder = temporaryFolder(context);
  const cases = {
    "map.json": ["{}", /must be a list/],
    "key.json": ['[{"targets":[],"port":1}]', /\[0\]: unknown key "port"/],
    "target.json": ['[{"targets":[1]}]', /\[0\]\.targets: must be a list of addresses/],
    "label.json": ['[{"targets":[],"labels":{"a-b":"c"}}]', /\[0\]\.labels: must have names/],
  } as const;
  for (const [name, [text]] of Object.entries(cases)) writeFileSync(join(folder, name), text);
  await scrapes.apply([configOf({ file_sd_configs: [{ files: [join(folder, "*.json")] }] })], times);
  for (const [, pattern] of Object.values(cases)) assert.match(log.texts.join("\n"), pattern);
  await scrapes.finish();
});

test("the end comes after a change that is under way, and no change comes after it", async (context) => {
  const { scrapes, clock, names, open, published } = rig(context);
  const applied = scrapes.apply([configOf(targets("a:1"))], times);
  const finished = scrapes.finish();
  await Promise.all([applied, finished]);
  await scrapes.apply([configOf(targets("b:1"))], times);
  await clock.advance(60_000);
  assert.deepEqual([names(), open.size, published], [[], 0, []]);
});

test("targets of two blocks that relabelling gives the same name are both scraped", async (context) => {
  const { scrapes, clock, published } = rig(context);
  const relabel_configs = [{ target_label: "job", replacement: "same" }];
  const block = (job_name: string, metrics_path: string) =>
    configOf({ job_name, metrics_path, relabel_configs, ...targets("a:1") });
  await scrapes.apply([block("one", "/1"), block("two", "/2"), block("three", "/2")], times);
  await clock.advance(10_000);
  assert.equal(new Set(published.map(({ source }) => source)).size, 2);
  await scrapes.finish();
});

test("what is wrong with targets is said once for as long as it lasts", async (context) => {
  const { scrapes, clock, log } = rig(context);
  const files = [join(temporaryFolder(context), "none.json")];
  await scrapes.apply([configOf({ file_sd_configs: [{ files, refresh_interval: "10s" }] })], times);
  await clock.advance(60_000);
  assert.equal(log.texts.filter((text) => text.includes("none.json")).length, 1);
  await scrapes.finish();
});

test("a look at files that throws is logged, and the next look comes", async (context) => {
  const { scrapes, clock, log, names, refuse } = rig(context);
  const path = join(temporaryFolder(context), "one.json");
  writeFileSync(path, "[]");
  const file_sd_configs = [{ files: [path], refresh_interval: "10s" }];
  await scrapes.apply([configOf({ file_sd_configs })], times);
  writeFileSync(path, JSON.stringify([{ targets: ["a:1"] }]));
  refuse(true);
  await clock.advance(10_000);
  assert.match(log.texts.join("\n"), /error cannot follow files of targets: no client/);
  refuse(false);
  await clock.advance(10_000);
  assert.deepEqual(names(), ["node/a:1"]);
  await scrapes.finish();
});

test("a pipe is no file of targets: reading it would never end", async (context) => {
  const { scrapes, log } = rig(context);
  const path = join(temporaryFolder(context), "pipe.json");
  execFileSync("mkfifo", [path]);
  await scrapes.apply([configOf({ file_sd_configs: [{ files: [path] }] })], times);
  assert.match(log.texts.join("\n"), /pipe\.json: must be a regular file/);
  await scrapes.finish();
});

test("what a killed process left open ends once: at once where its target is gone, else with the gap", async (context) => {
  const { scrapes, clock, sources, published, seriesOf } = rig(context);
  const set = seriesSet([{ metric: power, name: power.name, labels: [] }]);
  const before = clock.now() - 600_000;
  for (const source of ["scrape node/a:1", "scrape gone/b:1", "scrape with timestamps 0 gone/b:1", "agent"])
    sources.set(source, { time: before, set });
  await scrapes.apply([configOf(targets("a:1"))], times);
  assert.deepEqual(
    published.map(({ source, time }) => [source, time]),
    [["scrape gone/b:1", clock.now()]],
  );
  await clock.advance(10_000);
  assert.deepEqual(seriesOf("node/a:1"), [0, 6]);
  assert.equal(published[1]?.time, before + 1);
  await scrapes.finish();
  assert.equal(published.length, 4);
});
