/** The page as it is sent: complete without JavaScript, and hostile words stay words. */
import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import fc from "../../support/property.ts";
import { createFeed } from "../../../src/status/feed.ts";
import type { StatusBoard } from "../../../src/status/board.ts";
import { boundsOf } from "../../../src/status/time-range.ts";
import type { Status } from "../../../src/status/status.ts";
import { pageRoutes } from "../../../src/endpoint/page/routes.ts";
import { chartTable, charts } from "../../../src/endpoint/page/charts.ts";
import {
  bytes,
  clockTime,
  count,
  hertz,
  localDateTime,
  percent,
  span,
  tilesOf,
  wattHours,
  watts,
} from "../../../src/status/view.ts";
import { html } from "../../../src/endpoint/page/html.ts";
import { liveParts } from "../../../src/endpoint/page/live.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import {
  laptopReadings,
  sinkStatus,
  statusOf,
  statusTime,
  targetDown,
  targetNotYet,
  targetStatus,
} from "../../support/status.ts";
import { ask, openEndpoint } from "../endpoint.ts";

const board: StatusBoard = {
  feed: createFeed(fakeClock(), () => "{}"),
  status: () =>
    statusOf({ targets: [targetStatus, targetDown], configuration: "journal:\n  path: /var/x\n" }),
  history: (range) => ({
    version: 1,
    ...(typeof range === "string" && { range }),
    ...boundsOf(range, statusTime, 0),
    origin: "journal",
    groups: [{ source: "powermetrics", time: [statusTime - 1000], columns: { "power.cpu": [1.25] } }],
  }),
};

const openPage = (t: TestContext) => openEndpoint(t, { deps: { routes: pageRoutes(board) } });

test("the document has state, figures, sinks, sources, targets, events and configuration by itself", async (t) => {
  const { port } = await openPage(t);
  const { text, headers } = await ask(port, "/");
  assert.equal(headers["content-type"], "text/html; charset=utf-8");
  for (const words of [
    "All well",
    "studio.lan",
    "1.25 W",
    "http://desk:9090/api/v1/write",
    "delivering",
    "Scrape targets",
    "1 of 2 up",
    "listening",
    "path: /var/x",
  ])
    assert.ok(text.includes(words), words);
  assert.ok(!text.includes("SIMULATED"));
});

test("a strict policy lets in only what the agent itself serves", async (t) => {
  const { port } = await openPage(t);
  const { text, headers } = await ask(port, "/");
  const policy = String(headers["content-security-policy"]);
  assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self'/);
  assert.ok(!policy.includes("unsafe"));
  assert.match(policy, /form-action 'self'/);
  assert.ok(!/ style="| on[a-z]+="|<style|<script>/.test(text));
  for (const [, address] of text.matchAll(/(?:src|href)="([^"]*)"/g)) assert.match(address ?? "", /^[/#]/);
});

test("the address says which part of the past the document shows, in its links and its form", async (t) => {
  const { port } = await openPage(t);
  const current = (text: string): string[] =>
    [...text.matchAll(/aria-current="true" *>([^<]*)</g)].map(([, words = ""]) => words.trim());
  assert.deepEqual(current((await ask(port, "/")).text), ["10 minutes"]);
  assert.deepEqual(current((await ask(port, "/?range=1d")).text), ["day"]);
  const local = (ms: number): string => localDateTime(ms).slice(0, 16);
  const own = await ask(port, `/?from=${local(statusTime - 120_000)}&to=${local(statusTime)}`);
  assert.deepEqual(current(own.text), []);
  assert.match(own.text, /Reset zoom/);
  assert.ok(own.text.includes(`value="${localDateTime(statusTime - 120_000)}"`));
  const wrong = await ask(port, "/?from=%3Cimg%3E&to=x");
  assert.match(wrong.text, /id="history-note" role="status">from and to must be times/);
  assert.deepEqual(current(wrong.text), ["10 minutes"]);
});

test("assets are named by their content and kept for ever under that name only", async (t) => {
  const { port } = await openPage(t);
  const { text } = await ask(port, "/");
  for (const kind of ["page.js", "page.css", "icon.svg"]) {
    const address = new RegExp(`/assets/${kind}\\?v=[\\w-]{12}`).exec(text)?.[0];
    assert.ok(address, kind);
    const named = await ask(port, address);
    assert.equal(named.status, 200);
    assert.equal(named.headers["cache-control"], "private, max-age=31536000, immutable");
    assert.equal((await ask(port, `/assets/${kind}?v=old`)).headers["cache-control"], "no-cache");
  }
});

test("whatever text is put into HTML, it ends up as text", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const { markup } = html`<p title="${text}">${text}</p>`;
      const inner = markup.slice('<p title="'.length, -"</p>".length);
      assert.ok(!/[<>]/.test(inner.replace('">', "")));
      assert.equal(inner.split('"').length, 2);
    }),
  );
});

