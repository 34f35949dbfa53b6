/** The status page in a real browser. */
import assert from "node:assert/strict";
import test, { after, before, describe } from "node:test";
import type { Locator } from "playwright-core";
import { openJournal } from "../../src/journal/journal.ts";
import { catalogue } from "../../src/meter/catalogue.ts";
import { labelPairs, seriesSet } from "../../src/metric/series.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { silentLogger } from "../../src/runtime/log.ts";
import {
  laptopReadings,
  sinkStatus,
  statusOf,
  targetDown,
  targetNotYet,
  targetStatus,
} from "../support/status.ts";
import { until } from "../support/until.ts";
import { startAgent, type RunningAgent } from "./agent.ts";
import { browserMissing, openContext, openPage, violations, type OpenedContext } from "./browser.ts";
import { servePage } from "./fixed-page.ts";
import { openReceiver, type ToggledReceiver } from "./receiver.ts";

const hour = 3_600_000;

/** Twenty hours of one value a minute. */
function fillJournal(path: string): void {
  using journal = openJournal({
    path,
    maxBytes: 64 * 2 ** 20,
    maxAgeMs: 7 * 24 * hour,
    historyMs: 24 * hour,
    minFreeBytes: 0,
    commitIntervalMs: 10_000,
    clock: systemClock,
    log: silentLogger,
    metricOf: (name) => catalogue.get(name),
  });
  const metric = catalogue.get("powermetrics_cpu_power_milliwatts");
  assert.ok(metric);
  const set = seriesSet([{ metric, name: metric.name, labels: labelPairs({}) }]);
  const start = systemClock.now() - 20 * hour;
  for (let minute = 0; minute < 20 * 60; minute++) {
    const values = Float64Array.of(5000 + (minute % 60) * 100);
    journal.append({
      source: "powermetrics",
      time: start + minute * 60_000,
      starts: {},
      set,
      values,
      ended: [],
    });
  }
}

