/** One target's scrapes as snapshots. */
import assert from "node:assert/strict";
import test from "node:test";
import { seriesKey } from "../../src/metric/series.ts";
import { createScrape } from "../../src/scrape/scrape.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { configOf, scrapeRig, targetOf, valuesOf } from "./scraping.ts";

const own = 'instance="127.0.0.1:9100",job="node"';

test("a scrape yields the target's series and those about the scrape, at the time of its start", async () => {
  const { scrape, clock } = scrapeRig();
  const body =
    '# HELP heat_celsius Heat\n# TYPE heat_celsius gauge\nheat_celsius{sensor="a"} 41.5\nprocess_start_time_seconds 1700000000.25\n';
  const start = clock.now();
  const { snapshots, series, failure } = await scrape(body);
  assert.equal(failure, undefined);
  const [snapshot] = snapshots;
  assert.ok(snapshot);
  assert.deepEqual(valuesOf(snapshot), {
    [`heat_celsius{${own},sensor="a"}`]: 41.5,
    [`process_start_time_seconds{${own}}`]: 1700000000.25,
    [`up{${own}}`]: 1,
    [`scrape_duration_seconds{${own}}`]: 0,
    [`scrape_samples_scraped{${own}}`]: 2,
    [`scrape_samples_post_metric_relabeling{${own}}`]: 2,
    [`scrape_series_added{${own}}`]: 2,
  });
  assert.deepEqual([snapshot.time, snapshot.starts, series], [start, { agent: 1_700_000_000_250 }, 2]);
  assert.equal(snapshot.source, "scrape node/127.0.0.1:9100");
  const { metric } = snapshot.set.series[0] ?? {};
  assert.deepEqual([metric?.type, metric?.help, metric?.scraped], ["gauge", "Heat", true]);
});

test("while a target's series stay the same, all snapshots share one set, and nothing is added", async () => {
  const { scrape, clock } = scrapeRig();
  const first = await scrape("a 1\nb 2\n");
  await clock.advance(1000);
  const second = await scrape("a 3\nb 4\n");
  assert.equal(first.snapshots[0]?.set, second.snapshots[0]?.set);
  assert.equal(valuesOf(second.snapshots[0] ?? assert.fail())[`scrape_series_added{${own}}`], 0);
  await clock.advance(1000);
  const third = await scrape("a 3\nc 4\nd 5\n");
  assert.equal(valuesOf(third.snapshots[0] ?? assert.fail())[`scrape_series_added{${own}}`], 2);
});

test("a failed scrape is up 0 with its reason, and the next one adds all series anew", async () => {
  const { scrape } = scrapeRig();
  await scrape("a 1\n");
  const failed = await scrape({ ok: false, reason: "connect", message: "cannot connect" });
  assert.deepEqual(failed.failure, { reason: "connect", message: "cannot connect" });
  const broken = await scrape("a 1\nb one\n");
  assert.equal(broken.failure?.reason, "syntax");
  for (const { snapshots } of [failed, broken]) {
    const names = snapshots[0]?.set.series.map(({ name }) => name);
    assert.equal(names?.length, 5);
    assert.equal(valuesOf(snapshots[0] ?? assert.fail())[`up{${own}}`], 0);
  }
  const again = await scrape("a 1\n");
  assert.equal(valuesOf(again.snapshots[0] ?? assert.fail())[`scrape_series_added{${own}}`], 1);
});

const clash = 'a{job="own",instance="mine",exported_job="x"} 1\n';

test("a target's label stands above the series' own, which becomes exported_", async () => {
  const { snapshots } = await scrapeRig().scrape(clash);
  assert.equal(
    seriesKey(snapshots[0]?.set.series[0] ?? assert.fail()),
    `a{exported_exported_job="own",exported_instance="mine",exported_job="x",${own}}`,
  );
});

test("with honor_labels the series' own stay", async () => {
  const { snapshots } = await scrapeRig({ honor_labels: true }).scrape(clash);
  assert.equal(
    seriesKey(snapshots[0]?.set.series[0] ?? assert.fail()),
    'a{exported_job="x",instance="mine",job="own"}',
  );
});

test("metric_relabel_configs drop and rename; of two that become one the first counts", async () => {
  const metric_relabel_configs = [
    { source_labels: ["__name__"], regex: "go_.*", action: "drop" },
    { regex: "cpu", action: "labeldrop" },
    { source_labels: ["__name__"], regex: "old", target_label: "__name__", replacement: "new" },
  ];
  const body = '# TYPE a counter\na{cpu="0"} 1\na{cpu="1"} 2\ngo_x 3\n# TYPE old counter\nold 4\n';
  const scraped = await scrapeRig({ metric_relabel_configs }).scrape(body);
  const values = valuesOf(scraped.snapshots[0] ?? assert.fail());
  assert.deepEqual([values[`a{${own}}`], values[`new{${own}}`]], [1, 4]);
  assert.equal(values[`scrape_samples_scraped{${own}}`], 4);
  assert.equal(values[`scrape_samples_post_metric_relabeling{${own}}`], 2);
  assert.equal(scraped.duplicates, 1);
  const renamed = scraped.snapshots[0]?.set.series.find(({ name }) => name === "new");
  assert.equal(renamed?.metric.type, "unknown");
});

