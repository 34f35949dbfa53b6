/** Writes bytes: a buffer that grows, whole numbers as varints (LEB128), and eight bytes at a time into gaps that were left for them. */

/** One writer serves one encoder, one message after another: `finish` ends a message, and the buffer is used again. */
export class ByteWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  /** @param room bytes; it grows where that is not enough */
  constructor(room = 1024) {
    this.#bytes = new Uint8Array(room);
    this.#view = new DataView(this.#bytes.buffer);
  }

  byte(value: number): void {
    if (this.#length === this.#bytes.length) this.#grow(1);
    this.#bytes[this.#length++] = value;
  }

  /** A whole number from 0 to 2^53 - 1. */
  varint(value: number): void {
    let rest = value;
    while (rest > 0x7f) {
      const next = Math.floor(rest / 128);
      this.byte((rest - next * 128) | 0x80);
      rest = next;
    }
    this.byte(rest);
  }

  /** Returns where they begin, for the gaps among them. */
  bytes(source: Uint8Array): number {
    const begin = this.#length;
    const end = begin + source.length;
    if (end > this.#bytes.length) this.#grow(source.length);
    this.#bytes.set(source, begin);
    this.#length = end;
    return begin;
  }

  /** A field of protobuf: its tag, the length of all that follows, and the first bytes of that. */
  field(tag: number, length: number, first: Uint8Array): void {
    this.byte(tag);
    if (length > 0x7f) this.varint(length);
    else this.byte(length);
    this.bytes(first);
  }

  /** Little endian, like the next. Any NaN becomes the one that Prometheus writes (model/value, NormalNaN). */
  doubleAt(position: number, value: number): void {
    if (Number.isNaN(value)) this.uint64At(position, 0x7ff80000, 0x00000001);
    else this.#view.setFloat64(position, value, true);
  }

  bytesAt(position: number, source: Uint8Array): void {
    this.#bytes.set(source, position);
  }

  uint64At(position: number, high: number, low: number): void {
    this.#view.setUint32(position, low, true);
    this.#view.setUint32(position + 4, high, true);
  }

  /** A time in whole milliseconds as nanoseconds, in parts, since the product has more than the 53 bits that a number holds exactly. */
  nanosecondsAt(position: number, ms: number): void {
    const blocks = Math.floor(ms / 2 ** 20);
    const upper = blocks * 1e6;
    const high = Math.floor(upper / 2 ** 12);
    const lower = (ms - blocks * 2 ** 20) * 1e6 + (upper - high * 2 ** 12) * 2 ** 20;
    const carry = Math.floor(lower / 2 ** 32);
    this.#view.setUint32(position, lower - carry * 2 ** 32, true);
    this.#view.setUint32(position + 4, high + carry, true);
  }

  /** What was written since the last call; valid until the next write. */
  finish(): Uint8Array {
    const written = this.#bytes.subarray(0, this.#length);
    this.#length = 0;
    return written;
  }

  #grow(count: number): void {
    const larger = new Uint8Array(2 * (this.#length + count));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

/** Bytes that `varint` takes for a value. */
export function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 128)) length++;
  return length;
}

/** A copy in memory of its own, for bytes that are kept: the few that a package took from Node's pool would hold all 64 KB of it. */
export function owned(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}
