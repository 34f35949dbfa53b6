/** One text for all who watch, made only while somebody does. */
import assert from "node:assert/strict";
import test from "node:test";
import { createFeed } from "../../src/status/feed.ts";
import { fakeClock } from "../support/fake-clock.ts";

function openFeed() {
  const clock = fakeClock();
  let rendered = 0;
  const feed = createFeed(clock, () => JSON.stringify({ rendered: ++rendered }));
  return { clock, feed, renderings: () => rendered };
}

test("nothing is computed and no timer waits while nobody watches", async () => {
  const { clock, feed, renderings } = openFeed();
  feed.changed();
  await clock.advance(60_000);
  assert.equal(renderings(), 0);
  assert.equal(clock.pending, 0);
});

test("whoever comes sees the present state at once", () => {
  const { feed } = openFeed();
  const got: string[] = [];
  feed.watch((text) => void got.push(text));
  assert.deepEqual(got, ['event: status\ndata: {"rendered":1}\n\n']);
});

test("whoever comes while the state cannot be shown takes no place", () => {
  const feed = createFeed(fakeClock(), () => assert.fail("no state"));
  assert.throws(() => feed.watch(() => undefined), /no state/);
  assert.equal(feed.watchers, 0);
});

test("changes that come together are one event, made once for all", async () => {
  const { clock, feed, renderings } = openFeed();
  const got: string[] = [];
  for (let watcher = 0; watcher < 3; watcher++) feed.watch((text) => void got.push(text));
  got.length = 0;
  const before = renderings();
  for (let change = 0; change < 5; change++) feed.changed();
  await clock.advance(100);
  assert.equal(renderings(), before + 1);
  assert.equal(got.length, 3);
  assert.equal(new Set(got).size, 1);
});

test("in silence an event comes every five seconds, so that ages move", async () => {
  const { clock, feed } = openFeed();
  let events = 0;
  feed.watch(() => {
    events++;
  });
  await clock.advance(15_000);
  assert.equal(events, 1 + 3);
});

test("after the last watcher nothing goes on, and the next one is served again", async () => {
  const { clock, feed, renderings } = openFeed();
  const watching = feed.watch(() => undefined);
  feed.changed();
  watching?.[Symbol.dispose]();
  await clock.advance(60_000);
  assert.equal(renderings(), 1);
  assert.equal(clock.pending, 0);
  let events = 0;
  feed.watch(() => {
    events++;
  });
  feed.changed();
  await clock.advance(100);
  assert.equal(events, 2);
});

test("the seventeenth watcher is refused until one has gone", () => {
  const { feed } = openFeed();
  const watching = Array.from({ length: 16 }, () => feed.watch(() => undefined));
  assert.equal(
    feed.watch(() => undefined),
    undefined,
  );
  watching[3]?.[Symbol.dispose]();
  assert.notEqual(
    feed.watch(() => undefined),
    undefined,
  );
  assert.equal(feed.watchers, 16);
});
