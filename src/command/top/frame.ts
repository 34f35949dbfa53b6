/**
 * Draws what `top` shows: one status as lines that fit a terminal.
 *
 *     host, state, problems
 *     power by rail, and its past; battery, energy and apps
 *     cores, in as many columns as fit
 *     memory
 *     sinks, sources, targets, events
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
  machineName,
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
  type Tile,
} from "../../status/view.ts";
import { bar, firstThatFits, fit, span, sparkline, title, titled, widthOf, type Line } from "./line.ts";
import { targetLines } from "./targets.ts";

export interface Frame {
  readonly status: Status;
  /** Watts of the past, oldest first. */
  readonly past: readonly number[];
  /** Where the status comes from. */
  readonly origin: string;
}

/** Exactly `rows` lines of `columns` characters; with `rows` absent as many as it takes. */
export function frameLines(frame: Frame, columns: number, rows?: number): readonly Line[] {
  const head = headLines(frame, columns, rows);
  const foot = footLine(frame, columns);
  const room = rows === undefined ? Infinity : Math.max(0, rows - head.length - 1);
  const body = bodyLines(frame, columns, room).slice(0, room);
  const blank = rows === undefined ? 0 : Math.max(0, room - body.length);
  const lines = [...head, ...body, ...Array.from({ length: blank }, () => [])].slice(0, rows && rows - 1);
  return [...lines, foot].map((line) => fit(line, columns));
}

/** Where it is narrow the machine's names give way to its state. */
function headLines({ status }: Frame, columns: number, rows = Infinity): readonly Line[] {
  const { agent, machine, overall } = status;
  const { sign, words } = overallWords[overall.level];
  const system = macOS(machine);
  const names = [machine.model, machine.chip, system && `macOS ${system}`];
  const identities = [names, [names[0], names[2]], [names[0]], []].map((some) =>
    some.filter(Boolean).join(" · "),
  );
  const firsts = identities.map((identity) => [
    span(machineName(agent), "strong"),
    span(identity === "" ? "  " : `  ${identity}  `, "dim"),
    span(`${sign} ${words}`, overall.level),
    ...(machine.simulated ? [span("  SIMULATED", "warning")] : []),
  ]);
  const first = firstThatFits(firsts, columns);
  const [problem] = overall.problems;
  if (problem === undefined) return rows > 24 ? [first, []] : [first];
  const more = overall.problems.length - 1;
  return [first, [span(`${problem}${more > 0 ? ` (and ${more} more)` : ""}`, overall.level)]];
}

function footLine({ origin, status }: Frame, columns: number): Line {
  const newest = Math.max(...status.sources.flatMap(({ lastSample }) => lastSample ?? []));
  const age = Number.isFinite(newest) ? `sample ${ago(newest, status.time)}` : "no sample yet";
  const words = [[age, `agent ${status.agent.version}`, origin], [age, origin], [origin]];
  return firstThatFits(
    words.map((some) => [span("q", "strong"), span([" quit", ...some].join("   "), "dim")]),
    columns,
  );
}

/** Fewer lines than this have room for the main figures only, without titles. */
const leastRoom = 18;

/** Memory and sinks are kept in sight: cores give way to them. */
function bodyLines(frame: Frame, columns: number, room: number): readonly Line[] {
  if (room < leastRoom) return smallBody(frame, columns, room);
  const figures = [...tileLines(frame, columns), ...appLines(frame, columns)];
  // A terminal of 24 lines has room for two of these.
  const power = [...powerLines(frame, columns), ...figures.slice(0, room < 25 ? 2 : Infinity)];
  const after = [
    ...titled("MEMORY", memoryLines(frame, columns)),
    ...titled("SINKS", sinkLines(frame, columns)),
    ...titled("SOURCES", sourceLines(frame, columns)),
    ...targetLines(frame.status, columns, room < 25 ? 0 : Math.floor(room / 4)),
  ];
  const roomForCores = Math.max(4, room - power.length - after.length);
  const cores = titled("CORES", coreLines(frame.status.readings.cores, columns, roomForCores - 1));
  return [...power, ...cropped(cores, roomForCores), ...after, ...eventLines(frame)];
}

