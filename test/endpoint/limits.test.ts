import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import test, { type TestContext } from "node:test";
import type { Route } from "../../src/endpoint/route.ts";
import { until } from "../support/until.ts";
import { ask, exchange, openEndpoint, send, snapshotOf } from "./endpoint.ts";

const get = (path = "/metrics", headers = ""): string =>
  `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`;
const statuses = (raw: string): string[] =>
  [...raw.matchAll(/HTTP\/1\.1 ([0-9]{3})/g)].map(([, code = ""]) => code);

test("headers beyond the limit are answered 431 and cut off", async (t) => {
  const { port } = await openEndpoint(t);
  const raw = await exchange(port, get("/metrics", `X-Big: ${"a".repeat(9000)}\r\n`));
  assert.deepEqual(statuses(raw), ["431"]);
});

test("a target beyond the limit is answered 431 and cut off", async (t) => {
  const { port } = await openEndpoint(t);
  assert.deepEqual(statuses(await exchange(port, get(`/${"a".repeat(20_000)}`))), ["431"]);
});

test("headers within the limit are answered", async (t) => {
  const { port } = await openEndpoint(t);
  assert.equal((await ask(port, "/metrics", { headers: { "x-big": "a".repeat(7000) } })).status, 200);
});

for (const [name, request] of [
  ["a body on GET", get("/metrics", "Content-Length: 5\r\n") + "hello"],
  ["a chunked body on GET", get("/metrics", "Transfer-Encoding: chunked\r\n") + "5\r\nhello\r\n0\r\n\r\n"],
  ["a body of a gigabyte that is only announced", get("/metrics", "Content-Length: 1073741824\r\n")],
  ["a body that waits to be asked for", get("/metrics", "Content-Length: 5\r\nExpect: 100-continue\r\n")],
] as const) {
  test(`${name} is answered 413 and cut off, unread`, async (t) => {
    const { port } = await openEndpoint(t);
    const raw = await exchange(port, request);
    assert.deepEqual(statuses(raw), ["413"]);
    assert.match(raw, /connection: close/i);
  });
}

test("an empty body is no body", async (t) => {
  const { port } = await openEndpoint(t);
  const raw = await exchange(port, get("/metrics", "Content-Length: 0\r\nConnection: close\r\n"));
  assert.deepEqual(statuses(raw), ["200"]);
});

test("what is no HTTP is answered 400 and cut off", async (t) => {
  const { port } = await openEndpoint(t);
  assert.deepEqual(statuses(await exchange(port, "\x16\x03\x01 hello\r\n\r\n")), ["400"]);
});

test("HTTP/1.1 without a Host is answered 400", async (t) => {
  const { port } = await openEndpoint(t);
  assert.deepEqual(statuses(await exchange(port, "GET /metrics HTTP/1.1\r\nConnection: close\r\n\r\n")), [
    "400",
  ]);
});

test("two Host headers are answered 400 and cut off, whatever they are", async (t) => {
  const { port } = await openEndpoint(t);
  const raw = await exchange(port, get("/metrics", "Host: localhost\r\n"));
  assert.deepEqual(statuses(raw), ["400"]);
  assert.match(raw, /connection: close/i);
});

test("three hundred unfinished requests of one peer keep nobody from the endpoint, not even that peer", async (t) => {
  const { port } = await openEndpoint(t);
  const unfinished = await Promise.all(
    Array.from({ length: 300 }, async () => {
      const socket: Socket = connect(port, "127.0.0.1");
      t.after(() => socket.destroy());
      socket.on("error", () => undefined);
      await once(socket, "connect");
      socket.write("GET /metrics HTTP/1.1\r\nHost: local");
      return socket;
    }),
  );
  assert.equal((await ask(port, "/-/healthy")).status, 200);
  const [oldest] = unfinished;
  if (oldest?.closed === false) await once(oldest, "close");
});

test("HTTP/1.0 without a Host is answered", async (t) => {
  const { port } = await openEndpoint(t);
  assert.deepEqual(statuses(await exchange(port, "GET /metrics HTTP/1.0\r\n\r\n")), ["200"]);
});

test("CONNECT and Upgrade open no tunnel", async (t) => {
  const { port } = await openEndpoint(t);
  assert.deepEqual(
    statuses(await exchange(port, "CONNECT evil.example:443 HTTP/1.1\r\nHost: localhost\r\n\r\n")),
    [],
  );
  const upgrade = "Upgrade: websocket\r\nConnection: Upgrade, close\r\n";
  assert.doesNotMatch(await exchange(port, get("/metrics", upgrade)), / 101 /);
});

