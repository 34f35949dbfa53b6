/** Which part of the past the page shows: links, form, dragging, and the address that says it. */
import assert from "node:assert/strict";
import test, { after, before, describe } from "node:test";
import type { Locator, Page } from "playwright-core";
import { localDateTime } from "../../src/status/view.ts";
import { statusOf } from "../support/status.ts";
import { browserMissing, openContext, openPage, violations, type OpenedContext } from "./browser.ts";
import { servePage, type FixedPage } from "./fixed-page.ts";

const minute = 60_000;
/** Ten minutes of points end here. */
const now = Math.floor(Date.now() / minute) * minute;
const iso = (ms: number): string => new Date(ms).toISOString().replace(".000Z", "Z");

describe("the shown part of the past", { skip: browserMissing, concurrency: 1 }, () => {
  let opened: OpenedContext;
  let served: FixedPage;

  before(async () => {
    const journal = {
      durable: true,
      bytes: 1,
      snapshots: 1,
      oldest: now - 2 * minute,
      dropped: {},
      setAside: 0,
    };
    served = await servePage(statusOf({ time: now, journal }));
    opened = await openContext({ viewport: { width: 1440, height: 900 } });
  });
  after(async () => {
    await opened[Symbol.asyncDispose]();
    await served[Symbol.asyncDispose]();
  });

  async function openCharts(path = ""): Promise<{ readonly page: Page; readonly errors: string[] }> {
    const watched = await openPage(opened.context);
    await watched.page.goto(served.url + path);
    await watched.page.locator("#chart-power .u-over").waitFor();
    await watched.page.locator("#chart-power summary").click();
    return watched;
  }

  test("dragging over a chart zooms all of them, into the address; a double click leads back", async () => {
    const { page, errors } = await openCharts();
    await dragOver(page, page.locator("#chart-power .u-over"), 0.5, 0.75);
    await page.locator("#reset-zoom").waitFor();
    const { fromMs, toMs } = addressOf(page);
    assert.ok(Math.abs(fromMs - (now - 5 * minute)) < 5000, iso(fromMs));
    assert.ok(Math.abs(toMs - (now - 2.5 * minute)) < 5000, iso(toMs));
    await oldestRow(page, "power", fromMs, 10_000);
    await page.locator("#chart-cores summary").click();
    await oldestRow(page, "cores", fromMs, 10_000);
    assert.equal(await page.locator("#ranges input[name=from]").getAttribute("value"), localDateTime(fromMs));
    assert.deepEqual(await violations(page), []);
    await page.locator("#chart-cores canvas").dblclick();
    await page.locator("#reset-zoom").waitFor({ state: "detached" });
    assert.equal(new URL(page.url()).search, "?range=10m");
    await oldestRow(page, "power", now - 10 * minute, 10_000);
    assert.deepEqual(errors, []);
    await page.close();
  });

  test("the heat map zooms too, a zoom can be zoomed, and the browser goes back step by step", async () => {
    const { page } = await openCharts("?range=1h");
    const cores = page.locator("#chart-cores canvas");
    // The names of the cores are left of the time.
    await dragOver(page, cores, 0.5, 1);
    await page.locator("#reset-zoom").waitFor();
    const first = addressOf(page);
    await page
      .locator("#ranges input[name=from]")
      .and(page.locator(`[value="${localDateTime(first.fromMs)}"]`))
      .waitFor();
    await dragOver(page, cores, 0.5, 0.8);
    await page.waitForURL((url) => url.searchParams.get("from") !== iso(first.fromMs));
    const second = addressOf(page);
    assert.ok(second.fromMs > first.fromMs && second.toMs < first.toMs);
    await page.goBack();
    assert.deepEqual(addressOf(page), first);
    await oldestRow(page, "power", first.fromMs, 10_000);
    await page.getByRole("link", { name: "Reset zoom" }).click();
    assert.equal(new URL(page.url()).search, "?range=1h");
    await page.close();
  });

  test("an address with a range shows it to whoever opens it, and a bad one says what is wrong", async () => {
    const { page } = await openCharts(`?from=${iso(now - 4 * minute)}&to=${iso(now - 2 * minute)}`);
    await oldestRow(page, "power", now - 4 * minute, 10_000);
    await page.getByRole("link", { name: "Reset zoom" }).focus();
    await page.keyboard.press("Enter");
    await page.locator("#reset-zoom").waitFor({ state: "detached" });
    assert.equal(await page.evaluate("document.activeElement.textContent"), "10 minutes");
    await page.goto(`${served.url}?from=tomorrow&to=never`);
    await page.locator("#connection", { hasText: "Live" }).waitFor();
    await page.locator("#history-note", { hasText: "from and to must be times" }).waitFor();
    await page.goto(`${served.url}?from=${iso(now - 90 * minute)}&to=${iso(now - 80 * minute)}`);
    await page.locator("#history-note", { hasText: "Nothing is kept of that time" }).waitFor();
    assert.equal(await page.locator("figure:visible").count(), 0);
    await page.close();
  });

  test("a range is chosen by keyboard, by the links and by the form", async () => {
    const { page, errors } = await openCharts();
    await page.getByRole("link", { name: "hour" }).focus();
    await page.keyboard.press("Enter");
    await page.locator("[aria-current=true]", { hasText: "hour" }).waitFor();
    assert.equal(new URL(page.url()).search, "?range=1h");
    await page.locator("input[name=from]").fill(localDateTime(now - 3 * minute));
    await page.locator("input[name=to]").fill(localDateTime(now - minute));
    await page.keyboard.press("Enter");
    await page.locator("#reset-zoom").waitFor();
    assert.deepEqual(addressOf(page), { fromMs: now - 3 * minute, toMs: now - minute });
    await oldestRow(page, "power", now - 3 * minute, 10_000);
    assert.deepEqual(errors, []);
    await page.close();
  });

  test("a short drag is a click, and one that the browser takes for scrolling does nothing", async () => {
    const { page } = await openCharts();
    const over = page.locator("#chart-power .u-over");
    await dragOver(page, over, 0.5, 0.501);
    await over.dispatchEvent("pointerdown", {
      pointerId: 7,
      isPrimary: true,
      button: 0,
      ...(await middle(over)),
    });
    await over.dispatchEvent("pointercancel", { pointerId: 7 });
    await over.dispatchEvent("pointerup", { pointerId: 7, clientX: 0 });
    assert.equal(await page.locator(".selection").count(), 0);
    assert.equal(new URL(page.url()).search, "");
    await page.close();
  });

  test("without JavaScript the links and the form show other tables", async () => {
    await using plain = await openContext({ javaScriptEnabled: false });
    const { page, errors } = await openPage(plain.context);
    await page.goto(served.url);
    await page.getByRole("link", { name: "hour" }).click();
    await page.locator("[aria-current=true]", { hasText: "hour" }).waitFor();
    await page.locator("input[name=from]").fill(localDateTime(now - 3 * minute));
    await page.locator("input[name=to]").fill(localDateTime(now - minute));
    await page.getByRole("button", { name: "Show" }).click();
    await page.locator("#chart-power summary").click();
    await oldestRow(page, "power", now - 3 * minute, 10_000);
    await page.getByRole("link", { name: "Reset zoom" }).click();
    await page.locator("[aria-current=true]", { hasText: "10 minutes" }).waitFor();
    assert.deepEqual(errors, []);
  });
});