function smallBody(frame: Frame, columns: number, room: number): readonly Line[] {
  const power = [...railLines(frame, columns), ...tileLines(frame, columns).slice(0, 2)];
  const after = [
    ...memoryLines(frame, columns).slice(0, 1),
    ...sinkLines(frame, columns),
    ...sourceLines(frame, columns),
    ...targetLines(frame.status, columns, 0),
  ];
  const left = room - power.length - after.length;
  const cores = left < 2 ? [] : cropped(coreLines(frame.status.readings.cores, columns, left), left);
  return [...power, ...cores, ...after];
}

/** As many to a line as fit. */
function wrapped(parts: readonly Line[], columns: number, gap: string): readonly Line[] {
  const lines: Line[] = [];
  for (const part of parts) {
    const longer = [...(lines.at(-1) ?? []), span(gap), ...part];
    if (lines.length > 0 && widthOf(longer) <= columns) lines.splice(-1, 1, longer);
    else lines.push(part);
  }
  return lines;
}

function cropped(lines: readonly Line[], room: number): readonly Line[] {
  if (lines.length <= room) return lines;
  return [...lines.slice(0, room - 1), [span(`… ${lines.length - room + 1} more lines`, "dim")]];
}

const rails = ["system", "cpu", "gpu", "ane", "package", "combined"] as const;

function powerLines(frame: Frame, columns: number): readonly Line[] {
  const past = sparkline(frame.past, Math.max(0, columns - 25));
  return titled("POWER", [...railLines(frame, columns), [span("Past".padEnd(24)), span(past, "ok")]]);
}

function railLines({ status: { readings }, past }: Frame, columns: number): readonly Line[] {
  const scale = Math.max(...past, ...Object.values(readings.power), 0.001);
  return rails.flatMap((rail): Line[] => {
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
}

/** Those of the page that no other line here has; the first ones are seen in the smallest terminal. */
const otherTiles = /^(?:energy|thermal|battery|flow|gpu-memory-\d+|capacity)$/;
const tileOrder = ["energy", "thermal", "battery", "flow"];

function tileLines({ status: { readings } }: Frame, columns: number): readonly Line[] {
  const place = ({ id }: Tile): number => (tileOrder.includes(id) ? tileOrder.indexOf(id) : tileOrder.length);
  const parts = tilesOf(readings)
    .filter(({ id, value }) => value !== undefined && otherTiles.test(id))
    .sort((a, b) => place(a) - place(b))
    .map(({ title: name, value = "", note, alarm }): Line => {
      const words = [`${name} ${value}${note === undefined ? "" : ` (${note})`}`, `${name} ${value}`];
      return firstThatFits(
        words.map((text) => [span(text, alarm ?? "plain")]),
        columns,
      );
    });
  return wrapped(parts, columns, "   ");
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
  const lines = gridLines(cores, columns, roomy);
  return lines.length <= room ? lines : gridLines(cores, columns, brief);
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
  const gauge =
    total === undefined
      ? []
      : [
          [
            span(bar(used / total, Math.max(0, columns - 34)), style),
            span(` ${bytes(used)} of ${bytes(total)} used`),
          ],
        ];
  const words: readonly Line[] = [
    ...(pressure === undefined ? [] : [[span(`pressure ${pressure}`, style)]]),
    [span(`swap ${swapUsed === undefined ? "–" : bytes(swapUsed)}`)],
    ...parts.map((text) => [span(text)]),
  ];
  return [...gauge, ...wrapped(words, columns, "  ")];
}

function sinkLines({ status: { sinks, time } }: Frame, columns: number): readonly Line[] {
  return sinks.map((sink) => sinkLine(sink, time, columns));
}

/** The address gives way to what goes on. */
function sinkLine(sink: SinkStatus, now: number, columns: number): Line {
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
  const host = URL.parse(sink.target)?.host ?? sink.target;
  const lines = [
    [`${sink.type} `, sink.target],
    ["", sink.target],
    ["", host],
  ].map(([type = "", address = ""]) => [
    span(`${sign} ${words}  `, level),
    span(type),
    span(`${address}  `, "dim"),
    span(tail.join(" · ")),
  ]);
  return firstThatFits(lines, columns);
}

function sourceLines({ status: { sources, time } }: Frame, columns: number): readonly Line[] {
  const parts = sources.map(({ name, up, lastSample }): Line => {
    const { sign, level } = sourceWords(up);
    const age = lastSample === undefined ? "–" : duration(time - lastSample);
    return [span(`${sign} `, level), span(`${name} ${age}`)];
  });
  return wrapped(parts, columns, "  ");
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
