/**
 * What is known of a target's series from one scrape to the next, and which family a series is of.
 *
 *     lines      node_cpu_seconds_total{cpu="0"}   as it is spelled ─► Line ─► Slot, Origin, family
 *     slots      name and labels  ─► Slot     the series, however it is spelled
 *     origins    family and labels without le or quantile ─► Origin     what one `_created` line dates
 *     families   name, type, unit, help ─► the one object for it
 */
import type { LabelPair } from "../metric/series.ts";
import type { Identity, Metadata } from "./line.ts";
import { parseNumber } from "./tokens.ts";

export type ScrapedType =
  "counter" | "gauge" | "histogram" | "summary" | "unknown" | "info" | "stateset" | "gaugehistogram";

/**
 * As the exposition names it, which is what Prometheus keeps as metadata: in OpenMetrics the counter `foo_total` is of the
 * family `foo`, in text 0.0.4 of `foo_total`. A series that no TYPE or HELP line stands above is a family of its own name.
 */
export interface ScrapedFamily {
  readonly name: string;
  readonly type: ScrapedType;
  readonly help: string;
  /** Only OpenMetrics has units. */
  readonly unit: string;
}

export interface ScrapedSeries {
  readonly family: ScrapedFamily;
  /** With the suffix, where it is a part of a family. */
  readonly name: string;
  /** Sorted by name in byte order, without empty values and `__name__`. `le` and `quantile` are spelled as Prometheus 3 does. */
  readonly labels: readonly LabelPair[];
  /** From `_created`, ms since the epoch. */
  readonly startMs?: number;
}

/** A series, across scrapes. */
export interface Slot {
  readonly key: string;
  series: ScrapedSeries;
  /** What it is of and what starts it in this scrape, where the last series may differ. */
  family: ScrapedFamily;
  origin: Origin | undefined;
  /** Of the last scrape that had it, and its times there. */
  scrape: number;
  time: number;
  times: Set<number> | undefined;
}

/** What a `_created` line dates: the series of one family with the same labels, `le` and `quantile` aside. */
export interface Origin {
  readonly key: string;
  startMs: number | undefined;
  scrape: number;
}

/** What a line says, numbers aside: a sample's series, a start's origin, or with neither a family. */
export interface Line {
  /** The series as it is spelled; empty for a `#` line. */
  readonly text: string;
  /** The family that was declared last, in front of this line and behind it. */
  readonly before: ScrapedFamily | undefined;
  readonly after: ScrapedFamily | undefined;
  readonly family: ScrapedFamily | undefined;
  readonly slot: Slot | undefined;
  readonly origin: Origin | undefined;
  /** Where it was in the last body that had it. */
  index: number;
}

export interface KnownSeries {
  readonly lines: Map<string, Line>;
  readonly slots: Map<string, Slot>;
  readonly origins: Map<string, Origin>;
  readonly families: Map<string, ScrapedFamily>;
}

export function createKnownSeries(): KnownSeries {
  return { lines: new Map(), slots: new Map(), origins: new Map(), families: new Map() };
}

export function forgetSeries(known: KnownSeries): void {
  for (const map of Object.values<Map<string, unknown>>({ ...known })) map.clear();
}

/** Forgets what is not in `lines`, once that is the larger part: together, four maps for each line twice over. */
export function pruneSeries(known: KnownSeries, lines: readonly Line[]): void {
  const { slots, origins, families } = known;
  if (known.lines.size + slots.size + origins.size + families.size <= 8 * lines.length + 64) return;
  forgetSeries(known);
  for (const line of lines) {
    if (line.family === undefined) continue;
    known.lines.set(line.text, line);
    families.set(familyKey(line.family), line.family);
    if (line.origin !== undefined) origins.set(line.origin.key, line.origin);
    if (line.slot !== undefined) slots.set(line.slot.key, line.slot);
  }
}

/** Lines that follow each other and name the same family add up. */
export function declareFamily(
  known: KnownSeries,
  before: ScrapedFamily | undefined,
  said: Metadata,
): ScrapedFamily {
  const plain = { type: "unknown", help: "", unit: "" } as const;
  const family = { ...(before?.name === said.name ? before : plain), ...said };
  return known.families.get(familyKey(family)) ?? family;
}

/** Families are known as soon as a series is of them: declarations alone cost no memory. */
function intern(known: KnownSeries, family: ScrapedFamily): ScrapedFamily {
  const key = familyKey(family);
  const found = known.families.get(key);
  if (found === undefined) known.families.set(key, family);
  return found ?? family;
}

function familyKey({ name, type, help, unit }: ScrapedFamily): string {
  return keyOf(name, [[type, unit]]) + help;
}

/** A text that stands for these only: each is preceded by its length. */
function keyOf(name: string, labels: readonly LabelPair[], without?: string): string {
  let key = `${name.length} ${name}`;
  for (const [label, value] of labels)
    if (label !== without) key += `${label.length} ${label}${value.length} ${value}`;
  return key;
}

