/**
 * Snapshots in the database: segments of rows, one row a snapshot. Rows of one source and series set form chains: each row is relative
 * to the one before, the first is the key row. Chains stay within their segment, so that it is read and deleted on its own.
 *
 *     segment, a quarter of an hour at most         current segment
 *     ┌───────────────────────────────────────────┐ ┌──────────────────
 *     │ A key ◄─ A ◄─ A ◄─ … 60   A key ◄─ A ◄─ … │ │ A key ◄─ A  ← next
 *     │      B key ◄──────── B ◄──────── B        │ │     B key
 *     └───────────────────────────────────────────┘ └──────────────────
 */
import type { DatabaseSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import { seriesSet, type SeriesSet } from "../metric/series.ts";
import { damage } from "./database.ts";
import { createRowState, decodeRow, encodeRow, startsOf, type RowState } from "./row-codec.ts";
import { named } from "./schema.ts";
import type { ReadSet, WriteSet } from "./series-sets.ts";
import type { SeqRange, StoredSnapshot } from "./types.ts";

/** A run of snapshots without a gap, deleted as a whole. */
export interface Segment {
  readonly first: number;
  readonly last: number;
  readonly minTime: number;
  readonly maxTime: number;
  readonly samples: number;
  /** Of the rows' values, without what the database adds. */
  readonly bytes: number;
}

export function rowsOf({ first, last }: Segment): number {
  return last - first + 1;
}

export function rangeOf({ first, last }: Segment): SeqRange {
  return { firstSeq: first, lastSeq: last };
}

/** @throws damage when a segment's checksum is wrong: then nothing is known for certain about what is there. */
export function storedSegments(database: DatabaseSync): readonly Segment[] {
  const columns = `${named("first last samples bytes crc")}, min_time AS minTime, max_time AS maxTime`;
  const rows = database.prepare(`SELECT ${columns} FROM segment ORDER BY first`).iterate();
  return Array.from(
    rows as unknown as Iterable<Segment & { readonly crc: number }>,
    ({ crc, ...segment }) => {
      if (segmentChecksum(segment) !== crc) throw damage("unexpected checksum of a segment");
      return segment;
    },
  );
}

export function deleteSegment(database: DatabaseSync, { first, last }: Segment): void {
  database.exec(`
    DELETE FROM snapshot WHERE seq BETWEEN ${first} AND ${last};
    DELETE FROM segment WHERE first = ${first};
    DELETE FROM segment_set WHERE segment = ${first};
    DELETE FROM series_set WHERE id NOT IN (SELECT series_set FROM segment_set)
      AND id NOT IN (SELECT last_set FROM source)`);
}

/** Those with no row and none since `beforeMs`; returns how many. Each chain has its key row, so that these are enough to look at. */
export function deleteSources(database: DatabaseSync, beforeMs: number): number {
  const result = database
    .prepare(
      `DELETE FROM source WHERE last_time < ? AND id < (SELECT max(id) FROM source)
        AND id NOT IN (SELECT source FROM snapshot INDEXED BY key_row WHERE depth = 0)`,
    )
    .run(beforeMs);
  return Number(result.changes);
}

/** What a row says beside its values; the checksum covers it too. */
interface RowHeader {
  readonly seq: number;
  /** Id of the source. */
  readonly source: number;
  readonly time: number;
  /** Id of the series set. */
  readonly series: number;
  /** Id of the set of ended series. */
  readonly ended: number | null;
  /** Number of the chain's key row. */
  readonly chain: number;
  /** Rows between the key row and this one. */
  readonly depth: number;
}

interface StoredRow extends RowHeader {
  readonly samples: number;
  readonly crc: number;
  readonly row: Uint8Array;
}

function checksumOf(source: string, header: RowHeader, row: Uint8Array): number {
  const { seq, time, series, ended, chain, depth } = header;
  return crc32(row, crc32(`${seq} ${source} ${time} ${series} ${ended ?? ""} ${chain} ${depth}`));
}

/** A row as it was found, not decoded yet. */
export interface FoundRow {
  readonly seq: number;
  readonly samples: number;
  /** Its name; absent where that is damaged. */
  source(): string | undefined;
  /** Call once and in order. Absent when the checksum, the set or a row that this one builds on is damaged. */
  decode(): StoredSnapshot | undefined;
}

/** A chain up to the row that was decoded last. */
interface ReadChain {
  readonly source: string;
  readonly chain: number;
  depth: number;
  readonly set: SeriesSet;
  readonly state: RowState;
}

/** By the source's id, so that reading on decodes nothing twice. Memory: one row a source. */
export type ReadChains = Map<number, ReadChain>;

/** Of which readers remember something; sources come and go. */
export const mostSources = 1000;

/** Rows of the range, oldest first, fetched in small pages, so that no statement stays open between them. */
export type ReadRows = (
  range: SeqRange,
  chains: ReadChains,
  options?: { readonly keysOnly?: boolean },
) => Generator<FoundRow>;

/** Rows of a first page: about what one batch takes, since whatever else it holds was fetched for nothing. */
const firstPage = 16;
/** Rows of a later page: who read a whole one goes on reading. */
const nextPage = 64;

export function createRowReader(database: DatabaseSync, readSet: ReadSet): ReadRows {
  const page = selectRows(database, "seq BETWEEN ? AND ? ORDER BY seq LIMIT ?");
  const keyPage = selectRows(database, "depth = 0 AND seq BETWEEN ? AND ? ORDER BY seq LIMIT ?");
  const decoder = createDecoder(database, readSet);

  return function* rows(range, chains, { keysOnly = false } = {}) {
    const select = keysOnly ? keyPage : page;
    let limit = firstPage;
    for (let from = range.firstSeq; from <= range.lastSeq;) {
      const found = select(from, range.lastSeq, limit);
      for (const row of found) {
        // A damaged tree gives rows in any order, and reading on behind one that stands too late would never end.
        if (row.seq < from) throw damage(`unexpected row: got ${row.seq}, want ${from} or later`);
        from = row.seq + 1;
        yield {
          seq: row.seq,
          samples: row.samples,
          source: () => decoder.nameOf(row.source),
          decode: () => decoder.decode(row, chains),
        };
      }
      if (found.length < limit) return;
      limit = nextPage;
    }
  };
}

const columns = [
  "seq",
  "source",
  "time",
  "series",
  "ended",
  "chain",
  "depth",
  "samples",
  "crc",
  "row",
] as const;
/** The values of a row, in the order of `columns`. */
type Columns = readonly [
  ...[seq: number, source: number, time: number, series: number, ended: number | null],
  ...[chain: number, depth: number, samples: number, crc: number, row: Uint8Array],
];

/** As tuples, since of objects SQLite's binding makes tables of names and values, which are slow and ten times as large. */
function selectRows(database: DatabaseSync, where: string): (...values: number[]) => readonly StoredRow[] {
  const select = database.prepare(`SELECT ${columns.join(", ")} FROM snapshot WHERE ${where}`);
  select.setReturnArrays(true);
  return (...values) => (select.all(...values) as unknown as readonly Columns[]).map(rowOf);
}

/** Not by destructuring, which V8 does step by step. */
function rowOf(values: Columns): StoredRow {
  return {
    seq: values[0],
    source: values[1],
    time: values[2],
    series: values[3],
    ended: values[4],
    chain: values[5],
    depth: values[6],
    samples: values[7],
    crc: values[8],
    row: values[9],
  };
}

function createDecoder(database: DatabaseSync, readSet: ReadSet) {
  const selectChain = selectRows(database, "seq >= ? AND seq < ? AND source = ? AND chain = ? ORDER BY seq");
  const selectSource = database.prepare(`SELECT ${named("name")} FROM source WHERE id = ?`);
  const names = new Map<number, string>();

  function nameOf(id: number): string | undefined {
    const known = names.get(id);
    if (known !== undefined) return known;
    const name = selectSource.get(id)?.["name"];
    if (typeof name !== "string") return undefined;
    if (names.size >= mostSources) names.clear();
    names.set(id, name);
    return name;
  }

  /** Moves the source's chain on to `row`; absent when the row cannot be read. */
  function advance(row: StoredRow, chains: ReadChains): ReadChain | undefined {
    const chain = row.depth === 0 ? beginning(row) : chainBefore(row, chains);
    if (chain === undefined || !continues(chain, row)) {
      chains.delete(row.source);
      return undefined;
    }
    // One entry a chain: each change of the map would leave V8 more to collect than the row.
    if (row.depth === 0) chains.set(row.source, chain);
    return chain;
  }

  function beginning({ source: id, chain, depth, series }: StoredRow): ReadChain | undefined {
    const [source, set] = [nameOf(id), readSet(series)];
    if (source === undefined || set === undefined) return undefined;
    return { source, chain, depth, set, state: createRowState(set.series.length) };
  }

  /** Decodes the rows that `row` builds on, unless the reader comes from there. */
  function approach(row: StoredRow, chains: ReadChains): void {
    if (row.depth === 0 || chainBefore(row, chains) !== undefined) return;
    const earlier = selectChain(row.chain, row.seq, row.source, row.chain);
    for (const one of earlier) if (advance(one, chains) === undefined) return;
  }

  function decode(row: StoredRow, chains: ReadChains): StoredSnapshot | undefined {
    approach(row, chains);
    const chain = advance(row, chains);
    const ended = row.ended === null ? [] : readSet(row.ended)?.series;
    if (chain === undefined || ended === undefined) return undefined;
    const { source, set, state } = chain;
    const { seq, time } = row;
    return { seq, source, time, starts: startsOf(state), set, values: state.values.slice(), ended };
  }

  return { nameOf, decode };
}

/** The chain that `row` continues, if its last row is the one before. */
function chainBefore(row: StoredRow, chains: ReadChains): ReadChain | undefined {
  const before = chains.get(row.source);
  return before?.chain === row.chain && before.depth === row.depth - 1 ? before : undefined;
}

/** Moves the chain on to `row`; false where that is damaged, and then the chain is of no use any more. */
function continues(chain: ReadChain, row: StoredRow): boolean {
  if (checksumOf(chain.source, row, row.row) !== row.crc) return false;
  try {
    decodeRow(chain.state, row.row);
    chain.depth = row.depth;
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

export function createSegmentWriter(database: DatabaseSync, writeSet: WriteSet, journalBytes: number) {
  const rows = createRowWriter(database, writeSet);
  const save = database.prepare("INSERT OR REPLACE INTO segment VALUES (?, ?, ?, ?, ?, ?, ?)");
  const fits = segmentLimit(journalBytes);

  return {
    /** Writes as many snapshots from the front as fit one segment: `current`, or a new one. Absent when there are none. */
    write(snapshots: readonly StoredSnapshot[], current: Segment | undefined) {
      const [head] = snapshots;
      if (head === undefined) return undefined;
      let segment = current !== undefined && fits(current, head) ? current : emptySegment(head);
      let count = 0;
      const last = new Map<string, StoredSnapshot>();
      for (const snapshot of snapshots) {
        if (!fits(segment, snapshot)) break;
        segment = extended(segment, snapshot, rows.write(snapshot, segment.first));
        last.set(snapshot.source, snapshot);
        count++;
      }
      rows.writeSources(last.values());
      const { first, minTime, maxTime, samples, bytes } = segment;
      save.run(first, segment.last, minTime, maxTime, samples, bytes, segmentChecksum(segment));
      return { segment, count };
    },
    /** What was written last is gone. */
    reset: () => rows.reset(),
  };
}

/** A quarter of an hour of one-second samples at most, and small against the bound of the journal. */
function segmentLimit(journalBytes: number): (segment: Segment, next: StoredSnapshot) => boolean {
  const maxBytes = Math.min(Math.max(Math.floor(journalBytes / 64), 16_384), 524_288);
  const maxSpanMs = 900_000;
  const maxRows = 2048;
  return (segment, { seq, time }) =>
    seq === segment.last + 1 &&
    segment.bytes < maxBytes &&
    rowsOf(segment) < maxRows &&
    Math.abs(time - segment.minTime) < maxSpanMs;
}

function emptySegment({ seq, time }: StoredSnapshot): Segment {
  return { first: seq, last: seq - 1, minTime: time, maxTime: time, samples: 0, bytes: 0 };
}

function extended(segment: Segment, { seq, time, values }: StoredSnapshot, bytes: number): Segment {
  return {
    first: segment.first,
    last: seq,
    minTime: Math.min(segment.minTime, time),
    maxTime: Math.max(segment.maxTime, time),
    samples: segment.samples + values.length,
    bytes: segment.bytes + bytes,
  };
}

/** A checksum of its own: numbers that are off here would be taken for losses. */
function segmentChecksum({ first, last, minTime, maxTime, samples, bytes }: Segment): number {
  return crc32([first, last, minTime, maxTime, samples, bytes].join(" "));
}

/** Damage to a row takes the rest of its chain along, and reading may have to begin at its key row. */
const longestChain = 60;

interface WrittenChain {
  readonly set: SeriesSet;
  readonly segment: number;
  /** What all rows of the chain have in common. */
  readonly ids: Pick<RowHeader, "source" | "series" | "chain">;
  readonly state: RowState;
  /** Rows so far. */
  length: number;
}

function createRowWriter(database: DatabaseSync, writeSet: WriteSet) {
  const chains = new Map<string, WrittenChain>();
  const insertRow = database.prepare("INSERT INTO snapshot VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  const saveSource = database.prepare(`INSERT INTO source (name, last_time, last_set) VALUES (?, ?, ?)
    ON CONFLICT (name) DO UPDATE SET last_time = excluded.last_time, last_set = excluded.last_set RETURNING id`);

  /** The chain that the snapshot continues, or a new one whose key row it will be. */
  function chainOf({ source, set, time, seq }: StoredSnapshot, segment: number): WrittenChain {
    const before = chains.get(source);
    if (before?.set.key === set.key && before.segment === segment && before.length < longestChain)
      return before;
    const series = writeSet(set, segment);
    const ids = { source: Number(saveSource.get(source, time, series)?.["id"]), series, chain: seq };
    const chain = { set, segment, ids, state: createRowState(set.series.length), length: 0 };
    chains.set(source, chain);
    return chain;
  }

  return {
    /** Writes the snapshot into the segment that begins at `segment`; returns how many bytes the values took. */
    write(snapshot: StoredSnapshot, segment: number): number {
      const chain = chainOf(snapshot, segment);
      const { seq, time, values, starts } = snapshot;
      const { source, series, chain: key } = chain.ids;
      const ended = snapshot.ended.length === 0 ? null : writeSet(seriesSet(snapshot.ended), segment);
      const depth = chain.length++;
      const row = encodeRow(chain.state, values, starts);
      const crc = checksumOf(snapshot.source, { seq, source, time, series, ended, chain: key, depth }, row);
      insertRow.run(seq, source, time, series, ended, key, depth, values.length, crc, row);
      return row.length;
    },
    /** Remembers each source's last time and set, as of the snapshots written. */
    writeSources(last: Iterable<StoredSnapshot>) {
      for (const { source, time } of last) saveSource.get(source, time, chains.get(source)?.ids.series ?? 0);
    },
    /** The next rows begin chains of their own: what was written last is gone. */
    reset: () => chains.clear(),
  };
}