describe("the status page", { skip: browserMissing, concurrency: 1 }, () => {
  let receiver: ToggledReceiver;
  let agent: RunningAgent;
  let opened: OpenedContext;

  before(async () => {
    receiver = await openReceiver();
    const { host } = new URL(receiver.url);
    const queue = "queue_config: { batch_send_deadline: 200ms, max_backoff: 500ms }";
    agent = await startAgent(
      `remote_write:\n  - { url: "http://reader:hush-hush@${host}/api/v1/write", ${queue} }\nscrape_configs:\n  - { job_name: receiver, scrape_interval: 1s, scrape_timeout: 1s, static_configs: [{ targets: ["${host}"] }] }\n`,
      { prepare: fillJournal },
    );
    opened = await openContext();
  });
  after(async () => {
    await opened[Symbol.asyncDispose]();
    await agent[Symbol.asyncDispose]();
    await receiver[Symbol.asyncDispose]();
  });

  test("values move, charts are drawn, nothing outside is asked for, and the console stays empty", async () => {
    const { page, errors, requests } = await openPage(opened.context);
    await page.goto(agent.url);
    const cpu = page.locator("#tile-cpu .value");
    await page.locator("#tile-cpu .value:not(.absent)").waitFor();
    const first = await cpu.textContent();
    await changed(cpu, first);
    await page.locator("#connection", { hasText: "Live" }).waitFor();
    await page.locator(".simulated").waitFor();
    for (const chart of ["power", "cores", "clusters", "memory", "swap"])
      await page.locator(`#chart-${chart} canvas`).waitFor();
    await page.locator("#chart-power summary").click();
    assert.ok((await page.locator("#chart-power tbody tr").count()) > 0);
    for (const request of requests) assert.ok(request.startsWith(agent.url), request);
    assert.deepEqual(errors, []);
    assert.ok(!(await page.content()).includes("hush-hush"));
    await page.close();
  });

  test("the pointer shows time and values, on all charts at once, and the core that it is at", async () => {
    const status = statusOf({ time: Date.now() });
    const named = { ...status, agent: { ...status.agent, instance: "mac-0042" } };
    await using served = await servePage(named);
    const { page, errors } = await openPage(opened.context);
    await page.goto(served.url);
    assert.equal(await page.locator("h1").textContent(), "mac-0042");
    await page.locator("#identity", { hasText: "studio.lan" }).waitFor();
    const power = page.locator("#chart-power .legend");
    await power.filter({ hasText: /mean [\d.]+ W, peak 49\.0 W/ }).waitFor();
    await page.locator("#chart-power .u-over").hover({ position: { x: 100, y: 50 } });
    await power
      .filter({ hasText: /^\s*\d\d:\d\d:\d\d\s*cpu/ })
      .filter({ hasNotText: "mean" })
      .waitFor();
    await page.locator("#chart-power .u-cursor-x").waitFor();
    await page.locator("#chart-cores canvas").hover({ position: { x: 200, y: 5 } });
    await page.locator("#chart-cores .legend", { hasText: /\d\d:\d\d:\d\d\s*.*cpu0\s*\d+ %/ }).waitFor();
    assert.deepEqual(errors, []);
    await page.close();
  });

  test("a day's history comes from the journal", async () => {
    const { page, errors } = await openPage(opened.context);
    await page.goto(agent.url);
    await page.locator("#chart-power canvas").waitFor();
    await page.getByRole("link", { name: "day" }).click();
    await page.locator("#chart-power summary").click();
    const oldest = page.locator("#chart-power tbody tr").last();
    const hours = [20, 19].map((ago) => new Date(systemClock.now() - ago * hour).getHours());
    const clock = hours.map((each) => String(each).padStart(2, "0")).join("|");
    await oldest.filter({ hasText: new RegExp(`(?:${clock}):`) }).waitFor();
    assert.match((await oldest.textContent()) ?? "", /\d W/);
    assert.deepEqual(errors, []);
    await page.close();
  });

  test("a receiver and a target that stop and start again show as such", async () => {
    const { page } = await openPage(opened.context);
    await page.goto(agent.url);
    const card = page.locator("#sinks article");
    const target = page.locator("#targets tbody tr");
    await card.filter({ hasText: "delivering" }).waitFor();
    await target.filter({ hasText: "up" }).waitFor();
    await receiver.stop();
    await target.filter({ hasText: "down" }).filter({ hasText: "connection refused" }).waitFor();
    await card.filter({ hasText: "trying again" }).filter({ hasText: "connection refused" }).waitFor();
    await page.locator("#overall", { hasText: "Needs attention" }).waitFor();
    await receiver.start();
    await target.filter({ hasText: "up" }).waitFor();
    await card.filter({ hasText: "delivering" }).waitFor();
    await page.locator("#overall", { hasText: "All well" }).waitFor();
    await page.locator("#events", { hasText: "again" }).waitFor();
    await page.close();
  });

  test("out of sight the page asks for nothing", async () => {
    const { page } = await openPage(opened.context);
    await page.goto(agent.url);
    await page.locator("#connection", { hasText: "Live" }).waitFor();
    await page.evaluate(`
      Object.defineProperty(document, "visibilityState", { value: "hidden", configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
      window.seen = document.querySelector("#identity").textContent;
      window.moved = 0;
      new MutationObserver(() => window.moved++).observe(document.body, { subtree: true, childList: true, characterData: true });
    `);
    // A page in sight would have moved by the time another one did.
    const other = await openPage(opened.context);
    await other.page.goto(agent.url);
    const before = await other.page.locator("#identity").textContent();
    await changed(other.page.locator("#identity"), before);
    assert.equal(await page.evaluate("window.moved"), 0);
    await other.page.close();
    await page.close();
  });

  test("without JavaScript the page shows the state, the figures and the past", async () => {
    await using plain = await openContext({ javaScriptEnabled: false });
    const { page, errors } = await openPage(plain.context);
    const wanted = [
      "All well",
      "SIMULATED",
      "CPU power",
      "remote_write",
      "delivering",
      "powermetrics",
      "1 of 1 up",
    ];
    // Without JavaScript a page stays as it was when it was asked for: all may not have been well yet.
    let text = "";
    await until(
      async () => {
        await page.goto(agent.url);
        text = await page.locator("body").innerText();
        return wanted.every((words) => text.includes(words));
      },
      () => `the page must have ${wanted.join(", ")}, got ${text}`,
    );
    await page.locator("#chart-power summary").click();
    assert.ok((await page.locator("#chart-power tbody tr").count()) > 0);
    assert.deepEqual(errors, []);
  });

  for (const colorScheme of ["light", "dark"] as const)
    test(`axe finds nothing to object to in ${colorScheme}, at any width, with every table open`, async () => {
      const failing = {
        ...sinkStatus,
        state: "refused" as const,
        lastFailure: {
          time: Date.now(),
          code: "401",
          reason: "unexpected status: got 401",
          advice: "Check.",
        },
      };
      const status = statusOf({
        time: Date.now(),
        overall: { level: "failing", problems: ["desk refuses remote_write"] },
        machine: { simulated: true },
        sinks: [sinkStatus, failing],
        targets: [targetStatus, targetDown, targetNotYet],
        readings: laptopReadings,
        events: (["info", "warn", "error"] as const).map((level) => ({
          time: Date.now(),
          level,
          message: level,
        })),
      });
      await using served = await servePage(status);
      await using scheme = await openContext({ colorScheme });
      const { page, errors } = await openPage(scheme.context);
      await page.goto(served.url);
      await page.locator("#chart-power canvas").waitFor();
      for (const summary of await page.locator("summary:visible").all()) await summary.click();
      for (const width of [320, 1440]) {
        await page.setViewportSize({ width, height: 900 });
        assert.deepEqual(await violations(page), []);
        assert.equal(await page.evaluate("document.documentElement.scrollWidth - innerWidth > 0"), false);
      }
      assert.deepEqual(errors, []);
    });

  test("the value of a tile stays on one line at any width", async () => {
    const status = statusOf();
    const power = { cpu: 0.999, gpu: 123.4, ane: 0.5, combined: 12.34 };
    await using served = await servePage({
      ...status,
      readings: { ...status.readings, power, thermal: "moderate" },
    });
    const { page } = await openPage(opened.context);
    await page.goto(served.url);
    for (let width = 320; width <= 1440; width += 56) {
      await page.setViewportSize({ width, height: 900 });
      const wrapped = await page.evaluate(
        `[...document.querySelectorAll(".tile .value")].filter((value) => value.clientHeight > 1.5 * parseFloat(getComputedStyle(value).lineHeight)).map((value) => value.textContent)`,
      );
      assert.deepEqual(wrapped, [], `${width} px`);
    }
    await page.close();
  });

  test("hostile names, labels and errors stay text", async () => {
    const evil = `<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>'"&`;
    const healthy = statusOf();
    await using served = await servePage({
      ...healthy,
      agent: { ...healthy.agent, host: evil },
      machine: { simulated: false, model: evil },
      readings: { ...healthy.readings, thermal: evil, cores: [{ core: evil, activePercent: 1 }] },
      sinks: [{ ...sinkStatus, target: evil, lastFailure: { time: Date.now(), code: "x", reason: evil } }],
      targets: [{ ...targetDown, job: evil, instance: evil, address: evil }],
      events: [{ time: 0, level: "error", message: evil }],
    });
    const { page, errors } = await openPage(opened.context);
    await page.goto(served.url);
    await page.locator("#connection", { hasText: "Live" }).waitFor();
    assert.equal(await page.locator("h1").textContent(), evil);
    await page.locator("#chart-cores summary").click();
    assert.equal(await page.locator("#chart-cores th").nth(1).textContent(), evil);
    assert.equal(await page.locator("#targets tbody th").textContent(), evil);
    assert.equal(await page.evaluate("window.pwned"), undefined);
    assert.equal(await page.locator("img, body script").count(), 0);
    assert.deepEqual(errors, []);
    await page.close();
  });

  test("an open table stays open while values move", async () => {
    const { page } = await openPage(opened.context);
    await page.goto(agent.url);
    await page.locator("#chart-power summary").focus();
    await page.keyboard.press("Enter");
    const before = await page.locator("#identity").textContent();
    await changed(page.locator("#identity"), before);
    assert.equal(await page.locator("#chart-power details").getAttribute("open"), "");
    assert.equal(await page.evaluate("document.activeElement.tagName"), "SUMMARY");
    await page.close();
  });
});

/** Waits until the element says something else. */
async function changed(locator: Locator, text: string | null): Promise<void> {
  await locator.filter({ hasNotText: text ?? "" }).waitFor();
}
