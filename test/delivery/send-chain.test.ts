/** What failures of the receiver and the network lead to. */
import assert from "node:assert/strict";
import test from "node:test";
import {
  badRequest,
  delivered,
  forbidden,
  minute,
  perSnapshot,
  reset,
  rig,
  second,
  sentTimes,
  switchTo,
  unavailable,
  type Rig,
  type Seen,
} from "./rig.ts";

const gaps = (seen: readonly Seen[]): readonly number[] =>
  seen.slice(1).map(({ at }, index) => Math.round(at - (seen[index]?.at ?? 0)));

/** Started, and one batch of one snapshot on its way at 5 s. */
async function beginWithOne(it: Rig): Promise<number> {
  await it.begin();
  return it.append();
}

/** The next batch fails, and is tried again as soon as the first one ever was. */
async function assertPatienceIsNew(it: Rig): Promise<void> {
  const before = it.seen.length;
  it.answer = () => unavailable;
  it.append();
  await it.clock.advance(5 * second + 300);
  assert.deepEqual(gaps(it.seen.slice(before)), [100, 200]);
}

test("a failed batch goes again with the same bytes, ever more patiently, until it is taken", async (context) => {
  const it = rig(context);
  const time = await beginWithOne(it);
  it.answer = () => unavailable;
  await it.clock.advance(5 * second + 200 * second);
  assert.deepEqual(
    gaps(it.seen).slice(0, 12),
    [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000, 30_000],
  );
  const state = it.delivery().state();
  assert.equal(state.status, "retrying");
  assert.equal(state.lastFailure?.code, "503");
  assert.ok((state.nextAttemptMs ?? 0) > it.clock.now());
  it.append();
  it.answer = () => delivered;
  await it.clock.advance(30 * second);
  assert.equal(new Set(it.seen.slice(0, -1).map(({ text }) => text)).size, 1);
  assert.deepEqual(it.seen.at(-2)?.times, [time]);
  assert.equal(it.counts.sent, 2 * perSnapshot);
  assert.equal(it.delivery().state().status, "ok");
  assert.equal(it.delivery().state().nextAttemptMs, undefined);
  assert.equal(it.delivery().state().lastFailure?.code, "503", "the last failure stays known");
  const warnings = it.lines.filter(({ level }) => level === "warn");
  assert.deepEqual(
    warnings.map(({ message }) => message),
    ["cannot deliver to remote_write/test: service unavailable"],
  );
  await it.abort();
});

test("the backoff begins anew after a success", async (context) => {
  const it = rig(context);
  await beginWithOne(it);
  it.answer = () => unavailable;
  await it.clock.advance(minute);
  it.answer = () => delivered;
  await it.clock.advance(minute);
  await assertPatienceIsNew(it);
  await it.abort();
});

test("a receiver that says when is left alone until then", async (context) => {
  const it = rig(context);
  await beginWithOne(it);
  it.answer = () => ({ ...unavailable, code: "429", afterMs: 10 * minute }) as const;
  await it.clock.advance(5 * second + 10 * minute - 1);
  assert.equal(it.seen.length, 1);
  assert.equal(it.delivery().state().nextAttemptMs, it.clock.now() + 1);
  await it.clock.advance(1);
  assert.equal(it.seen.length, 2);
  await it.abort();
});

test("a wake before the failure does not shorten the wait after it, nor does one during the wait", async (context) => {
  const it = rig(context);
  await it.begin();
  it.delivery().woke();
  await it.clock.advance(minute);
  it.answer = ({ times }) => (times.length === 0 ? delivered : { ...unavailable, afterMs: 10 * minute });
  it.append();
  await it.clock.advance(5 * second + minute);
  assert.equal(it.seen.length, 1);
  it.delivery().woke();
  await it.clock.advance(9 * minute - 1);
  assert.equal(it.seen.length, 1);
  await it.clock.advance(1);
  assert.equal(it.seen.length, 2);
  assert.equal(it.seen[1]?.text, it.seen[0]?.text);
  await it.abort();
});

