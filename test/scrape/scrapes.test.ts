/** All targets of a configuration: what a reload changes, and targets from files. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import type { HttpClient } from "../../src/runtime/http/http.ts";
import type { Snapshot } from "../../src/meter/snapshot.ts";
import { createScrapes } from "../../src/scrape/scrapes.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { temporaryFolder } from "../support/folder.ts";
import { recordingLogger } from "../support/log.ts";
import { configOf } from "./scraping.ts";

const times = { scrape_interval: 10_000, scrape_timeout: 5000 };

function rig(context: TestContext) {
  const clock = fakeClock();
  const log = recordingLogger();
  const published: Snapshot[] = [];
  const open = new Set<HttpClient>();
  const closing = new AbortController();
  context.after(() => closing.abort());
  const scrapes = createScrapes({
    clock,
    log,
    version: "1.2.3",
    instance: "mac",
    signal: closing.signal,
    listener: {
      publish: (snapshot) => void published.push(snapshot),
      failed: () => undefined,
      dropped: () => undefined,
    },
    createClient() {
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
    scrapes,
    published,
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
  const { scrapes, clock, names, log } = rig(context);
  const folder = temporaryFolder(context);
  const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
  write("one.json", JSON.stringify([{ targets: ["a:1"], labels: { rack: "r" } }]));
  write("two.yml", "- targets: [b:1]\n");
  const files = { file_sd_configs: [{ files: [join(folder, "*.json"), join(folder, "two.yml")] }] };
  await scrapes.apply([configOf(files)], times);
  assert.deepEqual(names(), ["node/a:1", "node/b:1"]);
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
