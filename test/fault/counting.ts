/** Counts samples in snapshots and in bodies: a walk over the wire's own fields that keeps nothing, so that it can go on all day. */
import { uncompress } from "snappyjs";
import type { Snapshot } from "../../src/meter/snapshot.ts";

export interface Counted {
  /** Without end marks. */
  readonly samples: number;
  /** Marks that end a series. */
  readonly marks: number;
  /** A sum over each sample's time and value modulo 2^32: equal for the same samples in any order. */
  readonly print: number;
}

export const nothing: Counted = { samples: 0, marks: 0, print: 0 };

export function plus(one: Counted, other: Counted): Counted {
  return {
    samples: one.samples + other.samples,
    marks: one.marks + other.marks,
    print: (one.print + other.print) >>> 0,
  };
}

export function countSnapshot({ time, values }: Snapshot): Counted {
  const words = new DataView(values.buffer, values.byteOffset, values.byteLength);
  let print = 0;
  for (let at = 0; at < words.byteLength; at += 8)
    print += printOf(time, words.getUint32(at, true), words.getUint32(at + 4, true));
  return { ...nothing, samples: values.length, print: print >>> 0 };
}

/** Series are field 1 of version 1's request and field 5 of version 2's, and samples are field 2 of either's series. */
export function countRemoteWrite(body: Uint8Array): Counted {
  let total = nothing;
  for (const series of parts(uncompress(body), [1, 5]))
    for (const sample of parts(series, [2])) total = plus(total, countSample(sample));
  return total;
}

/** Data points of sums and gauges are one sample each, those of histograms as many as Prometheus has series for them. */
export function countOtlp(body: Uint8Array): Counted {
  let total = nothing;
  for (const metric of within(body, 1, 2, 2)) {
    for (const points of parts(metric, [5, 7]))
      for (const point of parts(points, [1])) total = plus(total, countNumberPoint(point));
    for (const points of parts(metric, [9]))
      for (const point of parts(points, [1])) total = plus(total, countHistogramPoint(point));
  }
  return total;
}

/** Lines of a text exposition. */
export function countText(body: Uint8Array): Counted {
  const lines = Buffer.from(body).toString().split("\n");
  return { ...nothing, samples: lines.filter((line) => line !== "" && !line.startsWith("#")).length };
}

/** The bits of Prometheus' stale marker (src/sink/README.md). */
const staleHigh = 0x7ff00000;
const staleLow = 2;

/** A sample of remote write, version 1 or 2. */
export function countSample(bytes: Uint8Array): Counted {
  let [low, high, time] = [0, 0, 0];
  for (const { number, at, value } of fields(bytes)) {
    if (number === 2) time = value;
    if (number !== 1) continue;
    const words = new DataView(bytes.buffer, bytes.byteOffset + at, 8);
    low = words.getUint32(0, true);
    high = words.getUint32(4, true);
  }
  if (high === staleHigh && low === staleLow) return { ...nothing, marks: 1 };
  return { ...nothing, samples: 1, print: printOf(time, low, high) };
}

/** NumberDataPoint: time 3, value 4. A point without a value tells the end of a series. */
function countNumberPoint(bytes: Uint8Array): Counted {
  let time = 0;
  let value: number | undefined;
  for (const { number, at } of fields(bytes)) {
    if (number === 3) time = millisecondsAt(bytes, at);
    if (number === 4) value = viewOf(bytes).getFloat64(at, true);
  }
  return value === undefined ? oneMark : countValue(time, value);
}

/** HistogramDataPoint: time 3, count 4, sum 5, counts of each bucket alone 6, flags 10. */
function countHistogramPoint(bytes: Uint8Array): Counted {
  const view = viewOf(bytes);
  let [time, upTo, total] = [0, 0, nothing];
  const [buckets = new Uint8Array()] = parts(bytes, [6]);
  for (const { number, at, value } of fields(bytes)) {
    if (number === 10 && value === 1) return oneMark;
    if (number === 3) time = millisecondsAt(bytes, at);
    if (number === 4) total = plus(total, countValue(time, Number(view.getBigUint64(at, true))));
    if (number === 5) total = plus(total, countValue(time, view.getFloat64(at, true)));
  }
  for (let at = 0; at < buckets.length; at += 8) {
    upTo += Number(viewOf(buckets).getBigUint64(at, true));
    total = plus(total, countValue(time, upTo));
  }
  return total;
}

const oneMark: Counted = { ...nothing, marks: 1 };
const scratch = new DataView(new ArrayBuffer(8));

function countValue(time: number, value: number): Counted {
  scratch.setFloat64(0, value, true);
  const print = printOf(time, scratch.getUint32(0, true), scratch.getUint32(4, true));
  return { ...nothing, samples: 1, print };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function millisecondsAt(bytes: Uint8Array, at: number): number {
  return Number(viewOf(bytes).getBigUint64(at, true) / 1_000_000n);
}

function printOf(time: number, low: number, high: number): number {
  const clock = Math.imul((time % 2 ** 32) ^ Math.floor(time / 2 ** 32), 0x9e3779b1);
  return Math.imul(Math.imul(clock ^ low, 0x85ebca6b) ^ high, 0xc2b2ae35) >>> 0;
}

export interface Field {
  readonly number: number;
  /** Where its content begins. */
  readonly at: number;
  /** Of a number the number, of a text or message its length. */
  readonly value: number;
  readonly wire: number;
}

/** A message of the wire, field by field; 32-bit ones are none of these protocols. */
export function* fields(bytes: Uint8Array): Generator<Field> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = bytes[at++] ?? 0;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const key = varint();
    const wire = key & 7;
    if (wire !== 0 && wire !== 1 && wire !== 2) throw new Error(`unexpected wire type: got ${wire}`);
    const value = wire === 1 ? 8 : varint();
    yield { number: key >>> 3, at, value, wire };
    if (wire !== 0) at += value;
  }
}

export function* parts(bytes: Uint8Array, numbers: readonly number[]): Generator<Uint8Array> {
  for (const { number, at, value, wire } of fields(bytes))
    if (wire === 2 && numbers.includes(number)) yield bytes.subarray(at, at + value);
}

export function* within(bytes: Uint8Array, ...path: readonly number[]): Generator<Uint8Array> {
  const [number, ...rest] = path;
  if (number === undefined) yield bytes;
  else for (const part of parts(bytes, [number])) yield* within(part, ...rest);
}
