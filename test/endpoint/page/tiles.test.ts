/** The figures that come first: those of the shown range, and what today's energy costs. */
import assert from "node:assert/strict";
import test from "node:test";
import { powerTile } from "../../../src/endpoint/page/charts.ts";
import { liveParts } from "../../../src/endpoint/page/live.ts";
import type { HistoryGroup } from "../../../src/status/history.ts";
import type { TimeRange } from "../../../src/status/time-range.ts";
import { tilesOf } from "../../../src/status/view.ts";
import { laptopReadings, statusOf } from "../../support/status.ts";

test("mean and peak of the shown range follow the first figure: of the whole machine, else of the chip", () => {
  const machine = { source: "ioreg", time: [0, 60_000], columns: { "machine.power": [10, 20] } };
  const chip = {
    source: "powermetrics",
    time: [0, 1000],
    columns: { "total.power": [3, 3] },
    peaks: { "total.power": [3, 9] },
  };
  const intel = { source: "powermetrics", time: [0, 1000], columns: { "power.package": [8, null] } };
  const texts = (range: TimeRange, groups: HistoryGroup[]): unknown => {
    const { title, value, note } = powerTile(range, groups) ?? {};
    return [title, value, note];
  };
  assert.deepEqual(texts("1h", [chip, machine]), ["Mean, 1 hour", "20.0 W", "peak 20.0 W, whole machine"]);
  assert.deepEqual(texts({ fromMs: 0, toMs: 1 }, [chip]), [
    "Mean, chosen time",
    "3.00 W",
    "peak 9.00 W, chip",
  ]);
  assert.deepEqual(texts("10m", [intel]), ["Mean, 10 minutes", "8.00 W", "peak 8.00 W, chip"]);
  assert.equal(powerTile("10m", []), undefined);
  const { markup } = liveParts.tiles(statusOf(), powerTile("1h", [chip]));
  assert.match(markup, /Combined power[^]*Mean, 1 hour[^]*CPU power/);
});

test("the cost of today's energy is shown where there is a price", () => {
  const { energyToday } = laptopReadings;
  assert.ok(energyToday);
  const noteOf = (amount: number): string | undefined =>
    tilesOf({ ...laptopReadings, energyToday: { ...energyToday, cost: { amount, currency: "EUR" } } }).find(
      ({ id }) => id === "energy",
    )?.note;
  assert.equal(noteOf(0.0151), "0.015 EUR, whole machine, since 09:02");
  assert.equal(noteOf(1.5), "1.50 EUR, whole machine, since 09:02");
});
