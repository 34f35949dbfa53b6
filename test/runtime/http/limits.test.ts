/** How long a request may take, by a clock with common ticks. */
import assert from "node:assert/strict";
import test from "node:test";
import type { HttpReply } from "../../../src/runtime/http/client.ts";
import { fakeClock, withTicks } from "../../support/fake-clock.ts";
import { rawReceiver } from "./receivers.ts";
import { client, failed, post } from "./sending.ts";

test("a limit of more than 5 s is as exact as a short one", async (t) => {
  const clock = fakeClock();
  const receiver = await rawReceiver(t, () => undefined);
  const http = client(t, {}, { clock: withTicks(clock) });
  await clock.advance(300);
  const replies: HttpReply[] = [];
  void http.send(post(receiver.url, { timeoutMs: 5500 })).then((one) => replies.push(one));
  await clock.advance(5500);
  const [reply = assert.fail("still waiting")] = replies;
  failed(reply, "timeout", /no whole answer in 5500 ms/);
  assert.equal(reply.durationMs, 5500);
});
