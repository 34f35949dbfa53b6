/** Series sets in the database: each is stored once, compressed, and known by its id; our own help texts come from the catalogue. */
import type { DatabaseSync } from "node:sqlite";
import { crc32, deflateRawSync, inflateRawSync } from "node:zlib";
import { scrapedMetric, type Metric, type MetricType } from "../metric/metric.ts";
import { seriesSet, type LabelPair, type Series, type SeriesSet } from "../metric/series.ts";
import { createBoundedMap } from "../runtime/bounded-map.ts";
import { named } from "./schema.ts";
import type { MetricOf } from "./types.ts";

/** The set of this id; absent when it is missing or its checksum is wrong. Snapshots of one set share the object. */
export type ReadSet = (id: number) => SeriesSet | undefined;

/** The set's id; it is stored now if it is new, and for as long as the segment is. */
export type WriteSet = (set: SeriesSet, segment: number) => number;

const keptSets = 64;
/** Of all sets together; the latest stays in any case. Targets with new series each time would fill more with what is never read again. */
const keptSeries = 25_000;

export function createSetReader(database: DatabaseSync, metricOf: MetricOf): ReadSet {
  const select = database.prepare(`SELECT ${named("key content crc")} FROM series_set WHERE id = ?`);
  const kept = createBoundedMap<number, SeriesSet>(keptSeries, ({ series }) =>
    Math.max(series.length, keptSeries / keptSets),
  );
  return (id) => {
    const known = kept.get(id);
    if (known !== undefined) return known;
    const stored = select.get(id) as unknown as EncodedSet | undefined;
    const set = stored && decodeSet(stored, metricOf);
    if (set !== undefined) kept.set(id, set);
    return set;
  };
}

export function createSetWriter(database: DatabaseSync): WriteSet {
  const find = database.prepare(`SELECT ${named("id")} FROM series_set WHERE key = ?`);
  const insert = database.prepare("INSERT INTO series_set (key, content, crc) VALUES (?, ?, ?) RETURNING id");
  const use = database.prepare("INSERT OR IGNORE INTO segment_set VALUES (?, ?)");
  return (set, segment) => {
    let row = find.get(set.key);
    if (row === undefined) {
      const { key, content, crc } = encodeSet(set);
      row = insert.get(key, content, crc);
    }
    const id = Number(row?.["id"]);
    use.run(segment, id);
    return id;
  };
}

interface EncodedSet {
  readonly key: string;
  readonly content: Uint8Array;
  readonly crc: number;
}

type EncodedSeries = readonly [
  type: MetricType,
  since: Metric["since"],
  metric: string,
  name: string,
  labels: readonly LabelPair[],
  startMs?: number | null,
  /** Of a metric that was scraped: with its first series, and where another of its name stood in between. */
  declared?: readonly [help: string, unit: string],
];

/** No process has so many series; a damaged length must not fill the memory. */
const longestContent = 64 * 2 ** 20;

function encodeSet(set: SeriesSet): EncodedSet {
  const declared = new Map<string, Metric>();
  const series = set.series.map(({ metric, name, labels, startMs }): EncodedSeries => {
    const { type, since, help, unit = "" } = metric;
    const isDeclared = metric.scraped !== true || declared.get(metric.name) === metric;
    declared.set(metric.name, metric);
    if (!isDeclared) return [type, since, metric.name, name, labels, startMs ?? null, [help, unit]];
    if (startMs !== undefined) return [type, since, metric.name, name, labels, startMs];
    return [type, since, metric.name, name, labels];
  });
  const content = deflateRawSync(JSON.stringify(series));
  return { key: set.key, content, crc: crc32(content, crc32(set.key)) };
}

/** With the metrics as they are declared today. */
function decodeSet({ key, content, crc }: EncodedSet, metricOf: MetricOf): SeriesSet | undefined {
  if (crc32(content, crc32(key)) !== crc) return undefined;
  // Bytes with the right checksum are what `encodeSet` wrote.
  const json = inflateRawSync(content, { maxOutputLength: longestContent }).toString();
  const metrics = new Map<string, Metric>();
  const set = seriesSet(
    (JSON.parse(json) as readonly EncodedSeries[]).map((one) => decodeSeries(one, metrics, metricOf)),
  );
  return set.key === key ? set : undefined;
}

function decodeSeries(
  [type, since, metric, name, labels, startMs, declared]: EncodedSeries,
  metrics: Map<string, Metric>,
  metricOf: MetricOf,
): Series {
  const before = declared === undefined ? metrics.get(metric) : undefined;
  const known = before ?? decodeMetric([type, since, metric, name, labels], declared, metricOf);
  metrics.set(metric, known);
  return typeof startMs === "number"
    ? { metric: known, name, labels, startMs }
    : { metric: known, name, labels };
}

function decodeMetric(
  [type, since, name, , labels]: EncodedSeries,
  declared: EncodedSeries[6],
  metricOf: MetricOf,
): Metric {
  if (declared !== undefined) return scrapedMetric({ name, type, help: declared[0], unit: declared[1] });
  const today = metricOf(name, type);
  // What a counter counts from is a fact of the stored values, not of today's catalogue.
  if (today?.type === type && today.since === since) return today;
  return { name, type, help: today?.help ?? "", labels: labels.map(([label]) => label), since };
}