test("a hostile host, core, target, reason and event stay text", () => {
  const evil = `<img src=x onerror=alert(1)>"'\u202e`;
  const status = statusOf({
    machine: { simulated: true, model: evil, osBuild: evil },
    overall: { level: "failing", problems: [evil] },
    sinks: [
      {
        ...sinkStatus,
        target: evil,
        type: evil,
        dropped: { [evil]: 1 },
        lastFailure: { time: statusTime, code: evil, reason: evil, advice: evil },
      },
    ],
    targets: [
      {
        ...targetDown,
        job: evil,
        instance: evil,
        address: evil,
        lastFailure: { time: statusTime, reason: evil },
      },
    ],
    events: [{ time: 0, level: "error", message: evil }],
  });
  for (const [id, view] of Object.entries(liveParts)) assert.ok(!/<img|\u202e/.test(view(status).markup), id);
  const [chart] = charts;
  assert.ok(chart);
  const groups = [{ source: "powermetrics", time: [1], columns: { [`power.${evil}`]: [1] } }];
  assert.ok(!chartTable(chart, { groups, toMs: 1 }).markup.includes("<img"));
});

test("targets are shown with state, figures and why they are down, and nothing where there are none", () => {
  assert.equal(liveParts.targets(statusOf()).markup, "");
  const targets = [targetStatus, targetDown, targetNotYet];
  const { markup } = liveParts.targets(statusOf({ targets }));
  assert.match(markup, /Scrape targets<\/h2>\s*<p class="note">1 of 3 up, 1 not yet</);
  const rows = markup.match(/<tr data-target[^]*?<\/tr>/g)?.map((row) =>
    row
      .replaceAll(/<[^>]*>/g, " ")
      .replaceAll(/\s+/g, " ")
      .trim(),
  );
  assert.deepEqual(rows, [
    "node 127.0.0.1:9100 ✓ up 5 s ago 23 ms 1 234 15 s http://127.0.0.1:9100/metrics",
    "macmon 127.0.0.1:9090 ✕ down cannot connect to 127.0.0.1:9090: connection refused 5 s ago 2 ms 0 15 s http://127.0.0.1:9090/metrics",
    "llama 127.0.0.1:8080 … not yet none yet 60 s http://127.0.0.1:8080/metrics",
  ]);
});

test("what the machine does not report is said to be so, and zero is zero", () => {
  const unknown = liveParts.tiles(statusOf({ readings: { ...statusOf().readings, power: {} } })).markup;
  assert.match(unknown, /CPU power<\/dt>\s*<dd class="value absent">not reported/);
  assert.match(liveParts.tiles(statusOf()).markup, /Neural Engine<\/dt>\s*<dd class="value">0 mW/);
});

const tileTexts = (readings: Status["readings"]): readonly string[] =>
  tilesOf(readings).map(({ title, value, note }) =>
    [title, value ?? "not reported", ...(note === undefined ? [] : [note])].join(" · "),
  );

test("an Intel Mac's package leads, and rails that it contains leave no empty tiles", () => {
  const readings = {
    ...statusOf().readings,
    power: { package: 8.25 },
    gpus: [
      { gpu: "0 Intel UHD Graphics 630", memoryBytes: 2 ** 30, loadPercent: 4 },
      { gpu: "1 AMD Radeon Pro 5500M", memoryBytes: 2 ** 31 },
    ],
  };
  const texts = tileTexts(readings);
  assert.deepEqual(texts.slice(0, 3), [
    "Package power · 8.25 W",
    "CPU activity · 25 %",
    "GPU activity · 10 %",
  ]);
  assert.ok(texts.includes("Memory of GPU 0 · 1.0 GiB · Intel UHD Graphics 630, 4.0 % load"));
  assert.ok(texts.includes("Memory of GPU 1 · 2.0 GiB · AMD Radeon Pro 5500M"));
  assert.ok(!texts.some((text) => text.includes("not reported")));
});

test("memory that is used has a tile before its pressure is known", () => {
  const { memory } = statusOf().readings;
  const { pressure: _, ...unknown } = memory;
  const tiles = tileTexts({ ...statusOf().readings, memory: unknown });
  assert.ok(tiles.includes("Memory used · 3.0 GiB · of 16.0 GiB"));
  assert.ok(tileTexts(statusOf().readings).includes("Memory pressure · normal · 3.0 GiB used of 16.0 GiB"));
});

test("a desktop has its power source in place of a battery, a laptop no adapter that gives nothing", () => {
  const { battery } = laptopReadings;
  const withBattery = (changed: Status["readings"]["battery"]): readonly string[] =>
    tileTexts({ ...laptopReadings, battery: changed });
  assert.ok(withBattery({ source: "AC Power" }).includes("Power source · AC Power"));
  assert.ok(
    withBattery({ ...battery, watts: -6.5, adapterWatts: 0 }).includes("Out of the battery · 6.50 W"),
  );
  assert.ok(withBattery({ adapterWatts: 40 }).includes("From the adapter · 40.0 W"));
});

