/**
 * Draws what `top` shows: one status as lines that fit a terminal.
 *
 *     host, state, problems
 *     power by rail, and its past; battery, energy and apps
 *     cores, in as many columns as fit
 *     memory
 *     sinks, sources, events
 */
import type { CoreReading, SinkStatus, Status } from "../../status/status.ts";
import {
  ago,
  appName,
  appPeriods,
  bytes,
  clockTime,
  droppedText,
  hertz,
  macOS,
  overallWords,
  percent,
  railTitles,
  sinkWords,
  sourceWords,
  span as duration,
  tilesOf,
  waitingText,
  wattHours,
  watts,
} from "../../status/view.ts";
import { bar, fit, span, sparkline, widthOf, type Line } from "./line.ts";

export interface Frame {
  readonly status: Status;
  /** Watts of the past, oldest first. */
  readonly past: readonly number[];
  /** Where the status comes from. */
  readonly origin: string;
}

/** Exactly `rows` lines of `columns` characters; with `rows` absent as many as it takes. */
export function frameLines(frame: Frame, columns: number, rows?: number): readonly Line[] {
  const head = headLines(frame);
  const foot = footLine(frame);
  const room = rows === undefined ? Infinity : Math.max(0, rows - head.length - 1);
  const body = bodyLines(frame, columns, room).slice(0, room);
  const blank = rows === undefined ? 0 : Math.max(0, room - body.length);
  const lines = [...head, ...body, ...Array.from({ length: blank }, () => [])].slice(0, rows && rows - 1);
  return [...lines, foot].map((line) => fit(line, columns));
}

function headLines({ status }: Frame): readonly Line[] {
  const { agent, machine, overall } = status;
  const { sign, words } = overallWords[overall.level];
  const system = macOS(machine);
  const identity = [machine.model, machine.chip, system && `macOS ${system}`].filter(Boolean).join(" · ");
  const first = [
    span(agent.host, "strong"),
    span(`  ${identity}  `, "dim"),
    span(`${sign} ${words}`, overall.level),
    ...(machine.simulated ? [span("  SIMULATED", "warning")] : []),
  ];
  const [problem] = overall.problems;
  const more = overall.problems.length - 1;
  const second =
    problem === undefined ? [] : [span(`${problem}${more > 0 ? ` (and ${more} more)` : ""}`, overall.level)];
  return [first, second];
}

function footLine({ origin, status }: Frame): Line {
  const newest = Math.max(...status.sources.flatMap(({ lastSample }) => lastSample ?? []));
  const age = Number.isFinite(newest) ? `sample ${ago(newest, status.time)}` : "no sample yet";
  return [span("q", "strong"), span(` quit   ${age}   agent ${status.agent.version}   ${origin}`, "dim")];
}

/** Memory and sinks are kept in sight: cores give way to them. */
function bodyLines(frame: Frame, columns: number, room: number): readonly Line[] {
  const figures = [...tileLines(frame, columns), ...appLines(frame, columns)];
  // A terminal of 24 lines has room for one of these.
  const power = [...powerLines(frame, columns), ...figures.slice(0, room < 25 ? 1 : Infinity)];
  const after = [...memoryLines(frame, columns), ...sinkLines(frame), ...sourceLines(frame)];
  const roomForCores = Math.max(4, room - power.length - after.length);
  const cores = coreLines(frame.status.readings.cores, columns, roomForCores);
  return [...power, ...cropped(cores, roomForCores), ...after, ...eventLines(frame)];
}

function cropped(lines: readonly Line[], room: number): readonly Line[] {
  if (lines.length <= room) return lines;
  return [...lines.slice(0, room - 1), [span(`… ${lines.length - room + 1} more lines`, "dim")]];
}

const title = (text: string): Line => [span(text, "accent")];
const rails = ["system", "cpu", "gpu", "ane", "package", "combined"] as const;

function powerLines({ status: { readings }, past }: Frame, columns: number): readonly Line[] {
  const scale = Math.max(...past, ...Object.values(readings.power), 0.001);
  const lines = rails.flatMap((rail): Line[] => {
    const value = readings.power[rail];
    if (value === undefined) return [];
    return [
      [
        span(railTitles[rail].replace(/ power$/, "").padEnd(14)),
        span(watts(value).padStart(9), "strong"),
        span(` ${bar(value / scale, Math.max(0, columns - 25))}`, "ok"),
      ],
    ];
  });
  return [
    title("POWER"),
    ...lines,
    [span("Past".padEnd(24)), span(sparkline(past, Math.max(0, columns - 25)), "ok")],
  ];
}

const otherTiles = ["thermal", "battery", "flow", "energy", "gpu-memory-0", "capacity"];

/** As many to a line as fit. */
function tileLines({ status: { readings } }: Frame, columns: number): readonly Line[] {
  const tiles = tilesOf(readings);
  const lines: Line[] = [];
  for (const id of otherTiles) {
    const tile = tiles.find((each) => each.id === id);
    if (tile?.value === undefined) continue;
    const { title: name, value, note, alarm } = tile;
    const words = span(`${name} ${value}${note === undefined ? "" : ` (${note})`}`, alarm ?? "plain");
    const longer = [...(lines.at(-1) ?? []), span("   "), words];
    if (lines.length > 0 && widthOf(longer) <= columns) lines.splice(-1, 1, longer);
    else lines.push([words]);
  }
  return lines;
}

const mostApps = 5;

