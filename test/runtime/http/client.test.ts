import assert from "node:assert/strict";
import { once } from "node:events";
import test from "node:test";
import { systemClock } from "../../../src/runtime/clock.ts";
import { literalSecret } from "../../../src/runtime/secret.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { httpReceiver, rawReceiver } from "./receivers.ts";
import { answered, client, failed, post } from "./sending.ts";

test("a request arrives with its method, path, body and length, and the answer comes back whole", async (t) => {
  const receiver = await httpReceiver(t, (request, response) => {
    void request.toArray().then((chunks) => {
      const body = Buffer.concat(chunks as Buffer[]).toString();
      response.writeHead(202, ["X-Two", "a", "X-Two", "b"]);
      response.end(
        `${request.method ?? ""} ${request.url ?? ""} ${request.headers["content-length"] ?? ""} ${body}`,
      );
    });
  });
  const reply = answered(await client(t).send(post(new URL("/a/b?c=d#e", receiver.url))));
  assert.equal(reply.status, 202);
  assert.equal(reply.body.toString(), "POST /a/b?c=d 5 hello");
  assert.equal(reply.headers["x-two"], "a, b");
  assert.equal(reply.truncated, false);
  assert.ok(Math.abs(reply.receivedAt - systemClock.now()) < 5000);
});

test("a request's own headers win over configured ones, whatever their case, and nothing compressed is asked for", async (t) => {
  const receiver = await httpReceiver(t, (request, response) =>
    response.end(JSON.stringify(request.headers)),
  );
  const settings = {
    headers: { "User-Agent": literalSecret("theirs"), "X-Scope-OrgID": literalSecret("team") },
  };
  const reply = answered(
    await client(t, settings).send(post(receiver.url, { headers: { "user-agent": "ours" } })),
  );
  const headers = JSON.parse(reply.body.toString()) as Record<string, string>;
  assert.equal(headers["user-agent"], "ours");
  assert.equal(headers["x-scope-orgid"], "team");
  assert.equal(headers["accept-encoding"], "identity");
});

test("requests share one connection until it is renewed", async (t) => {
  const receiver = await httpReceiver(t, (_request, response) => response.end());
  const http = client(t);
  for (let i = 0; i < 5; i++) answered(await http.send(post(receiver.url)));
  assert.equal(receiver.accepted.length, 1);
  http.renew();
  answered(await http.send(post(receiver.url)));
  assert.equal(receiver.accepted.length, 2);
});

for (const [hint, keptMs] of [
  ["timeout=5, max=100", 4000],
  ["max=7", 90_000],
  ["timeout=600", 90_000],
] as const)
  test(`after an answer with Keep-Alive: ${hint} its connection is used for ${keptMs} ms`, async (t) => {
    const clock = fakeClock();
    const receiver = await httpReceiver(t, (_request, response) =>
      response.setHeader("keep-alive", hint).end(),
    );
    const http = client(t, {}, { clock });
    answered(await http.send(post(receiver.url)));
    await clock.advance(keptMs - 1);
    answered(await http.send(post(receiver.url)));
    assert.equal(receiver.accepted.length, 1);
    await clock.advance(keptMs);
    answered(await http.send(post(receiver.url)));
    assert.equal(receiver.accepted.length, 2);
  });

for (const [what, head] of [
  ["asks for its end", "HTTP/1.1 200 OK\r\nConnection: close"],
  ["is HTTP/1.0", "HTTP/1.0 200 OK"],
  ["will be closed in a second", "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1"],
] as const)
  test(`a connection that ${what} serves no further request`, async (t) => {
    const receiver = await rawReceiver(t, (socket) => socket.write(`${head}\r\nContent-Length: 0\r\n\r\n`));
    const http = client(t);
    for (const count of [1, 2]) {
      answered(await http.send(post(receiver.url)));
      assert.equal(receiver.accepted.length, count);
    }
  });

test("redirects are handed back, not followed", async (t) => {
  const receiver = await httpReceiver(t, (_request, response) =>
    response.writeHead(302, { location: "/x" }).end(),
  );
  assert.equal(answered(await client(t).send(post(receiver.url))).status, 302);
});

test("a 1 MB error body is cut at the cap, said to be, and the connection serves on", async (t) => {
  const receiver = await httpReceiver(t, (_request, response) =>
    response.writeHead(400).end("x".repeat(1_000_000)),
  );
  const http = client(t);
  for (let i = 0; i < 2; i++) {
    const reply = answered(await http.send(post(receiver.url)));
    assert.equal(reply.status, 400);
    assert.equal(reply.body.length, 65_536);
    assert.equal(reply.truncated, true);
  }
  assert.equal(receiver.accepted.length, 1);
});