test("pipelined requests are answered in their order", async (t) => {
  const { port } = await openEndpoint(t);
  const raw = await exchange(port, get() + get("/nothing") + get("/-/healthy", "Connection: close\r\n"));
  assert.deepEqual(statuses(raw), ["200", "404", "200"]);
});

test("a client that never finishes its headers is answered 408 and cut off", async (t) => {
  const { port } = await openEndpoint(t, { limits: { headersMs: 100, requestMs: 100, checkMs: 20 } });
  assert.deepEqual(statuses(await exchange(port, "GET /metrics HTTP/1.1\r\nHost: local")), ["408"]);
});

test("a client that drips its headers is cut off all the same", async (t) => {
  const { port } = await openEndpoint(t, { limits: { headersMs: 100, requestMs: 100, checkMs: 20 } });
  const { socket, received } = await send(port, "GET /metrics HTTP/1.1\r\n");
  const drip = setInterval(() => socket.write("X-A: b\r\n"), 10);
  t.after(() => clearInterval(drip));
  assert.deepEqual(statuses(await received), ["408"]);
});

test("a connection that never says a word is closed", async (t) => {
  const { port } = await openEndpoint(t, { limits: { headersMs: 100, requestMs: 100, checkMs: 20 } });
  await exchange(port, "");
});

test("an idle connection is closed after its time", async (t) => {
  const { port } = await openEndpoint(t, { limits: { idleMs: 50 } });
  assert.deepEqual(statuses(await exchange(port, get())), ["200"]);
});

test("the last request of a connection is announced, and one more is refused", async (t) => {
  const { port } = await openEndpoint(t, { limits: { requestsPerConnection: 2, idleMs: 50 } });
  const raw = await exchange(port, get() + get() + get());
  assert.deepEqual(statuses(raw), ["200", "200", "503"]);
  assert.match(raw.split("HTTP/1.1")[2] ?? "", /connection: close/i);
});

test("a client that does not read its answers is cut off, and costs no memory by asking on", async (t) => {
  const latest = [snapshotOf(20_000)];
  let answered = 0;
  const { port } = await openEndpoint(t, {
    deps: {
      latest: () => {
        answered++;
        return latest;
      },
    },
    limits: { connections: 1, stallMs: 200 },
  });
  const before = process.memoryUsage().arrayBuffers;
  const socket = connect(port, "127.0.0.1");
  t.after(() => socket.destroy());
  socket.on("error", () => undefined);
  socket.pause();
  await once(socket, "connect");
  socket.write(get().repeat(500));
  await until(() => answered === 500);
  const held = process.memoryUsage().arrayBuffers - before;
  // The only connection there may be is free again once the server has closed it.
  await until(async () => (await exchange(port, get("/-/healthy", "Connection: close\r\n"))) !== "");
  // Each answer is more than half a megabyte; what waits to be read is one and the same for all.
  assert.ok(held < 50 * 2 ** 20, `${held} bytes`);
});

async function hold(t: TestContext, port: number, count: number): Promise<Socket[]> {
  const sockets = await Promise.all(
    Array.from({ length: count }, async () => {
      const { socket } = await send(port, get("/-/healthy"));
      await once(socket, "data");
      return socket;
    }),
  );
  t.after(() => sockets.forEach((socket) => socket.destroy()));
  return sockets;
}

test("when all connections are taken by idle clients, the next one makes room and the one after gets in", async (t) => {
  const { port } = await openEndpoint(t, { limits: { connections: 4 } });
  const sockets = await hold(t, port, 4);
  const closed = sockets.map((socket) => once(socket, "close"));
  assert.equal(await exchange(port, get()), "");
  await Promise.all(closed);
  assert.equal((await ask(port, "/metrics")).status, 200);
});

test("connections in use are not closed for a newcomer", async (t) => {
  const endless: Route = {
    path: "/endless",
    methods: ["GET"],
    handle: ({ response }) => void response.write("on"),
  };
  const { port } = await openEndpoint(t, {
    deps: { routes: [endless] },
    limits: { connections: 2, stallMs: 0 },
  });
  const clients = await Promise.all([send(port, get("/endless")), send(port, get("/endless"))]);
  await Promise.all(clients.map(({ socket }) => once(socket, "data")));
  assert.equal(await exchange(port, get()), "");
  assert.ok(clients.every(({ socket }) => !socket.destroyed));
  for (const { socket } of clients) socket.destroy();
});
