/**
 * Draws what `top` shows: one status as lines that fit a terminal.
 *
 *     host, state, problems                       stays
 *     power by rail, and its past; battery, energy  ┐
 *     apps                                          │ shortened so that all are seen,
 *     cores, in as many columns as fit              │ or a part of the whole list
 *     memory                                        │
 *     sinks, sources, targets, events               ┘
 *     keys, age, where it comes from              stays
 *
 * view.ts has the keys, sections.ts shares the room, past.ts, apps.ts, cores.ts and targets.ts draw their sections.
 */
import type { History } from "../../status/history.ts";
import type { SinkStatus, Status } from "../../status/status.ts";
import {
  ago,
  bytes,
  clockTime,
  droppedText,
  machineName,
  macOS,
  overallWords,
  railTitles,
  sinkWords,
  sourceWords,
  span as duration,
  tilesOf,
  waitingText,
  watts,
  type Tile,
} from "../../status/view.ts";
import { appList } from "./apps.ts";
import { brief, coresTitle, gridLines, roomy, type CoreLayout } from "./cores.ts";
import { bar, firstThatFits, fit, span, title, widthOf, type Line } from "./line.ts";
import { nameWidth, pastLines, valueWidth } from "./past.ts";
import { allLines, shareRoom, type Section } from "./sections.ts";
import { targetLines } from "./targets.ts";
import { helpLines, keysLine, type Extent, type View } from "./view.ts";

export interface Frame {
  readonly status: Status;
  /** Absent where the agent does not answer with one. */
  readonly history?: History | undefined;
  /** Where the status comes from. */
  readonly origin: string;
  /** Why there is no newer status. */
  readonly lost?: string | undefined;
  readonly view: View;
}

/** Exactly `rows` lines of `columns` characters. */
export function frameLines(frame: Frame, columns: number, rows: number): readonly Line[] {
  const head = headLines(frame, columns, rows);
  const extent = extentOf(frame, columns, rows);
  const body = bodyLines(frame, columns, extent).slice(0, extent.room);
  const blank = Array.from({ length: extent.room - body.length }, () => []);
  const lines = [...head, ...body, ...blank].slice(0, rows - 1);
  return [...lines, footLine(frame, columns, extent)].map((line) => fit(line, columns));
}

/** What a frame shows where there is no terminal: all of it, and no keys. */
export function plainLines(frame: Frame, columns: number): readonly Line[] {
  const lines = [...headLines(frame, columns), ...allLines(sectionsOf(frame, columns, roomy))];
  return lines.map((line) => fit(line, columns));
}