test("a body that never ends is given up with what was read", async (t) => {
  const receiver = await rawReceiver(t, (socket) => {
    socket.write("HTTP/1.1 500 Oh\r\n\r\n");
    const pour = (): void => {
      while (!socket.destroyed && socket.write("y".repeat(65_536)));
    };
    socket.on("drain", pour);
    pour();
  });
  const reply = answered(await client(t).send(post(receiver.url)));
  assert.equal(reply.status, 500);
  assert.equal(reply.body.length, 65_536);
  assert.equal(reply.truncated, true);
});

for (const [what, bytes] of [
  ["garbage", "\x00\x01\x02 not http at all\r\n\r\n"],
  ["a nonsense status line", "HTTP/1.1 banana\r\n\r\n"],
  ["another protocol", "SSH-2.0-OpenSSH_9.6\r\n"],
  ["half an answer", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"],
  ["half a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nhalf"],
  ["endless headers", `HTTP/1.1 200 OK\r\nX: ${"a".repeat(100_000)}`],
  ["a switch of protocols", "HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"],
] as const) {
  test(`${what} is a protocol failure`, async (t) => {
    const receiver = await rawReceiver(t, (socket) => socket.end(bytes, "latin1"));
    failed(await client(t).send(post(receiver.url)), "protocol", /^unexpected .*127\.0\.0\.1:\d+: /);
  });
}

test("a port of gRPC is said to be one: it answers with frames of HTTP/2", async (t) => {
  const settings = "\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x05\x00\x00\x40\x00";
  const receiver = await rawReceiver(t, (socket) => socket.end(settings, "latin1"));
  failed(await client(t).send(post(receiver.url)), "protocol", /not HTTP\/1\.1; a gRPC port/);
});

test("status 999 is an answer", async (t) => {
  const receiver = await rawReceiver(t, (socket) =>
    socket.end("HTTP/1.1 999 Odd\r\nContent-Length: 2\r\n\r\nhm"),
  );
  const reply = answered(await client(t).send(post(receiver.url)));
  assert.deepEqual([reply.status, reply.body.toString()], [999, "hm"]);
});

test("interim answers that nobody asked for are passed over", async (t) => {
  const interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n".repeat(3);
  const receiver = await rawReceiver(t, (socket) => socket.write(`${interim}HTTP/1.1 204 None\r\n\r\n`));
  assert.equal(answered(await client(t).send(post(receiver.url))).status, 204);
});

test("a connection that is closed or reset before an answer is a reset", async (t) => {
  const closing = await rawReceiver(t, (socket) => socket.end());
  failed(
    await client(t).send(post(closing.url)),
    "reset",
    /^cannot get an answer from .*: connection closed/,
  );
  const resetting = await rawReceiver(t, (socket) => socket.resetAndDestroy());
  failed(await client(t).send(post(resetting.url)), "reset", /connection closed/);
});

test("a reset in the middle of a body is a reset", async (t) => {
  const receiver = await rawReceiver(t, (socket) => {
    socket.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", () => socket.resetAndDestroy());
  });
  const reply = await client(t).send(post(receiver.url));
  assert.ok(
    reply.kind === "failure" && (reply.code === "reset" || reply.code === "protocol"),
    JSON.stringify(reply),
  );
});

test("a port where nobody listens is a connect failure", async (t) => {
  const receiver = await httpReceiver(t, (_request, response) => response.end());
  await receiver.close();
  failed(
    await client(t).send(post(receiver.url)),
    "connect",
    /^cannot connect to 127\.0\.0\.1:\d+: connection refused$/,
  );
});

test("a host that does not exist is a dns failure", async (t) => {
  failed(
    await client(t).send(post(new URL("http://no-such-host.invalid:9090/"))),
    "dns",
    /^cannot resolve no-such-host\.invalid:9090: /,
  );
});

test("a hang ends at the request's limit, by the injected clock", async (t) => {
  const clock = fakeClock();
  const receiver = await rawReceiver(t, () => undefined);
  const sending = client(t, {}, { clock }).send(post(receiver.url));
  while (receiver.accepted.length === 0) await clock.advance(1);
  await clock.advance(5000);
  const reply = await sending;
  failed(reply, "timeout", /no whole answer in 5000 ms/);
  assert.ok(reply.durationMs >= 5000);
  assert.equal(clock.pending, 0);
});

test("an answer that drips for ever ends at the request's limit", async (t) => {
  const clock = fakeClock();
  const receiver = await rawReceiver(t, (socket) => socket.write("HTTP/1.1 200 OK\r\n\r\nx"));
  const sending = client(t, {}, { clock }).send(post(receiver.url));
  await clock.advance(5000);
  failed(await sending, "timeout", /no whole answer/);
});

test("the status counts although the body never ends, at the limit of the third request in a row", async (t) => {
  const clock = fakeClock();
  const receiver = await rawReceiver(t, (socket) => socket.write("HTTP/1.1 200 OK\r\n\r\nx"));
  let heads = 0;
  // Asked for the time when a head has come.
  const counting = { ...clock, now: () => (heads++, clock.now()) };
  const http = client(t, {}, { clock: counting });
  for (const isBelieved of [false, false, true, true]) {
    heads = 0;
    const sending = http.send(post(receiver.url));
    while (heads === 0) await clock.advance(0);
    await clock.advance(5000);
    const reply = await sending;
    if (isBelieved) assert.deepEqual([answered(reply).status, answered(reply).truncated], [200, true]);
    else failed(reply, "timeout", /no whole answer/);
  }
});

test("the status counts although the body is shorter than promised, when it is so three times in a row", async (t) => {
  const whole = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}";
  const short = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}";
  const nonsense = "HTTP/1.1 413 No\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n";
  const answers = [short, short, whole, short, nonsense, short, nonsense];
  const receiver = await rawReceiver(t, (socket) => void socket.end(answers.shift() ?? ""));
  const http = client(t);
  const seen: (number | string)[] = [];
  while (answers.length > 0) {
    const reply = await http.send(post(receiver.url));
    seen.push(reply.kind === "response" ? reply.status : reply.code);
  }
  assert.deepEqual(seen, ["protocol", "protocol", 200, "protocol", "protocol", 200, 413]);
});

