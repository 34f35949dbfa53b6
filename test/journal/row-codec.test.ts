/** The bytes of a row: exact to the bit, small on what Macs report, and never a crash on damaged bytes. */
import test from "node:test";
import assert from "node:assert/strict";
import fc from "../support/property.ts";
import { decodeRow, encodeRow, createRowState, startsOf } from "../../src/journal/row-codec.ts";
import { seededRandom } from "../support/seeded-random.ts";

const bits = (values: Float64Array): readonly bigint[] => {
  const canonical = values.map((value) => (Number.isNaN(value) ? NaN : value));
  return [...new BigUint64Array(canonical.buffer)];
};

function roundTrip(rows: readonly (readonly number[])[]): void {
  const size = rows[0]?.length ?? 0;
  const writing = createRowState(size);
  const reading = createRowState(size);
  for (const row of rows) {
    const values = Float64Array.from(row);
    decodeRow(reading, encodeRow(writing, values, {}));
    assert.deepEqual(bits(reading.values), bits(values));
  }
}

const rowsOf = (value: fc.Arbitrary<number>): fc.Arbitrary<number[][]> =>
  fc
    .integer({ min: 0, max: 12 })
    .chain((size) =>
      fc.array(fc.array(value, { minLength: size, maxLength: size }), { minLength: 1, maxLength: 8 }),
    );

const anyBits = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((word) => {
  const value = new Float64Array(BigUint64Array.of(word).buffer)[0] ?? 0;
  return Number.isNaN(value) ? NaN : value;
});

const scaled = fc
  .tuple(
    fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    fc.integer({ min: -8, max: 12 }),
    fc.integer({ min: -9, max: 9 }),
  )
  .map(([mantissa, scale, units]) => {
    const word = new BigInt64Array(Float64Array.of(mantissa * 10 ** -scale).buffer);
    return new Float64Array(BigInt64Array.of((word[0] ?? 0n) + BigInt(units)).buffer)[0] ?? 0;
  })
  .map((value) => (Number.isNaN(value) ? NaN : value));

test("every double of any bits comes back", () => {
  fc.assert(fc.property(rowsOf(anyBits), roundTrip), { numRuns: 300 });
});

test("decimals come back, also when they are off by some units in the last place", () => {
  fc.assert(fc.property(rowsOf(scaled), roundTrip), { numRuns: 500 });
});

test("the special values come back from and to each other", () => {
  const special = [
    0,
    -0,
    NaN,
    Infinity,
    -Infinity,
    Number.MIN_VALUE,
    -Number.MIN_VALUE,
    Number.MAX_VALUE,
    2.2250738585072014e-308,
  ];
  const more = [
    2 ** 53,
    -(2 ** 53),
    2 ** 53 - 1,
    0.1 + 0.2,
    1e22,
    1e23,
    1 / 3,
    2 ** 46,
    2 ** 46 - 1,
    5488725224,
    100 * 0.0712,
  ];
  const all = [...special, ...more];
  roundTrip(
    all.flatMap((from) => all.map((to) => [from, to])).flatMap(([from = 0, to = 0]) => [[from], [to]]),
  );
});

test("rows that version 0.1 wrote are read, and rows are written as it wrote them", () => {
  const written = [
    "04b9eebf0700008056febc78420700b2c30180e0e8f0110800900b0000000000000080555555555555d53f84d908000000000000f07f",
    "0338a50708008aa30f020084010100000000000000",
  ];
  const rows = [
    [0, 1250.5, 2.4e9, 100 * 0.0712, -0, 1 / 3, 71_234, Infinity],
    [0, 1251.25, 2.4e9, 100 * 0.0713, 0, 1 / 3, 71_300, 5e-324],
  ].map((row) => Float64Array.from(row));
  const [writing, reading] = [createRowState(8), createRowState(8)];
  for (const [at, row] of rows.entries()) {
    assert.equal(Buffer.from(encodeRow(writing, row, { boot: 1.7e12 })).toString("hex"), written[at]);
    decodeRow(reading, Buffer.from(written[at] ?? "", "hex"));
    assert.deepEqual(bits(reading.values), bits(row));
    assert.deepEqual(startsOf(reading), { boot: 1.7e12 });
  }
});

test("starts come back, absent stays absent", () => {
  const writing = createRowState(0);
  const reading = createRowState(0);
  for (const starts of [
    {},
    { boot: 1.7e12 },
    { boot: 1.7e12, agent: 1.8e12 },
    { agent: 1.8e12 },
    { boot: 0 },
    {},
  ]) {
    decodeRow(reading, encodeRow(writing, new Float64Array(), starts));
    assert.deepEqual(startsOf(reading), starts);
  }
});

test("damaged bytes are a RangeError or other values, never anything else", () => {
  const row = encodeRow(
    createRowState(20),
    Float64Array.from({ length: 20 }, (_, index) => index * 1.5e3 + 0.1),
    { boot: 1 },
  );
  fc.assert(
    fc.property(fc.nat(row.length - 1), fc.nat(255), fc.nat(row.length), (at, byte, length) => {
      const damaged = row.slice(0, length);
      if (at < length) damaged[at] = byte;
      try {
        decodeRow(createRowState(20), damaged);
      } catch (error) {
        assert.ok(error instanceof RangeError);
      }
    }),
  );
});

/** 200 series as a ten-core Mac at 1 s would report them: six-digit ratios, powers, frequencies, page counts, sums. */
function believableRow(random: () => number, previous: Float64Array | undefined): Float64Array {
  const values = new Float64Array(200);
  const ratio = (): number => Number(random().toFixed(6));
  for (let core = 0; core < 10; core++) {
    const parked = random() < 0.2;
    const states = [ratio() / 4, ratio() / 4, ratio() / 4].map((share) => Number(share.toFixed(6)));
    values[core] = parked ? 0 : Number((6e8 + random() * 3e9).toPrecision(6));
    values[10 + core] = parked ? 0 : 100 * states.reduce((sum, share) => sum + share, 0);
    values[20 + core] = parked ? 100 : 100 * ratio();
    values[30 + core] = parked ? 0 : 100 * ratio();
  }
  for (let index = 40; index < 50; index++) values[index] = Number((random() * 5000).toPrecision(6));
  for (let index = 50; index < 56; index++) values[index] = (values[10] ?? 0) / 3 + random();
  for (let index = 56; index < 90; index++)
    values[index] = Math.floor((previous?.[index] ?? 300_000) + (random() - 0.4) * 4000);
  for (let index = 90; index < 110; index++)
    values[index] = (Math.round((previous?.[index] ?? 1e6) * 1000) + Math.floor(random() * 6000)) / 1000;
  for (let index = 110; index < 200; index++) values[index] = index % 7;
  return values;
}

test("200 series of a busy Mac take less than 4 bytes a sample, key rows included", (context) => {
  const random = seededRandom(7);
  let previous: Float64Array | undefined;
  let state = createRowState(200);
  let bytes = 0;
  const rows = 600;
  for (let row = 0; row < rows; row++) {
    if (row % 60 === 0) state = createRowState(200);
    previous = believableRow(random, previous);
    bytes += encodeRow(state, previous, { boot: 1.7e12, agent: 1.71e12 }).length;
  }
  const each = bytes / rows / 200;
  context.diagnostic(`${each.toFixed(2)} bytes a sample`);
  assert.ok(each < 4, `${each} bytes a sample`);
});
