/**
 * Reads and writes what a row is made of: bits, variable-length integers, doubles. Integers are divided, never taken
 * modulo: above 31 bits a remainder is a call that takes as long as all else.
 */

/** A growing buffer; numbers are little-endian, integers as LEB128. */
export class ByteWriter {
  #bytes = Buffer.allocUnsafe(1024);
  length = 0;

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.length++] = value;
  }

  /** An integer from 0 to 2^53 - 1. */
  unsigned(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      const next = Math.floor(rest / 0x80);
      this.byte((rest - next * 0x80) | 0x80);
      rest = next;
    }
    this.byte(rest);
  }

  /** An integer from -(2^52) to 2^52 - 1, small magnitudes first. */
  signed(value: number): void {
    this.unsigned(value < 0 ? -2 * value - 1 : 2 * value);
  }

  double(value: number): void {
    this.#reserve(8);
    this.length = this.#bytes.writeDoubleLE(value, this.length);
  }

  append(other: ByteWriter): void {
    this.#reserve(other.length);
    this.length += other.#bytes.copy(this.#bytes, this.length, 0, other.length);
  }

  clear(): void {
    this.length = 0;
  }

  /** A copy of what was written. */
  take(): Uint8Array {
    return Uint8Array.prototype.slice.call(this.#bytes, 0, this.length);
  }

  #reserve(count: number): void {
    if (this.length + count <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(2 * (this.length + count));
    this.#bytes.copy(larger, 0, 0, this.length);
    this.#bytes = larger;
  }
}

/** Reads what `ByteWriter` wrote; past the end it throws a RangeError, which callers take for damage. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  byte(): number {
    const value = this.#bytes[this.#at++];
    if (value === undefined) throw new RangeError("unexpected end of row");
    return value;
  }

  unsigned(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }

  signed(): number {
    const folded = this.unsigned();
    const half = Math.floor(folded / 2);
    return half * 2 === folded ? half : -half - 1;
  }

  double(): number {
    const value = this.#view.getFloat64(this.#at, true);
    this.#at += 8;
    return value;
  }

  /** The next `count` bytes as a reader of their own. */
  section(count: number): ByteReader {
    if (this.#at + count > this.#bytes.length) throw new RangeError("unexpected end of row");
    this.#at += count;
    return new ByteReader(this.#bytes.subarray(this.#at - count, this.#at));
  }
}

/** Bits into bytes, lowest first. */
export class BitWriter {
  readonly bytes = new ByteWriter();
  #pending = 0;
  #count = 0;

  /** The lowest `count` bits of `value`, at most 16. */
  bits(value: number, count: number): void {
    this.#pending |= value << this.#count;
    this.#count += count;
    while (this.#count >= 8) {
      this.bytes.byte(this.#pending & 0xff);
      this.#pending >>>= 8;
      this.#count -= 8;
    }
  }

  /** Fills the last byte with zeros. */
  finish(): void {
    if (this.#count > 0) this.bits(0, 8 - this.#count);
  }

  clear(): void {
    this.bytes.clear();
    this.#pending = 0;
    this.#count = 0;
  }
}

export class BitReader {
  readonly #bytes: ByteReader;
  #pending = 0;
  #count = 0;

  constructor(bytes: ByteReader) {
    this.#bytes = bytes;
  }

  bits(count: number): number {
    while (this.#count < count) {
      this.#pending |= this.#bytes.byte() << this.#count;
      this.#count += 8;
    }
    const value = this.#pending & ((1 << count) - 1);
    this.#pending >>>= count;
    this.#count -= count;
    return value;
  }
}
