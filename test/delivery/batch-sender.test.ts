/** A batch whose samples take several requests, or that a receiver's limit has divided: one verdict for all of it, and an account of each sample. */
import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import fc from "../support/property.ts";
import {
  badRequest,
  delivered,
  forbidden,
  holding,
  minute,
  perSnapshot,
  reset,
  rig,
  second,
  tooLarge,
  unavailable,
  valuesIn,
  type Answer,
  type Rig,
} from "./rig.ts";

/** Each with two of a snapshot's four samples. */
const bodies = 2;
const perBody = perSnapshot / bodies;

/** Three snapshots in one batch, whose deadline is a second away. */
async function collected(context: TestContext, answer: Answer): Promise<Rig> {
  const it = rig(context, { bodies });
  it.answer = answer;
  await it.begin();
  await it.collect(3, second);
  return it;
}

const parts = ({ seen }: Rig): readonly number[] => seen.map(({ part }) => part);

test("the bodies of a batch go out one after the other, and are acknowledged together", async (context) => {
  const it = await collected(context, () => delivered);
  const waiting: number[] = [];
  it.answer = () => {
    waiting.push(it.cursor().backlog().snapshots);
    return delivered;
  };
  await it.clock.advance(minute);
  assert.deepEqual(parts(it), [0, 1]);
  assert.deepEqual(waiting, [3, 3]);
  assert.equal(it.counts.sent, 3 * perSnapshot);
  assert.equal(it.cursor().backlog().snapshots, 0);
  await it.abort();
});

test("a body that is rejected costs its own samples", async (context) => {
  const it = await collected(context, ({ part, times }) =>
    part === 0 && times.length > 0 ? badRequest : delivered,
  );
  await it.clock.advance(minute);
  assert.deepEqual(parts(it), [0, 1]);
  assert.deepEqual([it.counts.sent, it.counts.dropped], [3 * perBody, { rejected: 3 * perBody }]);
  await it.abort();
});

test("a body that fails goes again with the same bytes, and those before it do not", async (context) => {
  let failures = 3;
  const it = await collected(context, ({ part }) => (part === 1 && failures-- > 0 ? unavailable : delivered));
  await it.clock.advance(minute);
  assert.deepEqual(parts(it), [0, 1, 1, 1, 1]);
  assert.equal(new Set(it.seen.map(({ text }) => text)).size, bodies);
  assert.equal(it.counts.sent, 3 * perSnapshot);
  await it.abort();
});

for (const [name, outcome] of Object.entries({ "too large": tooLarge, "not let in": forbidden })) {
  test(`when a later body is ${name}, the earlier comes again with it, and its rejection is no loss`, async (context) => {
    let first = true;
    const it = await collected(context, ({ part, times }) => {
      if (part === 1 && first) {
        first = false;
        return outcome;
      }
      // As a receiver does that has these samples from the first time.
      return part === 0 && !first && times.length > 0 ? badRequest : delivered;
    });
    await it.clock.advance(5 * minute);
    assert.deepEqual(it.counts.dropped, { rejected_resend: 3 * perBody });
    assert.equal(it.counts.sent, 3 * perBody);
    await it.abort();
  });
}

test("after a restart between two bodies the whole batch goes out with the same bytes", async (context) => {
  const it = await collected(context, ({ part }) => (part === 1 ? reset : delivered));
  await it.clock.advance(10 * second);
  it.answer = () => delivered;
  const before = new Set(it.seen.map(({ text }) => text));
  const answered = it.seen.length;
  await it.restart();
  await it.clock.advance(minute);
  assert.deepEqual(
    it.seen.slice(answered).map(({ text }) => text),
    [...before],
  );
  assert.equal(it.counts.sent, 3 * perSnapshot);
  await it.abort();
});

test("a batch has the snapshots that all its bodies have room for, but no more of them than one body has samples, nor more samples than the drain rate lets go in a second", async (context) => {
  for (const [maxBodies, drainRate, batches] of [
    [2, 0, [4, 4, 2]],
    [2, 1000, [4, 4, 2]],
    [2, 10, [2, 2, 2, 2, 2]],
    [100, 0, [8, 2]],
  ] as const) {
    const it = rig(context, { sink: { maxSamples: 8, maxBodies }, pacing: { drainRate } });
    await it.begin();
    await it.collect(10, 100);
    await it.clock.advance(minute);
    assert.deepEqual(
      it.seen.map(({ times }) => times.length),
      batches,
    );
    await it.abort();
  }
});

const eight = [1, 2, 3, 4, 5, 6, 7, 8];

