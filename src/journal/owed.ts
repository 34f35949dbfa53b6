/** Owns reading what the sinks of a database that was set aside still waited for: read-only, as far as it can be read, and never by a long scan. */
import type { DatabaseSync } from "node:sqlite";
import { causeOf } from "../runtime/cause.ts";
import { damage } from "./fault.ts";
import { sizeOf, within, withoutAll, type SeqSet } from "./ranges.ts";
import { openReadOnly } from "./reader.ts";
import { storedSamples } from "./samples.ts";
import { rowsOf, seqsOf, type Segment } from "./segments.ts";
import { databaseBytes, damagedCursors, soundSegments, storedCursors } from "./store.ts";
import type { SeqRange, Tally } from "./types.ts";

/** What one sink lost with the database. */
export interface Owed {
  readonly sink: string;
  readonly lost: SeqSet;
  readonly tally: Tally;
}

interface Owing {
  readonly sinks: readonly Owed[];
  /** Why that may not be all; one line. */
  readonly unread?: string;
}

/** Nobody writes to it any more, and one who still reads holds nobody up. */
const patienceMs = 100;
/** Rows that are asked at most where no segment tells of them: the others are taken to be like these. */
const mostAsked = 8192;
/** A row says it holds more only where that is damaged. */
const mostSamples = 65_535;
/** No row is smaller, so a number that lies further ahead than the file has room for is damaged. */
const leastRowBytes = 16;

/** Never throws: whatever a statement makes of a damaged file ends here. */
export function owedBy(path: string): Owing {
  let database: DatabaseSync | undefined;
  try {
    database = openReadOnly(path, patienceMs);
    return owingOf(database);
  } catch (error) {
    return { sinks: [], unread: causeOf(error) };
  } finally {
    database?.close();
  }
}

function owingOf(database: DatabaseSync): Owing {
  const { segments, complete } = soundSegments(database);
  const known = segments.at(-1)?.last ?? 0;
  const last = complete ? known : lastOf(database, known);
  const sinks = storedCursors(database).map(({ sink, waiting }) => {
    const lost = within(waiting, { firstSeq: 0, lastSeq: last ?? known });
    const samples = Math.round(lost.reduce((sum, range) => sum + samplesOf(range, segments, database), 0));
    return { sink, lost, tally: { snapshots: sizeOf(lost), samples } };
  });
  const damaged = damagedCursors(database);
  const unread = [
    ...(damaged > 0 ? [`damaged cursors: ${damaged}`] : []),
    ...(last === undefined ? [`no end after snapshot ${known}`] : []),
  ];
  return { sinks, ...(unread.length > 0 && { unread: unread.join(", ") }) };
}

/** The last row's number, where a segment that can't be read may hold it. */
function lastOf(database: DatabaseSync, known: number): number | undefined {
  try {
    const last = Number(database.prepare("SELECT max(seq) AS last FROM snapshot").get()?.["last"] ?? 0);
    return last - known > databaseBytes(database) / leastRowBytes ? undefined : Math.max(last, known);
  } catch {
    return undefined;
  }
}

/** By the segments where they tell; a row counts where its segment is damaged. */
function samplesOf(range: SeqRange, segments: readonly Segment[], database: DatabaseSync): number {
  const told = storedSamples(range, { segments, samplesIn: (part) => exactly(part, segments, database) });
  const untold = withoutAll([range], seqsOf(segments));
  return untold.reduce((sum, part) => sum + inferred(part, segments, database), told);
}

/** Only where all rows of the segment add up to what it says: the count of a damaged one may be anything. */
function exactly(part: SeqRange, segments: readonly Segment[], database: DatabaseSync): number {
  const segment = segments.find(({ first, last }) => first <= part.firstSeq && part.lastSeq <= last);
  const all = segment && readable({ firstSeq: segment.first, lastSeq: segment.last }, database);
  if (all?.samples !== segment?.samples) throw damage("unexpected number of samples in a segment");
  return readable(part, database).samples;
}

function inferred(range: SeqRange, segments: readonly Segment[], database: DatabaseSync): number {
  const asked = readable(range, database);
  const { rows, samples } = asked.rows > 0 ? asked : totalOf(segments);
  return rows === 0 ? 0 : (sizeOf([range]) * samples) / rows;
}

interface Rows {
  readonly rows: number;
  readonly samples: number;
}

function readable({ firstSeq, lastSeq }: SeqRange, database: DatabaseSync): Rows {
  try {
    const row = database
      .prepare(
        `SELECT count(*) AS rows, total(samples) AS samples FROM
          (SELECT samples FROM snapshot WHERE seq BETWEEN ? AND ? AND samples BETWEEN 0 AND ? LIMIT ?)`,
      )
      .get(firstSeq, lastSeq, mostSamples, mostAsked);
    return { rows: Number(row?.["rows"]), samples: Number(row?.["samples"]) };
  } catch {
    return { rows: 0, samples: 0 };
  }
}

function totalOf(segments: readonly Segment[]): Rows {
  const rows = segments.reduce((sum, segment) => sum + rowsOf(segment), 0);
  return { rows, samples: segments.reduce((sum, { samples }) => sum + samples, 0) };
}
