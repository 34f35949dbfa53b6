/** Which connection a request goes out on, and what becomes of it. */
import assert from "node:assert/strict";
import { once } from "node:events";
import test from "node:test";
import { fakeClock } from "../../support/fake-clock.ts";
import { httpReceiver } from "./receivers.ts";
import { answered, client, post } from "./sending.ts";

test("each receiver has connections of its own, which are closed once it is no longer sent to", async (t) => {
  const clock = fakeClock();
  const receivers = await Promise.all(
    ["a", "b", "c"].map((name) => httpReceiver(t, (_request, response) => response.end(name))),
  );
  const [a, b, c] = receivers;
  assert.ok(a && b && c);
  const http = client(t, {}, { clock });
  const asked: string[] = [];
  for (const { url } of [a, b, a, b]) asked.push(answered(await http.send(post(url))).body.toString());
  assert.deepEqual(asked, ["a", "b", "a", "b"]);
  assert.deepEqual([a.accepted.length, b.accepted.length], [1, 1]);
  const closed = once(a.accepted[0] ?? assert.fail(), "close");
  await clock.advance(90_000);
  answered(await http.send(post(c.url)));
  await closed;
});