/** A line for each period, with as many apps as fit. */
function appLines({ status: { readings, time } }: Frame, columns: number): readonly Line[] {
  const { energyByApp } = readings;
  if (energyByApp === undefined) return [];
  return appPeriods(energyByApp, time).flatMap(({ title: name, apps }) => {
    const words = apps.slice(0, mostApps).map((app) => `${appName(app.name)} ${wattHours(app.joules)}`);
    const line = (count: number): Line => [
      span(`${name} by app  `, "dim"),
      span(words.slice(0, count).join(" · ")),
    ];
    let count = words.length;
    while (count > 1 && widthOf(line(count)) > columns) count--;
    return count === 0 ? [] : [line(count)];
  });
}

interface CoreLayout {
  readonly width: number;
  readonly line: (core: CoreReading) => Line;
}

const roomy: CoreLayout = {
  width: 38,
  line: (core) => [
    ...briefLine(core),
    span((core.frequencyHz === undefined ? "" : hertz(core.frequencyHz)).padStart(10), "dim"),
  ],
};
const brief: CoreLayout = {
  width: 24,
  line: (core) => [...briefLine(core)].filter((_, index) => index !== 1),
};

/** With their frequencies where these fit. */
function coreLines(cores: readonly CoreReading[], columns: number, room: number): readonly Line[] {
  if (cores.length === 0) return [];
  const lines = gridLines(cores, columns, roomy);
  return [title("CORES"), ...(lines.length < room ? lines : gridLines(cores, columns, brief))];
}

/** Downwards first, as people count. */
function gridLines(
  cores: readonly CoreReading[],
  columns: number,
  { width, line }: CoreLayout,
): readonly Line[] {
  const across = Math.max(1, Math.floor((columns + 2) / (width + 2)));
  const down = Math.ceil(cores.length / across);
  return Array.from({ length: down }, (_, row): Line =>
    Array.from({ length: across }, (__, column) => cores[column * down + row]).flatMap((core) =>
      core === undefined ? [] : [...fit(line(core), width), span("  ")],
    ),
  );
}

function briefLine({ core, cluster, activePercent }: CoreReading): Line {
  const active = activePercent ?? 0;
  return [
    span(core.padEnd(6)),
    span(
      (cluster ?? "")
        .replace(/-Cluster$/, "")
        .slice(0, 3)
        .padEnd(4),
      "dim",
    ),
    span(bar(active / 100, 10), active > 80 ? "warning" : "ok"),
    span((activePercent === undefined ? "–" : percent(active)).padStart(7), "strong"),
  ];
}

function memoryLines({ status: { readings } }: Frame, columns: number): readonly Line[] {
  const { memory } = readings;
  const parts = (["wired", "app", "compressed", "cached", "free"] as const).flatMap((name) => {
    const value = memory[name];
    return value === undefined ? [] : [`${name} ${bytes(value)}`];
  });
  if (parts.length === 0) return [];
  const { wired = 0, app = 0, compressed = 0, total, pressure, swapUsed } = memory;
  const style = pressure === "critical" ? "failing" : pressure === "warning" ? "warning" : "ok";
  const used = wired + app + compressed;
  const words: Line = [
    ...(pressure === undefined ? [] : [span(`pressure ${pressure}   `, style)]),
    span(`swap ${swapUsed === undefined ? "–" : bytes(swapUsed)}`),
  ];
  const gauge =
    total === undefined
      ? []
      : [
          [
            span(bar(used / total, Math.max(0, columns - 34)), style),
            span(` ${bytes(used)} of ${bytes(total)} used`),
          ],
        ];
  return [
    title("MEMORY"),
    ...gauge,
    [span(`${parts.join("  ")}  `), ...(columns >= 110 ? words : [])],
    ...(columns >= 110 ? [] : [words]),
  ];
}

function sinkLines({ status: { sinks, time } }: Frame): readonly Line[] {
  if (sinks.length === 0) return [];
  return [title("SINKS"), ...sinks.map((sink) => sinkLine(sink, time))];
}

function sinkLine(sink: SinkStatus, now: number): Line {
  const { sign, words, level } = sinkWords[sink.state];
  const failing = level === "warning" || level === "failing";
  const tail = [
    `waiting ${waitingText(sink.backlog, now)}`,
    ...(sink.nextAttempt !== undefined && sink.nextAttempt > now
      ? [`next in ${duration(sink.nextAttempt - now)}`]
      : []),
    ...(droppedText(sink.dropped) === "none" ? [] : [`dropped ${droppedText(sink.dropped)}`]),
    ...(failing && sink.lastFailure ? [sink.lastFailure.reason] : []),
  ];
  return [
    span(`${sign} ${words}`, level),
    span(`  ${sink.type} `),
    span(`${sink.target}  `, "dim"),
    span(tail.join(" · ")),
  ];
}

function sourceLines({ status: { sources, time } }: Frame): readonly Line[] {
  const spans = sources.flatMap(({ name, up, lastSample }) => {
    const { sign, level } = sourceWords(up);
    const age = lastSample === undefined ? "–" : duration(time - lastSample);
    return [span(`${sign} `, level), span(`${name} ${age}   `)];
  });
  return widthOf(spans) === 0 ? [] : [title("SOURCES"), spans];
}

const mostEvents = 10;

function eventLines({ status: { events, time } }: Frame): readonly Line[] {
  if (events.length === 0) return [];
  const styles = { info: "plain", warn: "warning", error: "failing" } as const;
  return [
    title("EVENTS"),
    ...events
      .slice(0, mostEvents)
      .map((event) => [
        span(`${clockTime(event.time, time)}  `, "dim"),
        span(event.message, styles[event.level]),
      ]),
  ];
}
