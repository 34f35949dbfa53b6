/** Writes the bytes of a message: a buffer that grows, and protobuf's few wire types. */

/** The bits of Prometheus' own "not a number" (model/value, NormalNaN) and of its stale marker (StaleNaN). */
const normalNaN = [0x7ff80000, 0x00000001] as const;
const staleNaN = [0x7ff00000, 0x00000002] as const;

/** Call `reserve` before the writes: they check nothing. One writer serves one encoder, one message after another. */
export interface ByteWriter {
  reserve(bytes: number): void;
  byte(value: number): void;
  /** A whole number from 0 to 2^31 - 1: a length. */
  varint(value: number): void;
  /** Returns where they begin, for values to be put into gaps among them. */
  bytes(source: Uint8Array): number;
  /** Little endian; any NaN becomes Prometheus' normal one. */
  doubleAt(position: number, value: number): void;
  /** A time in whole milliseconds as nanoseconds in 64 bits. */
  nanosecondsAt(position: number, ms: number): void;
  staleMarkerAt(position: number): void;
  /** What was written since the last call; valid until the next write. */
  finish(): Uint8Array;
}

export function createByteWriter(): ByteWriter {
  let buffer = new Uint8Array(65_536);
  let view = new DataView(buffer.buffer);
  let at = 0;

  function words(position: number, [high, low]: readonly [number, number]): void {
    view.setUint32(position, low, true);
    view.setUint32(position + 4, high, true);
  }

  return {
    reserve(bytes) {
      if (at + bytes <= buffer.length) return;
      const grown = new Uint8Array(Math.max(buffer.length * 2, at + bytes));
      grown.set(buffer.subarray(0, at));
      buffer = grown;
      view = new DataView(buffer.buffer);
    },
    byte(value) {
      buffer[at++] = value;
    },
    varint(value) {
      let rest = value;
      while (rest > 0x7f) {
        buffer[at++] = (rest & 0x7f) | 0x80;
        rest >>>= 7;
      }
      buffer[at++] = rest;
    },
    bytes(source) {
      const begin = at;
      buffer.set(source, begin);
      at += source.length;
      return begin;
    },
    doubleAt(position, value) {
      if (Number.isNaN(value)) words(position, normalNaN);
      else view.setFloat64(position, value, true);
    },
    nanosecondsAt(position, ms) {
      // In parts, since the product has more than the 53 bits that a number holds exactly.
      const blocks = Math.floor(ms / 2 ** 20);
      const upper = blocks * 1e6;
      const high = Math.floor(upper / 2 ** 12);
      const lower = (ms - blocks * 2 ** 20) * 1e6 + (upper - high * 2 ** 12) * 2 ** 20;
      const carry = Math.floor(lower / 2 ** 32);
      view.setUint32(position, lower - carry * 2 ** 32, true);
      view.setUint32(position + 4, high + carry, true);
    },
    staleMarkerAt: (position) => words(position, staleNaN),
    finish() {
      const written = buffer.subarray(0, at);
      at = 0;
      return written;
    },
  };
}

/**
 * Bytes that are kept, in memory of their own: what protobufjs gives is a piece of Node's pool, and the few bytes of one series
 * would hold all 64 KB of it for as long as the series is remembered.
 */
export function owned(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes);
}

/** Bytes that `varint` takes for a value. */
export function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 128)) length++;
  return length;
}