test("a head of 60 KB is read, as by Go and curl", async (t) => {
  const receiver = await rawReceiver(t, (socket) =>
    socket.write(`HTTP/1.1 204 No\r\nX-Policy: ${"y".repeat(60_000)}\r\nX-Last: z\r\n\r\n`),
  );
  const reply = answered(await client(t).send(post(receiver.url)));
  assert.deepEqual([reply.status, reply.headers["x-last"]], [204, "z"]);
});

test("a connection that does not come about ends at the connect limit", async (t) => {
  const clock = fakeClock();
  const receiver = await rawReceiver(t, () => undefined);
  const url = new URL(`https://127.0.0.1:${receiver.port}/`);
  const sending = client(t, { tls_config: { insecure_skip_verify: true } }, { clock }).send(
    post(url, { timeoutMs: 60_000 }),
  );
  while (receiver.accepted.length === 0) await clock.advance(1);
  await clock.advance(10_000);
  failed(await sending, "timeout", /^cannot connect to 127\.0\.0\.1:\d+: timed out after 10000 ms$/);
});

test("a request can be aborted, before and during, and leaves nothing on the signal", async (t) => {
  const receiver = await rawReceiver(t, () => undefined);
  const abort = new AbortController();
  const sending = client(t).send(post(receiver.url, { signal: abort.signal }));
  while (receiver.accepted.length === 0) await new Promise(setImmediate);
  abort.abort();
  failed(await sending, "aborted", /aborted$/);
  failed(await client(t).send(post(receiver.url, { signal: abort.signal })), "aborted", /aborted$/);
});

test("disposing the client ends what is under way and refuses what comes after", async (t) => {
  const receiver = await rawReceiver(t, () => undefined);
  const http = client(t);
  const sending = http.send(post(receiver.url));
  while (receiver.accepted.length === 0) await new Promise(setImmediate);
  await http[Symbol.asyncDispose]();
  failed(await sending, "aborted", /aborted$/);
  failed(await http.send(post(receiver.url)), "aborted", /aborted$/);
});

test("a kept connection that the server closed meanwhile costs one retry on a new one, not a failure", async (t) => {
  const receiver = await rawReceiver(t, (socket) => {
    // Answers the first request of a connection and drops the connection at the second.
    if (socket.listenerCount("close") > 1) socket.destroy();
    else socket.on("close", () => undefined).write("HTTP/1.1 204 None\r\n\r\n");
  });
  const http = client(t);
  for (let i = 0; i < 4; i++) assert.equal(answered(await http.send(post(receiver.url))).status, 204);
  assert.ok(receiver.accepted.length >= 2);
});

test("a fresh connection that is closed at once is tried only once", async (t) => {
  const receiver = await rawReceiver(t, (socket) => socket.destroy());
  failed(await client(t).send(post(receiver.url)), "reset", /connection closed/);
  assert.equal(receiver.accepted.length, 1);
});

test("an early refusal of a body that is never read is an answer and leaves no socket", async (t) => {
  const receiver = await rawReceiver(t, (socket) => {
    socket.pause();
    if (socket.bytesWritten === 0) socket.write("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
  });
  const reply = answered(await client(t).send(post(receiver.url, { body: Buffer.alloc(32_000_000) })));
  assert.equal(reply.status, 413);
  const [socket] = receiver.accepted;
  assert.ok(socket);
  socket.removeAllListeners("data").resume();
  if (!socket.closed) await once(socket, "close");
});

test("thousands of requests use one socket and leave no timer or listener behind", async (t) => {
  const receiver = await httpReceiver(t, (_request, response) => response.end("ok"));
  const clock = fakeClock();
  const http = client(t, {}, { clock });
  const { signal } = new AbortController();
  for (let i = 0; i < 2000; i++) answered(await http.send(post(receiver.url, { signal })));
  assert.equal(receiver.accepted.length, 1);
  assert.equal(clock.pending, 0);
});