/** @param declared the family that was declared last; only in OpenMetrics lines date others */
export function seriesLine(
  known: KnownSeries,
  { name, labels }: Identity,
  {
    text,
    declared,
    openMetrics,
  }: { text: string; declared: ScrapedFamily | undefined; openMetrics: boolean },
): Line {
  const isStart = openMetrics && declared !== undefined && isStartOf(declared, name);
  const isPart = declared !== undefined && (isStart || isPartOf(declared, name));
  const family = intern(known, isPart ? declared : { name, type: "unknown", help: "", unit: "" });
  const spelled = spelledLabels(labels, family.type);
  return {
    text,
    before: declared,
    after: declared,
    family,
    slot: isStart ? undefined : slotOf(known, family, name, spelled),
    origin: openMetrics && hasStart(family.type) ? originOf(known, family, spelled) : undefined,
    index: -1,
  };
}

/** The line of a comment or a declaration. */
export function familyLine(before: ScrapedFamily | undefined, after: ScrapedFamily | undefined): Line {
  return { text: "", before, after, family: undefined, slot: undefined, origin: undefined, index: -1 };
}

function slotOf(known: KnownSeries, family: ScrapedFamily, name: string, labels: readonly LabelPair[]): Slot {
  const key = keyOf(name, labels);
  const found = known.slots.get(key);
  if (found !== undefined) return found;
  const series = { family, name, labels };
  const slot: Slot = { key, series, family, origin: undefined, scrape: 0, time: NaN, times: undefined };
  known.slots.set(key, slot);
  return slot;
}

function originOf(known: KnownSeries, family: ScrapedFamily, labels: readonly LabelPair[]): Origin {
  const key = keyOf(`${family.type} ${startedName(family)}`, labels, boundLabel(family.type));
  const found = known.origins.get(key);
  if (found !== undefined) return found;
  const origin: Origin = { key, startMs: undefined, scrape: 0 };
  known.origins.set(key, origin);
  return origin;
}

/** The series as this scrape has it: another object only where its family or start changed. */
export function settledSeries(slot: Slot, scrape: number): ScrapedSeries {
  const { series, family, origin } = slot;
  const startMs = origin?.scrape === scrape ? origin.startMs : undefined;
  if (series.family !== family || series.startMs !== startMs) {
    const { name, labels } = series;
    slot.series = { family, name, labels, ...(startMs !== undefined && { startMs }) };
  }
  return slot.series;
}

const suffixes: Readonly<Partial<Record<ScrapedType, readonly string[]>>> = {
  counter: ["_total"],
  histogram: ["_bucket", "_sum", "_count"],
  gaugehistogram: ["_bucket", "_gsum", "_gcount"],
  summary: ["_sum", "_count"],
  info: ["_info"],
};

function isPartOf(family: ScrapedFamily, name: string): boolean {
  if (!name.startsWith(family.name)) return false;
  const suffix = name.slice(family.name.length);
  return suffix === "" || (suffixes[family.type] ?? []).includes(suffix);
}

function isStartOf(family: ScrapedFamily, name: string): boolean {
  return hasStart(family.type) && name === `${startedName(family)}_created`;
}

/** Prometheus' counters may be declared with their suffix, and are dated without. */
function startedName({ name, type }: ScrapedFamily): string {
  return type === "counter" ? name.replace(/_total$/, "") : name;
}

function hasStart(type: ScrapedType): boolean {
  return type === "counter" || type === "histogram" || type === "summary";
}

/** The label that tells a family's series apart, which Prometheus 3 spells alike whatever the exporter does. */
function boundLabel(type: ScrapedType): string | undefined {
  return type === "histogram" ? "le" : type === "summary" ? "quantile" : undefined;
}

function spelledLabels(labels: readonly LabelPair[], type: ScrapedType): readonly LabelPair[] {
  const bound = boundLabel(type);
  if (bound === undefined) return labels;
  return labels.map(([name, value]) => {
    const number = name === bound ? parseNumber(value) : undefined;
    return [name, number === undefined ? value : formatBound(number)];
  });
}

/** How Prometheus 3 writes the value of `le` and `quantile`, whatever the exporter wrote: 1 and 1.0 are one bucket. */
function formatBound(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  // Prometheus compares before it formats, which loses the sign of a negative zero.
  if (value === 0) return "0.0";
  const [digits = "", power = ""] = value.toExponential().split("e");
  const exponent = Number(power);
  // Go's shortest %g has an exponent, of two digits at least, below 10^-4 and from 10^6 on.
  if (exponent < -4 || exponent >= 6)
    return `${digits}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
  const plain = String(value);
  return plain.includes(".") ? plain : `${plain}.0`;
}
