/** Which connection a request goes out on, and what becomes of it. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import test from "node:test";
import type { HttpReply } from "../../../src/runtime/http/client.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { httpReceiver, rawReceiver } from "./receivers.ts";
import { answered, client, failed, post } from "./sending.ts";

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

for (const url of ["http://255.255.255.255:9/", "https://255.255.255.255:9/"])
  test(`${url}, which the system refuses at once, is a failure to connect, whoever asks`, async (t) => {
    const http = client(t);
    // Straight from the event loop, Node's own queue goes before that of promises.
    const reply = await new Promise<HttpReply>((resolve, reject) =>
      setImmediate(() => void http.send(post(new URL(url))).then(resolve, reject)),
    );
    failed(reply, "connect", /^cannot connect to 255/);
  });

test("a server that closes its side before an answer ends the request at once, though it reads no more", async (t) => {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    t.after(() => socket.destroy());
    socket.once("data", () => socket.pause().end());
  }).listen(0, "127.0.0.1");
  t.after(() => server.close());
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const body = Buffer.alloc(32_000_000);
  const reply = await client(t).send(post(new URL(`http://127.0.0.1:${port}/`), { body }));
  failed(reply, "reset", /connection closed/);
});

test("a request of which half a head was answered on a kept connection is not sent again", async (t) => {
  const answers = ["HTTP/1.1 204 None\r\n\r\n", "HTTP/1.1 20"];
  let requests = 0;
  const receiver = await rawReceiver(t, (socket) => {
    socket.write(answers[requests++] ?? "");
    if (requests > 1) socket.end();
  });
  const http = client(t);
  answered(await http.send(post(receiver.url)));
  failed(await http.send(post(receiver.url)), "reset", /connection closed/);
  assert.equal(requests, 2);
});

test("a body of which each byte is a chunk of its own is whole, up to the cap", async (t) => {
  const letters = "abcdefghij".repeat(10_000);
  const chunks = letters.replaceAll(/./g, "1\r\n$&\r\n");
  const receiver = await rawReceiver(t, (socket) =>
    socket.write(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`),
  );
  for (const maxBodyBytes of [1, 65_536, 99_999, 100_000, 16_777_216]) {
    const limits = { connectTimeoutMs: 10_000, maxBodyBytes, maxReadBytes: 16_777_216 };
    const reply = answered(await client(t, {}, {}, limits).send(post(receiver.url)));
    assert.equal(reply.body.toString(), letters.slice(0, maxBodyBytes));
    assert.equal(reply.truncated, maxBodyBytes < letters.length);
  }
});