test("a receiver that does not let us in is asked with one snapshot after 1, 2, 4, 8 and 15 minutes, and keeps its backlog", async (context) => {
  const it = rig(context);
  await it.begin();
  it.answer = () => forbidden;
  const times = await it.collect(5, second);
  await it.clock.advance(44 * minute);
  assert.deepEqual(
    gaps(it.seen).map((ms) => ms / minute),
    [1, 2, 4, 8, 15],
  );
  assert.deepEqual(
    it.seen.map((one) => one.times.length),
    [5, 1, 1, 1, 1, 1],
  );
  assert.equal(it.delivery().state().status, "refused");
  assert.ok((it.delivery().state().nextAttemptMs ?? 0) > it.clock.now());
  it.answer = () => delivered;
  await it.clock.advance(16 * minute);
  assert.deepEqual(sentTimes(it.seen.slice(6)), times);
  assert.deepEqual(it.counts.dropped, {});
  assert.equal(it.delivery().state().status, "ok");
  await it.abort();
});

test("a rejected batch costs that batch only", async (context) => {
  const it = rig(context, { sink: { maxSamples: 2 * perSnapshot } });
  await it.begin();
  const times = await it.collect(6, 100);
  it.answer = (seen) => (seen.times.includes(times[2] ?? 0) ? badRequest : delivered);
  await it.clock.advance(5 * second);
  assert.deepEqual(
    it.seen.map((one) => one.times),
    [times.slice(0, 2), times.slice(2, 4), times.slice(4, 6)],
  );
  assert.equal(it.counts.sent, 4 * perSnapshot);
  assert.deepEqual(it.counts.dropped, { rejected: 2 * perSnapshot });
  assert.equal(it.delivery().state().status, "ok");
  await it.abort();
});

test("a rejection ends an outage: the receiver is there and judges", async (context) => {
  const it = rig(context);
  await beginWithOne(it);
  it.answer = () => unavailable;
  await it.clock.advance(2 * minute);
  assert.equal(it.delivery().state().status, "retrying");
  it.answer = () => badRequest;
  await it.clock.advance(30 * second);
  assert.equal(it.delivery().state().status, "ok");
  await assertPatienceIsNew(it);
  await it.abort();
});

test("a batch rejected after a try whose answer was lost is most likely there: its reason says so", async (context) => {
  const it = rig(context);
  await beginWithOne(it);
  it.answer = () => (it.seen.length === 1 ? reset : badRequest);
  await it.clock.advance(5 * second + 100);
  assert.deepEqual(it.counts.dropped, { rejected_resend: perSnapshot });
  assert.equal(it.lines.filter(({ level }) => level === "error").length, 0);
  assert.ok(it.lines.some(({ level, message }) => level === "info" && message.includes("sent again")));
  it.append();
  await it.clock.advance(5 * second);
  assert.deepEqual(it.counts.dropped, { rejected_resend: perSnapshot, rejected: perSnapshot });
  await it.abort();
});

test("so is the rejected part of a batch taken in part", async (context) => {
  const it = rig(context);
  await beginWithOne(it);
  it.answer = () =>
    it.seen.length === 1 ? reset : { ...delivered, code: "400", rejected: 3, reason: "out of order" };
  await it.clock.advance(5 * second + 100);
  assert.deepEqual(it.counts, { sent: 1, dropped: { rejected_resend: 3 }, renewed: 0 });
  it.append();
  await it.clock.advance(5 * second);
  assert.deepEqual(it.counts, { sent: 2, dropped: { rejected_resend: 3, rejected: 3 }, renewed: 0 });
  await it.abort();
});

