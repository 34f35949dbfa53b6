/** Turns rows of the database back into snapshots, and finds those that can't be. */
import type { DatabaseSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import type { SeriesSet } from "../metric/series.ts";
import { damage } from "./fault.ts";
import { named } from "./schema.ts";
import { decodeRow, createRowState, startsOf, type RowState } from "./row-codec.ts";
import { restoredSet } from "./set-content.ts";
import type { MetricOf, SeqRange, StoredSnapshot } from "./types.ts";

/** What a row says beside its values; the checksum covers it too. */
interface RowHeader {
  readonly seq: number;
  readonly source: number;
  readonly time: number;
  readonly series: number;
  readonly ended: number | null;
  readonly chain: number;
  readonly depth: number;
}

interface StoredRow extends RowHeader {
  readonly samples: number;
  readonly crc: number;
  readonly row: Uint8Array;
}

export function rowChecksum(source: string, header: RowHeader, row: Uint8Array): number {
  const { seq, time, series, ended, chain, depth } = header;
  return crc32(row, crc32(`${seq} ${source} ${time} ${series} ${ended ?? ""} ${chain} ${depth}`));
}

/** A row as it was found, not decoded yet. */
export interface FoundRow {
  readonly seq: number;
  readonly samples: number;
  /** Call once and in order. Absent when the checksum, the set or a row that this one builds on is damaged. */
  readonly decode: () => StoredSnapshot | undefined;
}

/** Where a chain stands after the row that was decoded last. */
interface Position {
  readonly source: string;
  readonly chain: number;
  readonly depth: number;
  readonly set: SeriesSet;
  readonly state: RowState;
}

/** Where one reader stands in each source, so that reading on decodes nothing twice. Memory: one row a source. */
export type ReadPositions = Map<number, Position>;

export interface RowReader {
  /** Rows of the range, oldest first, fetched in small pages, so that no statement stays open while the caller thinks. */
  readonly rows: (
    range: SeqRange,
    positions: ReadPositions,
    options?: { readonly keysOnly?: boolean },
  ) => Generator<FoundRow>;
  /** The set a source's last snapshot had, by id. */
  readonly set: (id: number) => SeriesSet | undefined;
}

/** Rows of a first page: about what one batch takes, since whatever else it holds was fetched for nothing. */
const firstPage = 16;
/** Rows of a later page: who read a whole one goes on reading. */
const nextPage = 64;
/** Sets in memory, so that snapshots of one set share the object. */
const keptSets = 64;

export function rowReader(database: DatabaseSync, metricOf: MetricOf): RowReader {
  const columns = named("seq source time series ended chain depth samples crc row");
  const page = database.prepare(
    `SELECT ${columns} FROM snapshot WHERE seq BETWEEN ? AND ? ORDER BY seq LIMIT ?`,
  );
  const keyPage = database.prepare(
    `SELECT ${columns} FROM snapshot WHERE depth = 0 AND seq BETWEEN ? AND ? ORDER BY seq LIMIT ?`,
  );
  const chainRows = database.prepare(
    `SELECT ${columns} FROM snapshot WHERE seq >= ? AND seq < ? AND source = ? AND chain = ? ORDER BY seq`,
  );
  const selectSet = database.prepare(`SELECT ${named("key content crc")} FROM series_set WHERE id = ?`);
  const selectSource = database.prepare(`SELECT ${named("name")} FROM source WHERE id = ?`);
  const sets = new Map<number, SeriesSet>();
  const names = new Map<number, string>();

  function setOf(id: number): SeriesSet | undefined {
    const known = sets.get(id);
    if (known !== undefined) return known;
    const stored = selectSet.get(id) as { key: string; content: Uint8Array; crc: number } | undefined;
    const set = stored && restoredSet(stored, metricOf);
    if (set === undefined) return undefined;
    const [oldest] = sets.keys();
    if (sets.size >= keptSets && oldest !== undefined) sets.delete(oldest);
    sets.set(id, set);
    return set;
  }

  function nameOf(id: number): string | undefined {
    const name = names.get(id) ?? selectSource.get(id)?.["name"];
    if (typeof name !== "string") return undefined;
    names.set(id, name);
    return name;
  }

  /** Moves the source's position on to `row`; tells whether the row could be read. */
  function advance(row: StoredRow, positions: ReadPositions): Position | undefined {
    const before = positions.get(row.source);
    positions.delete(row.source);
    const source = nameOf(row.source);
    if (source === undefined || rowChecksum(source, row, row.row) !== row.crc) return undefined;
    const set = row.depth === 0 ? setOf(row.series) : before?.set;
    const fits = row.depth === 0 || (before?.chain === row.chain && before.depth === row.depth - 1);
    if (set === undefined || !fits) return undefined;
    const state = row.depth === 0 || before === undefined ? createRowState(set.series.length) : before.state;
    if (!decodes(state, row.row)) return undefined;
    const position = { source, chain: row.chain, depth: row.depth, set, state };
    positions.set(row.source, position);
    return position;
  }

  /** Decodes the rows that `row` builds on, unless the reader comes from there. */
  function approach(row: StoredRow, positions: ReadPositions): void {
    const before = positions.get(row.source);
    if (row.depth === 0 || (before?.chain === row.chain && before.depth === row.depth - 1)) return;
    for (const earlier of chainRows.all(row.chain, row.seq, row.source, row.chain) as unknown as StoredRow[])
      if (advance(earlier, positions) === undefined) return;
  }

  function decode(row: StoredRow, positions: ReadPositions): StoredSnapshot | undefined {
    approach(row, positions);
    const position = advance(row, positions);
    const ended = row.ended === null ? [] : setOf(row.ended)?.series;
    if (position === undefined || ended === undefined) return undefined;
    const { source, set, state } = position;
    const { seq, time } = row;
    return { seq, source, time, starts: startsOf(state), set, values: state.values.slice(), ended };
  }

  function* rows(range: SeqRange, positions: ReadPositions, { keysOnly = false } = {}): Generator<FoundRow> {
    const select = keysOnly ? keyPage : page;
    let limit = firstPage;
    for (let from = range.firstSeq; from <= range.lastSeq;) {
      const found = select.all(from, range.lastSeq, limit) as unknown as StoredRow[];
      for (const row of found) {
        // A damaged tree gives rows in any order, and reading on behind one that stands too late would never end.
        if (row.seq < from) throw damage(`unexpected row: got ${row.seq}, want ${from} or later`);
        from = row.seq + 1;
        yield { seq: row.seq, samples: row.samples, decode: () => decode(row, positions) };
      }
      if (found.length < limit) return;
      limit = nextPage;
    }
  }

  return { rows, set: setOf };
}

function decodes(state: RowState, row: Uint8Array): boolean {
  try {
    decodeRow(state, row);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
