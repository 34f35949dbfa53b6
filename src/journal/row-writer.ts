/** Turns snapshots into rows of the database: chains of rows, segments, sets and sources, inside the caller's transaction. */
import type { DatabaseSync } from "node:sqlite";
import type { SeriesSet } from "../metric/series.ts";
import { seriesSet } from "../metric/series.ts";
import { encodeRow, createRowState, type RowState } from "./row-codec.ts";
import { rowChecksum } from "./row-reader.ts";
import { named } from "./schema.ts";
import { segmentChecksum, takes, type Segment, type SegmentLimits } from "./segments.ts";
import { storedSet } from "./set-content.ts";
import type { StoredSnapshot } from "./types.ts";

/** Rows of one source and set, each relative to the one before; begins with a key row. */
interface Chain {
  readonly set: SeriesSet;
  readonly setId: number;
  readonly sourceId: number;
  readonly keySeq: number;
  readonly segment: number;
  readonly state: RowState;
  depth: number;
}

/** Damage to a row takes the rest of its chain along, and reading may have to begin at its key row. */
const longestChain = 60;

interface RowWriter {
  /** Writes as many snapshots from the front as fit a segment; returns how many, and the segment they went to. */
  write(
    snapshots: readonly StoredSnapshot[],
    current: Segment | undefined,
  ): { readonly count: number; readonly segment: Segment };
  /** After a transaction that failed: what was written is gone, so the next rows begin chains of their own. */
  reset(): void;
}

export function rowWriter(database: DatabaseSync, limits: SegmentLimits): RowWriter {
  const chains = new Map<string, Chain>();
  const insertRow = database.prepare("INSERT INTO snapshot VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  const findSet = database.prepare(`SELECT ${named("id")} FROM series_set WHERE key = ?`);
  const insertSet = database.prepare(
    "INSERT INTO series_set (key, content, crc) VALUES (?, ?, ?) RETURNING id",
  );
  const useSet = database.prepare("INSERT OR IGNORE INTO segment_set VALUES (?, ?)");
  const saveSegment = database.prepare("INSERT OR REPLACE INTO segment VALUES (?, ?, ?, ?, ?, ?, ?)");
  const saveSource = database.prepare(`INSERT INTO source (name, last_time, last_set) VALUES (?, ?, ?)
    ON CONFLICT (name) DO UPDATE SET last_time = excluded.last_time, last_set = excluded.last_set RETURNING id`);

  function setId(set: SeriesSet, segment: number): number {
    const stored = findSet.get(set.key) ?? insertStored(set);
    const id = Number(stored["id"]);
    useSet.run(segment, id);
    return id;
  }

  function insertStored(set: SeriesSet): Record<string, unknown> {
    const { key, content, crc } = storedSet(set);
    return insertSet.get(key, content, crc) ?? {};
  }

  /** The chain that the snapshot continues, or a new one whose first row it will be. */
  function chainOf(snapshot: StoredSnapshot, segment: number): Chain {
    const chain = chains.get(snapshot.source);
    const continues =
      chain?.set.key === snapshot.set.key && chain.segment === segment && chain.depth < longestChain - 1;
    if (continues) {
      chain.depth++;
      return chain;
    }
    const id = setId(snapshot.set, segment);
    const sourceId = Number(saveSource.get(snapshot.source, snapshot.time, id)?.["id"]);
    const state = createRowState(snapshot.values.length);
    const begun: Chain = {
      set: snapshot.set,
      setId: id,
      sourceId,
      keySeq: snapshot.seq,
      segment,
      state,
      depth: 0,
    };
    chains.set(snapshot.source, begun);
    return begun;
  }

  function writeRow(snapshot: StoredSnapshot, segment: number): number {
    const chain = chainOf(snapshot, segment);
    const ended = snapshot.ended.length === 0 ? null : setId(seriesSet(snapshot.ended), segment);
    const row = encodeRow(chain.state, snapshot.values, snapshot.starts);
    const { seq, time, values } = snapshot;
    const header = {
      seq,
      source: chain.sourceId,
      time,
      series: chain.setId,
      ended,
      chain: chain.keySeq,
      depth: chain.depth,
    };
    const crc = rowChecksum(snapshot.source, header, row);
    insertRow.run(
      seq,
      chain.sourceId,
      time,
      chain.setId,
      ended,
      chain.keySeq,
      chain.depth,
      values.length,
      crc,
      row,
    );
    return row.length;
  }

  function write(
    snapshots: readonly StoredSnapshot[],
    current: Segment | undefined,
  ): { count: number; segment: Segment } {
    const [head] = snapshots;
    if (head === undefined) throw new Error("snapshots must not be empty");
    let segment =
      current !== undefined && takes(current, head.seq, head.time, limits) ? current : emptySegment(head);
    let count = 0;
    const last = new Map<string, StoredSnapshot>();
    for (const snapshot of snapshots) {
      if (count > 0 && !takes(segment, snapshot.seq, snapshot.time, limits)) break;
      segment = extend(segment, snapshot, writeRow(snapshot, segment.first));
      last.set(snapshot.source, snapshot);
      count++;
    }
    for (const { source, time } of last.values())
      saveSource.get(source, time, chains.get(source)?.setId ?? 0);
    const { first, minTime, maxTime, samples, bytes } = segment;
    saveSegment.run(first, segment.last, minTime, maxTime, samples, bytes, segmentChecksum(segment));
    return { count, segment };
  }

  return { write, reset: () => chains.clear() };
}

function emptySegment({ seq, time }: StoredSnapshot): Segment {
  return { first: seq, last: seq - 1, minTime: time, maxTime: time, samples: 0, bytes: 0 };
}

function extend(segment: Segment, { seq, time, values }: StoredSnapshot, bytes: number): Segment {
  return {
    first: segment.first,
    last: seq,
    minTime: Math.min(segment.minTime, time),
    maxTime: Math.max(segment.maxTime, time),
    samples: segment.samples + values.length,
    bytes: segment.bytes + bytes,
  };
}
