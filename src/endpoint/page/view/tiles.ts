/** The figures that are seen first, and their labels: the page's tiles and the head of `top`. Runs in the browser too. */
import type { Rail, Readings } from "../../api/status.ts";
import { bytes, percent, watts, type Format } from "./format.ts";

export interface Tile {
  readonly id: string;
  readonly title: string;
  /** Absent when the machine does not report it, which is not zero. */
  readonly value?: string;
  /** A line below. */
  readonly note?: string;
  readonly alarm?: "warning" | "failing";
}

const railTitles: Readonly<Record<Rail, string>> = {
  cpu: "CPU power",
  gpu: "GPU power",
  ane: "Neural Engine",
  dram: "DRAM power",
  package: "Package power",
  combined: "Combined power",
};

export function tilesOf(readings: Readings): readonly Tile[] {
  const { power } = readings;
  const optional = (["package", "dram"] as const).filter((rail) => power[rail] !== undefined);
  return [
    railTile("cpu", readings, note(meanActivity(readings), percent, "active")),
    railTile("gpu", readings, note(readings.gpu.activePercent, percent, "active")),
    ...(["ane", "combined", ...optional] as const).map((rail) => railTile(rail, readings)),
    thermalTile(readings),
    memoryTile(readings),
    batteryTile(readings),
  ];
}

function railTile(rail: Rail, { power }: Readings, noteText?: string): Tile {
  const value = power[rail];
  return {
    id: rail,
    title: railTitles[rail],
    ...(value !== undefined && { value: watts(value) }),
    ...(noteText !== undefined && { note: noteText }),
  };
}

function thermalTile({ thermal, celsius }: Readings): Tile {
  const hottest = Math.max(...Object.values(celsius));
  return {
    id: "thermal",
    title: "Thermal pressure",
    ...(thermal !== undefined && { value: thermal }),
    ...(Number.isFinite(hottest) && { note: `${hottest.toFixed(0)} °C` }),
    ...(thermal !== undefined &&
      thermal !== "nominal" && { alarm: thermal === "moderate" ? "warning" : "failing" }),
  };
}

function memoryTile({ memory: { pressure, total, wired, app, compressed } }: Readings): Tile {
  const used = wired === undefined || app === undefined ? undefined : wired + app + (compressed ?? 0);
  const noteText =
    used === undefined ? undefined : `${bytes(used)} used${total === undefined ? "" : ` of ${bytes(total)}`}`;
  return {
    id: "memory",
    title: "Memory pressure",
    ...(pressure !== undefined && { value: pressure }),
    ...(noteText !== undefined && { note: noteText }),
    ...(pressure === "warning" && { alarm: "warning" }),
    ...(pressure === "critical" && { alarm: "failing" }),
  };
}

function batteryTile({ battery: { chargePercent, state, source, lowPowerMode } }: Readings): Tile {
  const notes = [state ?? source, lowPowerMode === true ? "Low Power Mode" : undefined].filter(
    (each) => each !== undefined,
  );
  return {
    id: "battery",
    title: "Battery",
    ...(chargePercent !== undefined && { value: percent(chargePercent) }),
    ...(notes.length > 0 && { note: notes.join(", ") }),
  };
}

function meanActivity({ cores }: Readings): number | undefined {
  const known = cores.flatMap(({ activePercent }) => activePercent ?? []);
  return known.length === 0 ? undefined : known.reduce((sum, each) => sum + each, 0) / known.length;
}

function note(value: number | undefined, format: Format, word: string): string | undefined {
  return value === undefined ? undefined : `${format(value)} ${word}`;
}
