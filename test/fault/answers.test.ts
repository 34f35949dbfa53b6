/** Answers that say nothing about the samples, or want them otherwise: nothing is lost to any of them. */
import assert from "node:assert/strict";
import test from "node:test";
import { status } from "../conformance/receiver.ts";
import { pusher, second, type Pusher } from "./pusher.ts";
import { startReceiver, type Receiver } from "./receiver.ts";

const kinds = ["remote_write", "otlp"] as const;

function both(): Promise<readonly Receiver[]> {
  return Promise.all(kinds.map((kind) => startReceiver(kind)));
}

async function assertAllArrive(it: Pusher, receivers: readonly Receiver[]): Promise<void> {
  it.assertAccounted();
  await it.drained();
  it.assertAccounted();
  for (const receiver of receivers) {
    const { collected, sent, dropped, lost } = it.accountOf(receiver);
    assert.deepEqual({ dropped, lost }, { dropped: {}, lost: {} });
    assert.equal(sent, collected.samples);
  }
}

test("answers about the request, such as redirects, 405, 421, 426 and 501, cost no receiver a sample", async (context) => {
  const receivers = await both();
  const it = await pusher(context, { receivers });
  await it.collect(3, 10 * second);
  for (const code of [301, 308, 401, 405, 406, 408, 411, 418, 421, 426, 431, 501, 505]) {
    for (const receiver of receivers) receiver.mood = status(code, {}, "no");
    await it.collect(2, 30 * second);
    it.assertAccounted();
  }
  for (const receiver of receivers) receiver.mood = undefined;
  await assertAllArrive(it, receivers);
});

test("whatever a receiver refuses before it has taken anything arrives once it is well", async (context) => {
  for (const code of [400, 409, 413, 415, 422, 500]) {
    const receivers = await both();
    for (const receiver of receivers) receiver.mood = status(code, {}, "no");
    const it = await pusher(context, { receivers });
    await it.collect(6, 30 * second);
    it.assertAccounted();
    for (const receiver of receivers) receiver.mood = undefined;
    await assertAllArrive(it, receivers);
  }
});

test("a receiver that answers 400 to version 2 gets everything as version 1", async (context) => {
  const receiver = await startReceiver("remote_write");
  receiver.judge = ({ headers }) =>
    headers["content-type"] === "application/x-protobuf" ? undefined : status(400, {}, "bad request");
  const it = await pusher(context, { receivers: [receiver] });
  await it.collect(6, 10 * second);
  await assertAllArrive(it, [receiver]);
  assert.equal(it.deliveries().reports()[0]?.state.protocol, "prometheus.WriteRequest");
});

test("a receiver of version 2 that counts nothing but samples gets everything", async (context) => {
  const receiver = await startReceiver("remote_write");
  receiver.counts = ["samples"];
  const it = await pusher(context, { receivers: [receiver] });
  await it.collect(6, 10 * second);
  await assertAllArrive(it, [receiver]);
  assert.equal(it.deliveries().reports()[0]?.state.protocol, "io.prometheus.write.v2.Request");
});

test("snapshots over a receiver's limit arrive in parts, whether it says 413 or 400 and that the body is too large", async (context) => {
  const receivers = await both();
  const tooLarge = [
    status(413, { "content-type": "text/html" }, "<html>"),
    status(400, {}, "http: request body too large"),
  ];
  const refused = [0, 0];
  receivers.forEach((receiver, at) => {
    receiver.judge = (_, body) => {
      if (body.length <= 1200) return undefined;
      refused[at] = (refused[at] ?? 0) + 1;
      return tooLarge[at];
    };
  });
  const it = await pusher(context, { receivers });
  // Small ones first: before it has taken anything a receiver loses nothing either, but is asked by the minute.
  await it.collect(2, 10 * second);
  const parts = Array.from({ length: 200 }, (_, index) => `part${index}`);
  await it.collect(10, 10 * second, { parts });
  await assertAllArrive(it, receivers);
  for (const count of refused) assert.ok(count > 0 && count < 40, `refused ${refused.join(" and ")} times`);
});
