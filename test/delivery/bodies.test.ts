/** A batch whose samples take several requests: one verdict for all of it, and an account of each. */
import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import {
  badRequest,
  delivered,
  forbidden,
  minute,
  perSnapshot,
  reset,
  rig,
  second,
  tooLarge,
  unavailable,
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
  it.start();
  await it.clock.advance(0);
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
    it.start();
    await it.clock.advance(0);
    await it.collect(10, 100);
    await it.clock.advance(minute);
    assert.deepEqual(
      it.seen.map(({ times }) => times.length),
      batches,
    );
    await it.abort();
  }
});
