/**
 * Encodes and decodes one row of values: exact to the bit, and small because a row is written relative to the one before it.
 *
 *     [size of control] [control bits] [payload bytes]
 *
 *     control, per value           payload
 *     0      as before             nothing
 *     10     decimal, same scale   the step of its mantissa
 *     110    the same, off by a    the step of its mantissa; the 4 bits that follow in control say by how many
 *            few units             units in the last place
 *     1110   decimal, new scale    scale, units in the last place, mantissa
 *     1111   any other double      8 bytes
 *
 * What the tools print are decimals, and what collectors make of them (`100 * ratio`, sums) is a decimal give or take some units
 * in the last place: so a value is mantissa / 10^scale, and its step is mostly two or three bytes.
 */
import { BitReader, BitWriter, ByteReader, ByteWriter } from "./bytes.ts";

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

export function rowState(size: number): RowState {
  return {
    values: new Float64Array(size),
    scales: new Int8Array(size),
    mantissas: new Float64Array(size),
    boot: NaN,
    agent: NaN,
  };
}

const maxScale = 9;
const minScale = -6;
/** Above it a double holds any decimal of this length, and 8 bytes are as short. */
const maxMantissa = 2 ** 46;
const maxUnits = 8;

const power = Array.from({ length: maxScale + 1 }, (_, exponent) => 10 ** exponent);
const float = new Float64Array(1);
const words = new Uint32Array(float.buffer);
const control = new BitWriter();
const payload = new ByteWriter();
const row = new ByteWriter();

/** Writes `values` relative to `state` and moves the state on to them. */
export function encodeRow(state: RowState, values: Float64Array, starts: RowStarts): Uint8Array {
  control.clear();
  payload.clear();
  row.clear();
  state.boot = encodeStart(state.boot, starts.boot);
  state.agent = encodeStart(state.agent, starts.agent);
  for (let index = 0; index < values.length; index++) encodeValue(state, index, values[index] ?? NaN);
  control.finish();
  row.unsigned(control.bytes.length);
  row.append(control.bytes);
  row.append(payload);
  return row.take();
}

/** Moves `state` on to the values of `bytes`. Throws a RangeError when the bytes are no row of this size. */
export function decodeRow(state: RowState, bytes: Uint8Array): void {
  const reader = new ByteReader(bytes);
  const bits = new BitReader(reader.section(reader.unsigned()));
  state.boot = decodeStart(state.boot, bits, reader);
  state.agent = decodeStart(state.agent, bits, reader);
  for (let index = 0; index < state.values.length; index++) decodeValue(state, index, bits, reader);
  if (!reader.atEnd) throw new RangeError("unexpected bytes after the row");
}

export function startsOf(state: RowState): RowStarts {
  return {
    ...(Number.isNaN(state.boot) ? {} : { boot: state.boot }),
    ...(Number.isNaN(state.agent) ? {} : { agent: state.agent }),
  };
}

function encodeStart(before: number, start = NaN): number {
  if (Object.is(before, start)) {
    control.bits(0, 1);
    return before;
  }
  control.bits(1, 1);
  payload.double(start);
  return start;
}

function decodeStart(before: number, bits: BitReader, reader: ByteReader): number {
  return bits.bits(1) === 0 ? before : reader.double();
}

function encodeValue(state: RowState, index: number, value: number): void {
  if (Object.is(value, state.values[index])) {
    control.bits(0b0, 1);
    return;
  }
  state.values[index] = value;
  const scale = state.scales[index] ?? 0;
  if (fitsScale(value, scale)) encodeStep(state, index);
  else if (findScale(value)) encodeScale(state, index);
  else encodeDouble(value);
}

function encodeStep(state: RowState, index: number): void {
  if (found.units === 0) control.bits(0b01, 2);
  else {
    control.bits(0b011, 3);
    control.bits(foldUnits(found.units), 4);
  }
  payload.signed(found.mantissa - (state.mantissas[index] ?? 0));
  state.mantissas[index] = found.mantissa;
}

function encodeScale(state: RowState, index: number): void {
  control.bits(0b0111, 4);
  payload.byte(found.scale - minScale);
  payload.signed(found.units);
  payload.signed(found.mantissa);
  state.scales[index] = found.scale;
  state.mantissas[index] = found.mantissa;
}

function encodeDouble(value: number): void {
  control.bits(0b1111, 4);
  payload.double(value);
}

function decodeValue(state: RowState, index: number, bits: BitReader, reader: ByteReader): void {
  switch (readOnes(bits)) {
    case 0:
      return;
    case 1:
      decodeStep(state, index, 0, reader);
      return;
    case 2:
      decodeStep(state, index, unfoldUnits(bits.bits(4)), reader);
      return;
    case 3:
      decodeScale(state, index, reader);
      return;
    default:
      state.values[index] = reader.double();
  }
}

/** How many ones come before the next zero, up to four. */
function readOnes(bits: BitReader): number {
  let ones = 0;
  while (ones < 4 && bits.bits(1) === 1) ones++;
  return ones;
}

function decodeStep(state: RowState, index: number, units: number, reader: ByteReader): void {
  const mantissa = (state.mantissas[index] ?? 0) + reader.signed();
  state.mantissas[index] = mantissa;
  state.values[index] = addUnits(decimal(mantissa, state.scales[index] ?? 0), units);
}

function decodeScale(state: RowState, index: number, reader: ByteReader): void {
  const scale = reader.byte() + minScale;
  if (scale > maxScale) throw new RangeError("unexpected scale");
  const units = reader.signed();
  const mantissa = reader.signed();
  state.scales[index] = scale;
  state.mantissas[index] = mantissa;
  state.values[index] = addUnits(decimal(mantissa, scale), units);
}

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