/** From now on the receiver takes so many samples at once; all that it has taken. */
function limit(it: Rig, most: number): readonly number[] {
  const taken: number[] = [];
  it.answer = (seen) => {
    if (seen.times.length === 0) return delivered;
    const values = valuesIn(seen);
    if (values.length > most) return tooLarge;
    taken.push(...values);
    return delivered;
  };
  return taken;
}

/** A receiver that takes three samples at once was sent a snapshot of eight. */
async function divided(context: TestContext) {
  const it = rig(context, { divisible: true });
  await it.begin();
  const taken = limit(it, 3);
  it.append(holding(eight));
  await it.clock.advance(10 * second);
  return { it, taken };
}

test("a snapshot over the limit goes in parts, and the next one at once in parts that fit", async (context) => {
  const { it, taken } = await divided(context);
  assert.deepEqual(
    it.seen.map((seen) => valuesIn(seen).length),
    [8, 4, 2, 2, 2, 2],
  );
  assert.deepEqual(taken, eight);
  it.append(holding(eight));
  await it.clock.advance(10 * second);
  assert.deepEqual(
    it.seen.slice(6).map((seen) => valuesIn(seen).length),
    [2, 2, 2, 2],
  );
  assert.deepEqual(it.counts, { sent: 16, dropped: {}, renewed: 0 });
  await it.abort();
});

test("a sample that is too large alone is dropped and counted, and all others go", async (context) => {
  const it = rig(context, { divisible: true });
  await it.begin();
  it.answer = (seen) => (seen.times.length > 0 && valuesIn(seen).includes(5) ? tooLarge : delivered);
  it.append(holding(eight));
  await it.clock.advance(minute);
  assert.deepEqual(it.counts, { sent: 7, dropped: { too_large: 1 }, renewed: 0 });
  assert.deepEqual(it.cursor().ranges(), []);
  assert.ok(it.lines.some(({ level, message }) => level === "error" && message.includes("too large")));
  await it.abort();
});

test("what only its words call too large is kept, however small it is", async (context) => {
  const it = rig(context, { divisible: true });
  await it.begin();
  it.answer = ({ times }) => (times.length === 0 ? delivered : { ...tooLarge, code: "500", keep: true });
  it.append(holding([1, 2]));
  await it.clock.advance(10 * second);
  assert.equal(it.delivery().state().status, "refused");
  assert.deepEqual(it.counts, { sent: 0, dropped: {}, renewed: 0 });
  it.answer = () => delivered;
  await it.clock.advance(minute);
  assert.equal(it.counts.sent, 2);
  await it.abort();
});

test("a body beyond our own limit is divided before it is sent", async (context) => {
  const it = rig(context, { divisible: true, sink: { maxBytes: 72 } });
  await it.begin();
  it.append(holding(eight));
  await it.clock.advance(minute);
  assert.ok(it.seen.length > 1);
  assert.ok(it.seen.every(({ text }) => text.length <= 72));
  assert.deepEqual(it.seen.flatMap(valuesIn), eight);
  assert.deepEqual(it.counts, { sent: 8, dropped: {}, renewed: 0 });
  await it.abort();
});

test("after a restart in the middle of the parts the same parts go again", async (context) => {
  const { it } = await divided(context);
  let hangs = false;
  it.answer = (seen) => {
    hangs ||= valuesIn(seen).includes(5);
    return hangs ? undefined : delivered;
  };
  it.append(holding(eight));
  await it.clock.advance(10 * second);
  const before = it.seen.slice(6).map(({ text }) => text);
  assert.equal(before.length, 3);
  limit(it, 3);
  const sent = it.seen.length;
  await it.restart();
  await it.clock.advance(10 * second);
  const after = it.seen.slice(sent).map(({ text }) => text);
  assert.deepEqual(after.slice(0, 3), before);
  assert.equal(after.length, 4);
  assert.equal(it.counts.sent, 16);
  await it.abort();
});

test("whatever the limit and the sizes, every sample is taken once or counted, in order", async (context) => {
  const sizes = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 20 }), sizes, async (most, counts) => {
      const it = rig(context, { divisible: true });
      await it.begin();
      const taken = limit(it, most);
      const wanted = counts.map((count, at) =>
        Array.from({ length: 2 * count }, (_, index) => at * 100 + index),
      );
      for (const values of wanted) {
        it.append(holding(values));
        await it.clock.advance(7 * second);
      }
      await it.clock.advance(minute);
      assert.deepEqual(taken, wanted.flat());
      assert.deepEqual(it.counts, { sent: taken.length, dropped: {}, renewed: 0 });
      await it.abort();
    }),
    { numRuns: 20, seed: 1 },
  );
});
