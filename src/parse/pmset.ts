/** Owns what `pmset -g batt` and `pmset -g` print: where power comes from, the battery, and the low power mode. */
import { defined } from "./defined.ts";
import { findingLog } from "./finding.ts";
import { linesOf, nothingPrinted, unexpectedOutput } from "./lines.ts";
import { parsed, type ParseResult } from "./result.ts";
import type { PmsetSample } from "./sample.ts";

/** What a line is; the two outputs have no line in common, so they may come as one text. */
type Line =
  | { readonly is: "source"; readonly name: string }
  | { readonly is: "battery"; readonly battery: Battery }
  | { readonly is: "setting"; readonly name: string; readonly value: string }
  | { readonly is: "remark" }
  | { readonly is: "unknown" };

interface Battery {
  readonly isInternal: boolean;
  readonly isPresent: boolean;
  readonly percent: number;
  readonly state: string;
}

const drawing = /^(?:Now|Currently) drawing from '(.+)'$/;
/** ` -InternalBattery-0 (id=19136611)	100%; charged; 0:00 remaining present: true` */
const battery = /^-(\S.*?)\s+(?:\(id=[^)]*\)\s+)?(\d+)%;\s*([^;]*)(?:;|$)/;
/** ` Sleep On Power Button 1`, ` sleep                0 (sleep prevented by powerd)` */
const setting = /^([A-Za-z][\w .-]*?)\s+(-?\d+|\/\S+)(?:\s+\(.*\))?$/;
const remark =
  /^(?:No adapter attached\.?|System-wide power settings:|Currently in use:|Note: .*|.*Warning: .*)$/;

/** Reads either output, or both. A UPS is taken for the battery only where there is no internal one. */
export function parsePmset(...texts: readonly (string | Uint8Array)[]): ParseResult<PmsetSample> {
  const lines = texts.flatMap(linesOf);
  const [first] = lines;
  if (first === undefined) return nothingPrinted("pmset");
  const log = findingLog();
  const read = lines.map(readLine);
  if (read.every(({ is }) => is === "unknown"))
    return unexpectedOutput("pmset", first, "a power source, a battery or a setting");
  read.forEach(({ is }, index) => {
    if (is === "unknown") log.unknown(lines[index] ?? "");
  });
  const batteries = read.flatMap((line) =>
    line.is === "battery" && line.battery.isPresent ? [line.battery] : [],
  );
  const main = batteries.find(({ isInternal }) => isInternal) ?? batteries[0];
  const sample = defined({
    powerSource: read.find((line) => line.is === "source")?.name,
    batteryState: main?.state === "" ? undefined : main?.state,
    chargePercent: log.within("battery_percent", main?.percent, 0, 100),
    lowPowerMode: lowPowerMode(read),
  });
  return parsed({ ...sample, findings: log.findings() });
}

function readLine(line: string): Line {
  const source = drawing.exec(line)?.[1];
  if (source !== undefined) return { is: "source", name: source };
  const [, name, percent, state] = battery.exec(line) ?? [];
  if (name !== undefined && percent !== undefined && state !== undefined)
    return { is: "battery", battery: readBattery(line, name, Number(percent), state) };
  if (remark.test(line)) return { is: "remark" };
  const [, key, value] = setting.exec(line) ?? [];
  return key === undefined || value === undefined ? { is: "unknown" } : { is: "setting", name: key, value };
}

function readBattery(line: string, name: string, percent: number, state: string): Battery {
  return {
    isInternal: name.startsWith("InternalBattery"),
    isPresent: !line.endsWith("present: false"),
    percent,
    state: state.replace(/\s*present: \w+$/, "").trim(),
  };
}

function lowPowerMode(lines: readonly Line[]): boolean | undefined {
  const line = lines.find((one) => one.is === "setting" && one.name === "lowpowermode");
  if (line?.is !== "setting") return undefined;
  return line.value === "1" ? true : line.value === "0" ? false : undefined;
}