test("the whole machine leads where it is known, and only a laptop has tiles for its battery's gauge", () => {
  const titles = (markup: string): string[] =>
    [...markup.matchAll(/<dt>(.*?)<\/dt>/g)].map(([, title = ""]) => title);
  const laptop = liveParts.tiles(statusOf({ readings: laptopReadings })).markup;
  assert.deepEqual(titles(laptop).slice(0, 3), ["Whole machine", "Energy today", "CPU power"]);
  assert.equal(titles(laptop).at(5), "Combined power");
  for (const words of [
    "12.5 W",
    "50.0 Wh",
    "whole machine, since 09:02",
    "3.0 GiB",
    "6.0 % load",
    "22.3 W",
    "34.8 W of 96 W from the adapter",
    "7.66 Ah",
    "of 7.90 Ah designed, 322 cycles, 33 °C",
  ])
    assert.ok(laptop.includes(words), words);
  assert.doesNotMatch(laptop, /health/i);
  const desktop = titles(liveParts.tiles(statusOf()).markup);
  assert.deepEqual(desktop.slice(0, 2), ["Combined power", "CPU power"]);
  for (const title of ["Into the battery", "Full battery", "GPU memory"]) assert.ok(!desktop.includes(title));
  const battery = { ...laptopReadings.battery, watts: -8.25 };
  const discharging = liveParts.tiles(statusOf({ readings: { ...laptopReadings, battery } })).markup;
  assert.match(discharging, /Out of the battery<\/dt>\s*<dd class="value">8.25 W/);
});

test("apps are listed with what they draw now, and their energy and share of an hour and a day", () => {
  const { markup } = liveParts.apps(statusOf({ readings: laptopReadings }));
  const [, now = "", hour = "", day = ""] = markup.split("<h3>");
  assert.match(now, /^Now[^]*Xcode<\/th>\s*<td>2.10 W<\/td>\s*<td>150 %[^]*Mail[^]*everything else/);
  assert.match(hour, /^Last hour[\s\S]*Xcode<\/th>\s*<td>2.00 Wh<\/td>\s*<td>80 %[\s\S]*everything else/);
  assert.match(day, /^Last day[\s\S]*Xcode<\/th>\s*<td>10.0 Wh<\/td>\s*<td>60 %[\s\S]*Safari/);
  assert.match(markup, /Estimated/);
  assert.equal(liveParts.apps(statusOf()).markup, "");
});

test("a young agent says since when apps are counted, once where that is less than an hour", () => {
  const apps = [{ name: "Xcode", joules: 3600 }];
  const titles = (ageMs: number): readonly string[] => {
    const energyByApp = { since: statusTime - ageMs, hour: apps, day: apps };
    const { markup } = liveParts.apps(statusOf({ readings: { ...laptopReadings, energyByApp } }));
    return [...markup.matchAll(/<h3>(.*?)<\/h3>/g)].map(([, title = ""]) => title);
  };
  const since = (ageMs: number): string =>
    `Since ${clockTime(statusTime - ageMs, statusTime - ageMs).slice(0, 5)}`;
  assert.deepEqual(titles(600_000), [since(600_000)]);
  assert.deepEqual(titles(10 * 3_600_000), ["Last hour", since(10 * 3_600_000)]);
  const none = { since: statusTime, hour: [], day: [] };
  assert.match(
    liveParts.apps(statusOf({ readings: { ...laptopReadings, energyByApp: none } })).markup,
    /No values yet/,
  );
});

test("a failure is shown with what to do until a success has followed", () => {
  const failing = {
    ...sinkStatus,
    lastFailure: { time: statusTime, code: "401", reason: "got 401", advice: "Check" },
  };
  assert.match(liveParts.sinks(statusOf({ sinks: [failing] })).markup, /got 401[\s\S]*Check/);
  const recovered = { ...failing, lastSuccess: statusTime + 1 };
  assert.doesNotMatch(liveParts.sinks(statusOf({ sinks: [recovered] })).markup, /got 401/);
});

test("values are written with three digits or so and their unit", () => {
  assert.deepEqual([0, 0.0905, 1.25, -31.6855].map(watts), ["0 mW", "91 mW", "1.25 W", "-31.7 W"]);
  assert.deepEqual([0, 338e6, 4.4e9].map(hertz), ["off", "338 MHz", "4.40 GHz"]);
  assert.deepEqual([0, 7.12, 100].map(percent), ["0 %", "7.1 %", "100 %"]);
  assert.deepEqual([0, 1023, 1536, 16 * 2 ** 30].map(bytes), ["0 B", "1023 B", "1.5 KiB", "16.0 GiB"]);
  assert.deepEqual([12, 1234567].map(count), ["12", "1\u202f234\u202f567"]);
  assert.deepEqual([-5, 99_000, 120_000, 12_000_000, 200_000_000].map(span), [
    "0 s",
    "99 s",
    "2 min",
    "3 h 20 min",
    "2 d 7 h",
  ]);
  assert.deepEqual([0, 90, 45_000, 1.8e7].map(wattHours), ["0 mWh", "25 mWh", "12.5 Wh", "5.00 kWh"]);
  const noon = new Date(2026, 0, 1, 12, 3, 4).getTime();
  assert.equal(clockTime(noon, noon), "12:03:04");
  assert.equal(clockTime(noon, noon + 86_400_000), "2026-01-01 12:03:04");
});