test("a receiver that has stored nothing of a try, since none of it arrived: what it rejects afterwards is rejected", async (context) => {
  const it = rig(context);
  await beginWithOne(it);
  it.answer = () =>
    it.seen.length === 1 ? { status: "retry", code: "dns", reason: "offline", notStored: true } : badRequest;
  await it.clock.advance(5 * second + 100);
  assert.deepEqual(it.counts.dropped, { rejected: perSnapshot });
  assert.equal(it.lines.filter(({ level }) => level === "error").length, 1);
  await it.abort();
});

test("a receiver that only ever sends us to the other protocol is left alone in between, and nothing is lost", async (context) => {
  const it = rig(context);
  await beginWithOne(it);
  it.answer = ({ protocol }) => switchTo(protocol === "two" ? "one" : "two");
  await it.clock.advance(5 * second + 5 * minute);
  assert.ok(it.seen.length <= 5 * 11 + 5, `${it.seen.length} requests`);
  assert.equal(it.delivery().state().status, "retrying");
  it.answer = () => delivered;
  await it.clock.advance(30 * second);
  assert.equal(it.counts.sent, perSnapshot);
  assert.deepEqual(it.counts.dropped, {});
  await it.abort();
});

test("a batch that the journal gives up is tried no more, and what follows goes", async (context) => {
  const it = rig(context);
  const lost = await beginWithOne(it);
  it.answer = () => unavailable;
  await it.clock.advance(6 * second);
  const [range] = it.cursor().ranges();
  assert.ok(range);
  it.cursor().discard(range, "max_age");
  it.answer = () => delivered;
  const next = it.append();
  await it.clock.advance(10 * second);
  assert.deepEqual(it.seen.at(-1)?.times, [next]);
  assert.equal(it.seen.filter(({ times }) => times.includes(lost)).length, 4);
  assert.equal(it.counts.sent, perSnapshot);
  await it.abort();
});

test("what the journal gave up during a request is not counted a second time", async (context) => {
  const it = rig(context);
  await it.begin();
  await it.collect(3, second);
  it.answer = () => {
    const [range] = it.cursor().ranges();
    if (range !== undefined) it.cursor().discard({ ...range, lastSeq: range.firstSeq }, "max_size");
    return delivered;
  };
  await it.clock.advance(5 * second);
  assert.equal(it.counts.sent, 2 * perSnapshot);
  await it.abort();
});

test("a snapshot that cannot be encoded costs itself only, and is logged once", async (context) => {
  const it = rig(context);
  await it.begin();
  const times = await it.collect(5, 100);
  it.poison = (some) => some.includes(times[3] ?? 0);
  await it.clock.advance(5 * second);
  assert.deepEqual(
    sentTimes(it.seen),
    times.filter((_, index) => index !== 3),
  );
  assert.deepEqual(it.counts.dropped, { encode_error: perSnapshot });
  assert.deepEqual(it.delivery().state().dropped, { encode_error: perSnapshot });
  assert.ok(it.lines.some(({ level, message }) => level === "error" && message.includes("cannot encode")));
  await it.abort();
});

test("what is older than the age limit is dropped, even while it is tried again", async (context) => {
  const it = rig(context, { pacing: { sampleAgeLimitMs: minute } });
  const old = [it.append()];
  await it.clock.advance(2 * minute);
  await beginWithOne(it);
  assert.deepEqual(it.counts.dropped, { too_old: perSnapshot });
  it.answer = () => unavailable;
  await it.clock.advance(2 * minute);
  assert.deepEqual(it.counts.dropped, { too_old: 2 * perSnapshot });
  assert.equal(it.cursor().ranges().length, 0);
  assert.equal(it.seen.filter(({ times }) => times.includes(old[0] ?? 0)).length, 0);
  await it.abort();
});

test("a request that was called off is no failure of the receiver", async (context) => {
  const it = rig(context);
  await beginWithOne(it);
  it.answer = () => undefined;
  await it.clock.advance(5 * second);
  await it.abort();
  assert.deepEqual(it.lines, []);
});
