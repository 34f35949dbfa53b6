/**
 * Codec for one row of values: exact to the bit, and small because a row is written relative to the row before it.
 *
 *     ┌─────────────┬───────────────────────────────────────┬─────────────────────┐
 *     │ size of     │ control: bits for boot, agent,        │ payload: bytes, in  │
 *     │ control     │ value 0, value 1 …, lowest bit first  │ the order of control│
 *     └─────────────┴───────────────────────────────────────┴─────────────────────┘
 *
 *     control of a start    payload
 *     0  as before          nothing
 *     1  another            8 bytes
 *
 *     control of a value                          payload
 *     0         as before                         nothing
 *     10        decimal of the same scale         step of the mantissa
 *     110 uuuu  the same, u units off             step of the mantissa
 *     1110      decimal of another scale          scale, units, mantissa
 *     1111      any other double                  8 bytes
 *
 * What the tools print are decimals, and what collectors make of them (`100 * ratio`, sums) is a decimal give or take some units in the
 * last place. So a value is mantissa / 10^scale and some units, and the step of its mantissa is mostly two or three bytes.
 * Integers are LEB128, signed ones zigzag; doubles are little-endian. Scales are one byte, from -6 on.
 */
import { ByteWriter, owned } from "../runtime/bytes.ts";

/** What the next row is relative to; encoder and decoder keep the same. All zero before a key row. */
export interface RowState {
  readonly values: Float64Array;
  readonly scales: Int8Array;
  readonly mantissas: Float64Array;
  /** Counter starts, milliseconds since the Unix epoch; NaN where absent. */
  boot: number;
  agent: number;
}

interface RowStarts {
  readonly boot?: number;
  readonly agent?: number;
}

export function createRowState(size: number): RowState {
  return {
    values: new Float64Array(size),
    scales: new Int8Array(size),
    mantissas: new Float64Array(size),
    boot: NaN,
    agent: NaN,
  };
}

export function startsOf({ boot, agent }: RowState): RowStarts {
  return { ...(Number.isNaN(boot) ? {} : { boot }), ...(Number.isNaN(agent) ? {} : { agent }) };
}

/** Writes `values` relative to `state` and moves the state on to them. */
export function encodeRow(state: RowState, values: Float64Array, starts: RowStarts): Uint8Array {
  state.boot = encodeStart(state.boot, starts.boot);
  state.agent = encodeStart(state.agent, starts.agent);
  for (let index = 0; index < values.length; index++) encodeValue(state, index, values[index] ?? NaN);
  return writer.end();
}

/** Moves `state` on to the values of `bytes`. Throws a RangeError when the bytes are no row of this size. */
export function decodeRow(state: RowState, bytes: Uint8Array): void {
  const reader = new RowReader(bytes);
  state.boot = decodeStart(state.boot, reader);
  state.agent = decodeStart(state.agent, reader);
  for (let index = 0; index < state.values.length; index++) decodeValue(state, index, reader);
  if (!reader.atEnd) throw new RangeError("unexpected bytes after the row");
}

function encodeStart(before: number, start = NaN): number {
  if (Object.is(before, start)) writer.bits(0, 1);
  else {
    writer.bits(1, 1);
    writer.double(start);
  }
  return start;
}

function decodeStart(before: number, reader: RowReader): number {
  return reader.bits(1) === 0 ? before : reader.double();
}

function encodeValue(state: RowState, index: number, value: number): void {
  if (Object.is(value, state.values[index])) {
    writer.bits(0b0, 1);
    return;
  }
  state.values[index] = value;
  if (fitsScale(value, state.scales[index] ?? 0)) encodeStep(state, index);
  else if (findScale(value)) encodeDecimal(state, index);
  else {
    writer.bits(0b1111, 4);
    writer.double(value);
  }
}

function decodeValue(state: RowState, index: number, reader: RowReader): void {
  switch (reader.ones(4)) {
    case 0:
      return;
    case 1:
      decodeStep(state, index, 0, reader);
      return;
    case 2:
      decodeStep(state, index, unfoldUnits(reader.bits(4)), reader);
      return;
    case 3:
      decodeDecimal(state, index, reader);
      return;
    default:
      state.values[index] = reader.double();
  }
}

function encodeStep(state: RowState, index: number): void {
  if (found.units === 0) writer.bits(0b01, 2);
  else {
    writer.bits(0b011, 3);
    writer.bits(foldUnits(found.units), 4);
  }
  writer.signed(found.mantissa - (state.mantissas[index] ?? 0));
  state.mantissas[index] = found.mantissa;
}

function decodeStep(state: RowState, index: number, units: number, reader: RowReader): void {
  const mantissa = (state.mantissas[index] ?? 0) + reader.signed();
  state.mantissas[index] = mantissa;
  state.values[index] = addUnits(decimal(mantissa, state.scales[index] ?? 0), units);
}

function encodeDecimal(state: RowState, index: number): void {
  writer.bits(0b0111, 4);
  writer.byte(found.scale - minScale);
  writer.signed(found.units);
  writer.signed(found.mantissa);
  state.scales[index] = found.scale;
  state.mantissas[index] = found.mantissa;
}

function decodeDecimal(state: RowState, index: number, reader: RowReader): void {
  const scale = reader.byte() + minScale;
  if (scale > maxScale) throw new RangeError("unexpected scale");
  const units = reader.signed();
  const mantissa = reader.signed();
  state.scales[index] = scale;
  state.mantissas[index] = mantissa;
  state.values[index] = addUnits(decimal(mantissa, scale), units);
}

