/** Measures the journal's row codec beside what would need no codec of ours: blocks of columns of doubles, compressed by Node's zstd. */
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { createRowState, decodeRow, encodeRow } from "../../src/journal/row-codec.ts";
import type { Snapshot } from "../../src/meter/snapshot.ts";
import { median, type Table } from "./report.ts";

type Rows = readonly Float64Array[];

interface Format {
  readonly name: string;
  encode(rows: Rows): readonly Uint8Array[];
  decode(encoded: readonly Uint8Array[], rows: number, series: number): Rows;
  /** Whether rows that come later are added without writing the earlier ones again. */
  readonly appends: boolean;
}

const rowCodec: Format = {
  name: "row codec",
  encode(rows) {
    const state = createRowState(rows[0]?.length ?? 0);
    return rows.map((row) => encodeRow(state, row, {}));
  },
  decode(encoded, _rows, series) {
    const state = createRowState(series);
    return encoded.map((row) => {
      decodeRow(state, row);
      return state.values.slice();
    });
  },
  appends: true,
};

const zstdBlock: Format = {
  name: "zstd of columns",
  encode(rows) {
    const series = rows[0]?.length ?? 0;
    const columns = new Float64Array(rows.length * series);
    let at = 0;
    for (let column = 0; column < series; column++)
      for (const row of rows) columns[at++] = row[column] ?? NaN;
    return [zstdCompressSync(new Uint8Array(columns.buffer))];
  },
  decode([block = new Uint8Array()], rows, series) {
    const columns = new Float64Array(Uint8Array.from(zstdDecompressSync(block)).buffer);
    const decoded = Array.from({ length: rows }, () => new Float64Array(series));
    let at = 0;
    for (let column = 0; column < series; column++)
      for (const row of decoded) row[column] = columns[at++] ?? NaN;
    return decoded;
  },
  appends: false,
};

/** Rows of a chain at most, of a commit at 1 s, and of a commit at 10 s. */
const blockSizes = [60, 10, 1];

export function rowFormats(snapshots: readonly Snapshot[], rounds: number): Table {
  const rows = snapshots
    .map(({ values }) => values)
    .filter(({ length }) => length === snapshots[0]?.values.length);
  const formats = [rowCodec, zstdBlock];
  return {
    title: `${rows.length} rows of ${rows[0]?.length ?? 0} values: the row codec beside blocks compressed by zstd`,
    columns: [
      "",
      "rows a block",
      "bytes a sample",
      "encode, CPU ns a sample",
      "decode",
      "written again, bytes a sample",
    ],
    rows: blockSizes.flatMap((size) => formats.map((format) => measured(format, size, rows, rounds))),
    notes: [
      "values alone, without what the database adds to each row or block",
      "written again: all that is written where each row is committed by itself and an unfinished block is replaced",
    ],
  };
}

function measured(format: Format, size: number, rows: Rows, rounds: number): readonly string[] {
  const blocks = Array.from({ length: Math.floor(rows.length / size) }, (_, at) =>
    rows.slice(at * size, (at + 1) * size),
  );
  const series = rows[0]?.length ?? 0;
  const samples = blocks.length * size * series;
  const encoded = blocks.map((block) => format.encode(block));
  const times = Array.from({ length: rounds }, () => ({
    encode: cpuMicros(() => void blocks.map((block) => format.encode(block))),
    decode: cpuMicros(() => void encoded.map((block) => format.decode(block, size, series))),
  }));
  const nanos = (key: "encode" | "decode"): string =>
    ((median(times.map((time) => time[key])) * 1000) / samples).toFixed(0);
  const each = sizeOf(encoded.flat()) / samples;
  const written = format.appends ? each : sizeOf(blocks.slice(0, 5).flatMap(growing)) / (5 * size * series);
  return [format.name, String(size), each.toFixed(2), nanos("encode"), nanos("decode"), written.toFixed(2)];

  /** What is written of a block whose rows come one by one. */
  function growing(block: Rows): readonly Uint8Array[] {
    return block.flatMap((_, at) => format.encode(block.slice(0, at + 1)));
  }
}

function sizeOf(encoded: readonly Uint8Array[]): number {
  return encoded.reduce((sum, { length }) => sum + length, 0);
}

function cpuMicros(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}