async function middle(area: Locator): Promise<{ readonly clientX: number; readonly clientY: number }> {
  const box = (await area.boundingBox()) ?? assert.fail("it is not on the screen");
  return { clientX: box.x + box.width / 2, clientY: box.y + box.height / 2 };
}

/** From one part of its width to another. */
async function dragOver(page: Page, area: Locator, from: number, to: number): Promise<void> {
  await area.scrollIntoViewIfNeeded();
  const { x, y, width, height } = (await area.boundingBox()) ?? assert.fail("it is not on the screen");
  await page.mouse.move(x + from * width, y + height / 2);
  await page.mouse.down();
  await page.mouse.move(x + ((from + to) / 2) * width, y + height / 3, { steps: 3 });
  await page.mouse.move(x + to * width - 1, y + height / 2);
  await page.mouse.up();
}

function addressOf(page: Page): { readonly fromMs: number; readonly toMs: number } {
  const { searchParams } = new URL(page.url());
  const [fromMs, toMs] = ["from", "to"].map((key) => Date.parse(searchParams.get(key) ?? ""));
  return { fromMs: fromMs ?? NaN, toMs: toMs ?? NaN };
}

/** Waits until the table behind a chart goes back to this time. */
async function oldestRow(page: Page, chart: string, fromMs: number, toleranceMs: number): Promise<void> {
  const seconds = Array.from({ length: toleranceMs / 1000 + 1 }, (_, index) => fromMs + index * 1000);
  const times = seconds.map((ms) => localDateTime(ms).slice(11)).join("|");
  await page.locator(`#chart-${chart} tbody tr:last-child th`, { hasText: new RegExp(times) }).waitFor();
}