const minScale = -6;
const maxScale = 9;
/** Above it a double holds any decimal of this length, and 8 bytes are as short. */
const maxMantissa = 2 ** 46;
const maxUnits = 8;
const power = Array.from({ length: maxScale + 1 }, (_, exponent) => 10 ** exponent);
const float = new Float64Array(1);
const words = new Uint32Array(float.buffer);

/** The last decimal that `fitsScale` made of a value. */
const found = { scale: 0, mantissa: 0, units: 0 };

function findScale(value: number): boolean {
  if (!Number.isFinite(value)) return false;
  if (Number.isInteger(value)) return findWholeScale(value);
  for (let scale = 1; scale <= maxScale; scale++) if (fitsScale(value, scale)) return true;
  return false;
}

/** Frequencies end in zeros: the more of them are taken off, the shorter the steps. */
function findWholeScale(value: number): boolean {
  for (let scale = minScale; scale <= 0; scale++)
    if (value % (power[-scale] ?? 1) === 0 && fitsScale(value, scale)) return true;
  return false;
}

/** Whether `value` is a decimal of this scale, give or take a few units in the last place. Negative zero, denormals, NaN and ±Inf are not. */
function fitsScale(value: number, scale: number): boolean {
  const mantissa =
    scale < 0 ? Math.round(value / (power[-scale] ?? 1)) : Math.round(value * (power[scale] ?? 1));
  if (!(Math.abs(mantissa) < maxMantissa)) return false;
  if (mantissa === 0 && !Object.is(value, 0)) return false;
  const near = decimal(mantissa, scale);
  const units = near === value ? 0 : unitsBetween(near, value);
  if (Math.abs(units) > maxUnits) return false;
  found.scale = scale;
  found.mantissa = mantissa;
  found.units = units;
  return true;
}

/** One rounding, so the same on every machine. Never negative zero. */
function decimal(mantissa: number, scale: number): number {
  return scale < 0 ? mantissa * (power[-scale] ?? 1) : mantissa / (power[scale] ?? 1);
}

/** How many doubles lie from `near` to `value`; infinite when they differ in more than the lower half of their bits. */
function unitsBetween(near: number, value: number): number {
  float[0] = near;
  const low = words[0] ?? 0;
  const high = words[1] ?? 0;
  float[0] = value;
  return words[1] === high ? (words[0] ?? 0) - low : Infinity;
}

function addUnits(near: number, units: number): number {
  if (units === 0) return near;
  float[0] = near;
  words[0] = (words[0] ?? 0) + units;
  return float[0];
}

/** -8 … -1 and 1 … 8 in four bits. */
function foldUnits(units: number): number {
  return units < 0 ? units + 8 : units + 7;
}

function unfoldUnits(folded: number): number {
  return folded < 8 ? folded - 8 : folded - 7;
}

/** One row after another: `end` ends a row, and the buffers are used again. */
class RowWriter {
  readonly #control = new ByteWriter();
  readonly #payload = new ByteWriter();
  readonly #row = new ByteWriter();
  #pending = 0;
  #pendingBits = 0;

  /** The lowest `count` bits of `value`, at most 8. */
  bits(value: number, count: number): void {
    this.#pending |= value << this.#pendingBits;
    this.#pendingBits += count;
    if (this.#pendingBits < 8) return;
    this.#control.byte(this.#pending & 0xff);
    this.#pending >>>= 8;
    this.#pendingBits -= 8;
  }

  byte(value: number): void {
    this.#payload.byte(value);
  }

  /** An integer from -(2^52) to 2^52 - 1, small magnitudes first. */
  signed(value: number): void {
    this.#payload.varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  double(value: number): void {
    this.#payload.doubleAt(this.#payload.bytes(doubleBytes), value);
  }

  end(): Uint8Array {
    if (this.#pendingBits > 0) this.bits(0, 8 - this.#pendingBits);
    const control = this.#control.finish();
    this.#row.varint(control.length);
    this.#row.bytes(control);
    this.#row.bytes(this.#payload.finish());
    return owned(this.#row.finish());
  }
}

const doubleBytes = new Uint8Array(8);
const writer = new RowWriter();

/** Reads what `RowWriter` wrote; past the end it throws a RangeError. */
class RowReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #controlAt = 0;
  readonly #controlEnd: number;
  #at = 0;
  #pending = 0;
  #pendingBits = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const controlLength = this.#unsigned();
    this.#controlAt = this.#at;
    this.#controlEnd = this.#at += controlLength;
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  bits(count: number): number {
    if (this.#pendingBits < count) {
      if (this.#controlAt >= this.#controlEnd) throw new RangeError("unexpected end of row");
      this.#pending |= (this.#bytes[this.#controlAt++] ?? 0) << this.#pendingBits;
      this.#pendingBits += 8;
    }
    const value = this.#pending & ((1 << count) - 1);
    this.#pending >>>= count;
    this.#pendingBits -= count;
    return value;
  }

  /** How many ones come before the next zero, which is taken along; `most` of them at most. */
  ones(most: number): number {
    let count = 0;
    while (count < most && this.bits(1) === 1) count++;
    return count;
  }

  byte(): number {
    const value = this.#bytes[this.#at++];
    if (value === undefined) throw new RangeError("unexpected end of row");
    return value;
  }

  signed(): number {
    const folded = this.#unsigned();
    const half = Math.floor(folded / 2);
    return half * 2 === folded ? half : -half - 1;
  }

  double(): number {
    const value = this.#view.getFloat64(this.#at, true);
    this.#at += 8;
    return value;
  }

  #unsigned(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }
}