export function extentOf(frame: Frame, columns: number, rows: number): Extent {
  const room = Math.max(0, rows - headLines(frame, columns, rows).length - 1);
  return { room, lines: allLines(sectionsOf(frame, columns, roomy)).length };
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

function footLine({ origin, status, lost, view }: Frame, columns: number, extent: Extent): Line {
  if (lost !== undefined)
    return [span("q", "strong"), span(" quit  ", "dim"), span(`LOST: ${lost}`, "failing")];
  const newest = Math.max(...status.sources.flatMap(({ lastSample }) => lastSample ?? []));
  const age = Number.isFinite(newest) ? `sample ${ago(newest, status.time)}` : "no sample yet";
  const hasApps = status.readings.energyByApp !== undefined;
  return keysLine(view, { age, version: status.agent.version, origin, hasApps }, extent, columns);
}

/** Fewer lines than this have room for the main figures only, without titles. */
const leastRoom = 18;
/** From so many lines on apps come before cores, and targets have a line each. */
const muchRoom = 30;

function bodyLines(frame: Frame, columns: number, { room, lines }: Extent): readonly Line[] {
  const { help, offset } = frame.view;
  if (help) return helpLines(frame.view);
  if (offset > 0) {
    const from = Math.max(0, Math.min(offset, lines - room));
    return allLines(sectionsOf(frame, columns, roomy)).slice(from, from + room);
  }
  for (const layout of [roomy, brief]) {
    const sections = sectionsOf(frame, columns, layout, room);
    const shared = room < leastRoom ? undefined : shareRoom(sections, room);
    if (shared !== undefined && (layout === brief || isWhole(sections, shared))) return shared;
  }
  const small = smallSections(frame, columns);
  const smaller = small.map((section) => (section.rank < 3 ? section : { ...section, least: 0 }));
  return shareRoom(small, room) ?? shareRoom(smaller, room) ?? allLines(smaller);
}

/** Whether every core has its line. */
function isWhole(sections: readonly Section[], shared: readonly Line[]): boolean {
  const cores = sections.find(({ counts }) => counts === true);
  return cores?.lines.every((line) => shared.includes(line)) !== false;
}

/** All there is; with `room` what a terminal of so many lines needs of each. */
function sectionsOf(frame: Frame, columns: number, layout: CoreLayout, room = Infinity): readonly Section[] {
  const { status } = frame;
  const rails = railLines(frame, columns);
  const { energyByApp, cores } = status.readings;
  const apps = energyByApp && appList(energyByApp, status.time, frame.view.sort, columns);
  const sinks = sinkLines(frame, columns);
  const sources = sourceLines(frame, columns);
  const most = room === Infinity ? Infinity : room < muchRoom ? 0 : Math.floor(room / 4);
  const targets = targetLines(status, columns, most);
  return [
    { heading: powerTitle(frame), lines: rails, least: rails.length, rank: 0 },
    { lines: pastLines(frame.history, columns), least: 1, rank: 4 },
    { lines: tileLines(frame, columns).slice(0, room < muchRoom ? 2 : Infinity), least: 2, rank: 3 },
    ...(apps
      ? [
          {
            heading: apps.heading,
            lines: apps.lines.slice(0, room / 6),
            least: 0,
            rank: room < muchRoom ? 7 : 5,
          },
        ]
      : []),
    { heading: coresTitle, lines: gridLines(cores, columns, layout), least: 3, rank: 6, counts: true },
    { heading: title("MEMORY"), lines: memoryLines(frame, columns), least: 1, rank: 1 },
    {
      heading: title("SINKS"),
      lines: sinks,
      least: Math.min(3, sinks.length),
      rank: 2,
      counts: sinks.length > 3,
    },
    { heading: title("SOURCES"), lines: sources, least: sources.length, rank: 0 },
    { lines: targets, least: targets.length, rank: 0 },
    { heading: title("EVENTS"), lines: eventLines(frame), least: 0, rank: 8 },
  ];
}

/** Without headings: rails, two lines of figures, sinks and sources, and of cores what is left. */
function smallSections(frame: Frame, columns: number): readonly Section[] {
  const cores = gridLines(frame.status.readings.cores, columns, brief);
  const rails = railLines(frame, columns);
  const all = (lines: readonly Line[], rank: number, least = lines.length): Section => ({
    lines,
    least,
    rank,
  });
  return [
    all(rails, 1),
    all(tileLines(frame, columns).slice(0, 2), 3),
    { lines: cores, least: 0, rank: 4, counts: true },
    all(memoryLines(frame, columns).slice(0, 1), 3),
    all(sinkLines(frame, columns), 0),
    all(sourceLines(frame, columns), 2),
    all(targetLines(frame.status, columns, 0), 2),
  ];
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

const rails = ["system", "cpu", "gpu", "ane", "package", "combined"] as const;

const scaleOf = ({ power }: Status["readings"]): number =>
  Math.max(...rails.flatMap((rail) => power[rail] ?? []), 0.001);

const powerTitle = ({ status }: Frame): Line => [
  ...title("POWER"),
  span(`  a full bar is ${watts(scaleOf(status.readings))}`, "dim"),
];

function railLines({ status: { readings } }: Frame, columns: number): readonly Line[] {
  const scale = scaleOf(readings);
  return rails.flatMap((rail): Line[] => {
    const value = readings.power[rail];
    if (value === undefined) return [];
    return [
      [
        span(railTitles[rail].replace(/ power$/, "").padEnd(nameWidth)),
        span(watts(value).padStart(valueWidth), "strong"),
        span(` ${bar(value / scale, Math.max(0, columns - nameWidth - valueWidth - 2))}`, "ok"),
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
  const styles = { info: "plain", warn: "warning", error: "failing" } as const;
  return events
    .slice(0, mostEvents)
    .map((event) => [
      span(`${clockTime(event.time, time)}  `, "dim"),
      span(event.message, styles[event.level]),
    ]);
}