test("what exceeds a limit fails the scrape with the limit's name", async () => {
  const cases = [
    [{ sample_limit: 1 }, "a 1\nb 2\n", "sample_limit", /at most 1 samples, got 2/],
    [{ label_limit: 3 }, 'a{x="1"} 1\n', "label_limit", /at most 3 labels, got 4/],
    [{ label_name_length_limit: 8 }, 'a{abcdefghi="1"} 1\n', "label_limit", /up to 8 characters, got 9/],
    [{ label_value_length_limit: 16 }, `a{x="${"y".repeat(17)}"} 1\n`, "label_limit", /got 17 in x/],
  ] as const;
  for (const [limits, body, reason, message] of cases) {
    const { failure, snapshots } = await scrapeRig(limits).scrape(body);
    assert.equal(failure?.reason, reason);
    assert.match(failure.message, message);
    assert.equal(valuesOf(snapshots[0] ?? assert.fail())[`up{${own}}`], 0);
  }
});

test("names in a reason are short and printable", async () => {
  const body = `# TYPE x gauge\n{"x\\n\u001b[31m${"y".repeat(500)}",a="b",c="d"} 1\n# EOF\n`;
  const { failure } = await scrapeRig({ label_limit: 1 }).scrape(body, "openmetrics");
  assert.match(failure?.message ?? "", /^x\\n\\u001b\[31my{90,100} must have at most 1 labels/);
});

test("what nothing drops is read up to the limit alone, and more where metric_relabel_configs may drop it", async () => {
  const body = Array.from({ length: 60_000 }, (_, at) => `s${at} 1\n`).join("");
  const all = await scrapeRig().scrape(body);
  assert.equal(all.failure?.reason, "series_limit");
  assert.match(all.failure.message, /at most 50000 series, got another at line 50001/);
  const metric_relabel_configs = [{ source_labels: ["__name__"], regex: "s.{4,}", action: "drop" }];
  const some = await scrapeRig({ metric_relabel_configs }).scrape(body);
  assert.deepEqual([some.failure, some.series], [undefined, 1000]);
});

test("a sample with a timestamp keeps it, once, and is not part of the scrape's own snapshot", async () => {
  const { scrape, clock } = scrapeRig();
  const { snapshots } = await scrape('a{c="1"} 1 1000\na{c="2"} 2 500\nb 3\n');
  const [early, late, plain] = snapshots;
  assert.deepEqual([early?.time, late?.time, plain?.time], [500, 1000, clock.now()]);
  assert.deepEqual([early?.values[0], late?.values[0]], [2, 1]);
  assert.equal(plain?.set.series.filter(({ name }) => name === "a").length, 0);
  const again = await scrape('a{c="1"} 1 1000\na{c="2"} 5 900\nb 3\n');
  assert.deepEqual(
    again.snapshots.map(({ time, source }) => [time, source.split(" ")[3]]),
    [
      [900, "1"],
      [clock.now(), undefined],
    ],
  );
  const older = await scrape('a{c="1"} 1 999\nb 3\n');
  assert.deepEqual([older.late, older.snapshots.length], [1, 1]);
});

test("without honor_timestamps every sample has the scrape's time", async () => {
  const { scrape, clock } = scrapeRig({ honor_timestamps: false });
  const { snapshots } = await scrape("a 1 1000\n");
  assert.deepEqual([snapshots.length, snapshots[0]?.time], [1, clock.now()]);
});

test("a target's own up wins over ours", async () => {
  const { snapshots } = await scrapeRig().scrape("up 7\n");
  const values = valuesOf(snapshots[0] ?? assert.fail());
  assert.equal(values[`up{${own}}`], 7);
  assert.equal(Object.keys(values).length, 5);
});

test("samples with timestamps find a lane that takes them after a restart", async () => {
  const lastTimes = new Map([["scrape with timestamps 0 node/a:1", 200]]);
  const config = configOf();
  const scrape = createScrape(targetOf(config, "a:1"), config, {
    clock: fakeClock(),
    ask: () => Promise.resolve({ ok: true, body: Buffer.from("a 1 300\nb 2 150\n"), format: "text" }),
    relabel: (labels) => labels,
    lastTimeOf: (source) => lastTimes.get(source),
  });
  const { snapshots } = await scrape(new AbortController().signal);
  assert.deepEqual(
    snapshots.slice(0, 2).map(({ source, time }) => [source, time]),
    [
      ["scrape with timestamps 1 node/a:1", 150],
      ["scrape with timestamps 0 node/a:1", 300],
    ],
  );
});
