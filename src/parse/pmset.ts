/** Reads what `pmset -g batt` and `pmset -g` print: where power comes from, the battery, and the power mode. */
import { defined } from "../runtime/defined.ts";
import { createFindingLog, type FindingLog } from "./field.ts";
import { linesOf, nothingPrinted, unexpectedOutput, parsed, type ParseResult } from "./result.ts";
import type { PmsetSample, PowerMode } from "./sample.ts";

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
const battery = /^-(\S+(?: \S+)*?) (?:\(id=[^)]{0,40}\) )?(\d{1,9})%; ?([^;]*)(?:;|$)/;
/** ` Sleep On Power Button 1`, ` sleep                0 (sleep prevented by powerd)` */
const setting = /^([A-Za-z][\w.-]*(?: [\w.-]+)*) (-?\d{1,20}|\/\S+)(?: \(.*\))?$/;
const remark =
  /^(?:No adapter attached\.?|System-wide power settings:|Currently in use:|Note: .*)$|Warning: /;

/** Reads either output, or both. A UPS is taken for the battery only where there is no internal one. */
export function parsePmset(...texts: readonly (string | Uint8Array)[]): ParseResult<PmsetSample> {
  const lines = texts.flatMap(linesOf);
  const [first] = lines;
  if (first === undefined) return nothingPrinted("pmset");
  const log = createFindingLog();
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
    powerMode: powerMode(read, log),
  });
  return parsed({ ...sample, findings: log.findings() });
}

/** White space is made single first, so that no pattern has to try where a run of it ends. */
function readLine(text: string): Line {
  const line = text.replaceAll(/\s+/g, " ");
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
    state: state.replace(/ ?present: \w{1,10}$/, "").trim(),
  };
}

/** A Mac with High Power Mode prints `powermode` where others print `lowpowermode`. */
const powerModes: Readonly<Record<string, Readonly<Partial<Record<string, PowerMode>>>>> = {
  powermode: { 0: "automatic", 1: "low", 2: "high" },
  lowpowermode: { 0: "automatic", 1: "low" },
};

/** `powermode` says more, so it goes first where both are printed. */
function powerMode(lines: readonly Line[], log: FindingLog): PowerMode | undefined {
  for (const [setting, modes] of Object.entries(powerModes)) {
    const line = lines.find((one) => one.is === "setting" && one.name === setting);
    if (line?.is !== "setting") continue;
    const mode = modes[line.value];
    if (mode !== undefined) return mode;
    log.implausible(setting);
  }
  return undefined;
}
