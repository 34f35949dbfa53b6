/** Answers that Go's and curl's clients take, and Node's parser alone would not: over raw sockets, whole and in pieces. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import test, { type TestContext } from "node:test";
import fc from "../../support/property.ts";
import { createHttpClient, type HttpClient, type HttpReply } from "../../../src/runtime/http/client.ts";
import { systemClock } from "../../../src/runtime/clock.ts";

interface Raw {
  readonly client: HttpClient;
  /** What the next requests are answered with, in pieces; the last one stays. */
  answers: (readonly Buffer[])[];
  /** Connections so far. */
  readonly connections: () => number;
  readonly sockets: () => ReadonlySet<Socket>;
  send(): Promise<HttpReply>;
}

async function rawServer(context: TestContext, ends = false): Promise<Raw> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
    socket.on("data", (request) => {
      if (!request.includes("\r\n\r\n")) return;
      const pieces = it.answers.length > 1 ? it.answers.shift() : it.answers[0];
      void write(socket, pieces ?? [], ends);
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = createHttpClient({}, { clock: systemClock, env: {} });
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  context.after(async () => {
    await client[Symbol.asyncDispose]();
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const it: Raw = {
    client,
    answers: [],
    connections: () => connections,
    sockets: () => sockets,
    send: () => client.send({ method: "POST", url, headers: {}, body: Buffer.from("x"), timeoutMs: 10_000 }),
  };
  return it;
}

async function write(socket: Socket, pieces: readonly Buffer[], ends: boolean): Promise<void> {
  for (const piece of pieces) {
    if (socket.destroyed) return;
    await new Promise<void>((resolve) => socket.write(piece, () => setImmediate(resolve)));
  }
  if (ends) socket.end();
}

interface Case {
  readonly bytes: string;
  readonly status?: number;
  readonly body?: string;
  /** Whether the connection serves the next request; a suspicious one must not. */
  readonly kept?: boolean;
  /** Cut into pieces, its end may come after the next request went out: then nobody can tell it from an answer to that. */
  readonly wholeOnly?: true;
}

const cases: Readonly<Record<string, Case>> = {
  "as it should be": { bytes: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", body: "{}", kept: true },
  "in chunks as they should be": {
    bytes:
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\n{}\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n",
    body: "{}abc",
    kept: true,
  },
  "without a body": { bytes: "HTTP/1.1 204 No Content\r\nA: b\r\n\r\n", status: 204, kept: true },
  "after an interim answer": {
    bytes: "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
    status: 204,
    kept: true,
  },
  "Content-Length before Transfer-Encoding": {
    bytes: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    body: "{}",
  },
  "Transfer-Encoding before a wrong Content-Length": {
    bytes: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 99\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    body: "{}",
  },
  "Content-Length twice": {
    bytes: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    body: "{}",
  },
  "Content-Length twice in one line": {
    bytes: "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\n{}",
    body: "{}",
  },
  "lines that end in LF": { bytes: "HTTP/1.1 200 OK\nContent-Length: 2\nA: b\n\n{}", body: "{}" },
  "lines that end in either": { bytes: "HTTP/1.1 200 OK\r\nContent-Length: 2\n\r\n{}", body: "{}" },
  "chunks whose lines end in LF": {
    bytes: "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n2\n{}\n0\n\n",
    body: "{}",
  },
  "chunk sizes with blanks behind": {
    bytes: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2  \r\n{}\r\n0 \r\n\r\n",
    body: "{}",
    kept: true,
  },
  "204 in chunks": {
    bytes: "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    status: 204,
  },
  "204 with a body": { bytes: "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello", status: 204 },
  "304 with a body": { bytes: "HTTP/1.1 304 No\r\nContent-Length: 5\r\n\r\nhello", status: 304 },
  "more than Content-Length says": {
    bytes: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}\r\n",
    body: "{}",
  },
  "a second answer behind the first": {
    bytes: "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    status: 503,
    wholeOnly: true,
  },
  "a second answer as the body of 204": {
    bytes: "HTTP/1.1 204 No\r\nContent-Length: 38\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    status: 204,
  },
  "a header folded over two lines": {
    bytes: "HTTP/1.1 200 OK\r\nX-A: one\r\n two\r\nContent-Length: 2\r\n\r\n{}",
    body: "{}",
  },
  "a blank before a colon": { bytes: "HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\n{}", body: "{}" },
  "a trailer of 4 KB": {
    bytes: `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX: ${"y".repeat(4000)}\r\n\r\n`,
    body: "{}",
    kept: true,
  },
  "no words behind the status": {
    bytes: "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\n{}",
    body: "{}",
    kept: true,
  },
  "HTTP/1.2": { bytes: "HTTP/1.2 200 OK\r\nContent-Length: 2\r\n\r\n{}", body: "{}" },
  "a coding that is none": {
    bytes: "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 2\r\n\r\n{}",
    body: "{}",
  },
};

const wholly = (bytes: string): readonly Buffer[] => [Buffer.from(bytes, "latin1")];
const byByte = (bytes: string): readonly Buffer[] =>
  [...Buffer.from(bytes, "latin1")].map((byte) => Buffer.of(byte));
const plain = wholly("HTTP/1.1 202 Next\r\nContent-Length: 0\r\n\r\n");

for (const [name, { bytes, status = 200, body = "", kept = false, wholeOnly }] of Object.entries(cases))
  for (const [how, pieces] of [
    ["whole", wholly(bytes)],
    ...(wholeOnly === true ? [] : [["byte by byte", byByte(bytes)] as const]),
  ] as const)
    test(`an answer ${name}, ${how}, is understood, and the next one is its own`, async (context) => {
      const it = await rawServer(context);
      it.answers = [pieces, plain];
      const reply = await it.send();
      assert.ok(reply.kind === "response", JSON.stringify(reply));
      assert.deepEqual([reply.status, reply.body.toString()], [status, body]);
      const next = await it.send();
      assert.ok(next.kind === "response", JSON.stringify(next));
      assert.equal(next.status, 202);
      if (how === "whole") assert.equal(it.connections(), kept ? 1 : 2);
    });

test("an answer that ends with its connection is read to there", async (context) => {
  const it = await rawServer(context, true);
  for (const bytes of [
    'HTTP/1.0 200 OK\r\n\r\n{"a":1}',
    'HTTP/1.1 200 OK\n\n{"a":1}',
    'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{"a":1}',
  ]) {
    it.answers = [byByte(bytes)];
    const reply = await it.send();
    assert.ok(reply.kind === "response", JSON.stringify(reply));
    assert.equal(reply.body.toString(), '{"a":1}');
  }
});

test("what can be read only by guessing is a failure", async (context) => {
  const it = await rawServer(context, true);
  for (const bytes of [
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\n{}",
    "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\n{}",
    "HTTP/1.1 200 OK\r\nContent-Length: 2x\r\n\r\n{}",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}x\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
    "HTTP/1.1 2OO OK\r\n\r\n",
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ${"y".repeat(5000)}\r\n\r\n`,
    "HTTP/9.1 200 OK\r\n\r\n",
    "SSH-2.0-OpenSSH_9.9\r\n\r\n",
    "\u0000\u0000\u0006\u0004\u0000\u0000\u0000\u0000\u0000",
    "HTTP/1.1 200 OK\r\nContent-Le",
    `HTTP/1.1 200 OK\r\n${"abc: defghi\r\n".repeat(10_000)}\r\n`,
    `HTTP/1.1 200 OK\r\nA:${" ".repeat(65_000)}\u0001\r\n\r\n`,
    "",
  ]) {
    it.answers = [wholly(bytes)];
    const reply = await it.send();
    assert.equal(reply.kind, "failure", JSON.stringify([bytes.slice(0, 80), reply]));
  }
});

test("a status below 100 is no interim answer", async (context) => {
  const it = await rawServer(context, true);
  it.answers = [wholly("HTTP/1.1 042 Odd\r\n\r\n")];
  const reply = await it.send();
  assert.equal(reply.kind === "failure" && reply.code, "protocol", JSON.stringify(reply));
});

test("bytes that nobody asked for end a kept connection, and are nobody's answer", async (context) => {
  const it = await rawServer(context);
  it.answers = [plain];
  await it.send();
  const [socket] = it.sockets();
  assert.ok(socket !== undefined);
  const closed = once(socket, "close");
  socket.write("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n");
  await closed;
  const reply = await it.send();
  assert.ok(reply.kind === "response");
  assert.equal(reply.status, 202);
  assert.equal(it.connections(), 2);
});

test("after three failures in a row, of whatever kind, the next request has a new connection", async (context) => {
  const it = await rawServer(context);
  const failing = wholly("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n");
  const refusing = wholly("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n");
  it.answers = [failing, failing, plain, failing, refusing, failing, failing, failing, failing, plain];
  const seen: number[] = [];
  for (let request = 0; request < 10; request++) {
    await it.send();
    seen.push(it.connections());
  }
  assert.deepEqual(seen, [1, 1, 1, 1, 1, 1, 2, 2, 2, 3]);
});

test("however an answer is cut into pieces, it is the same", async (context) => {
  const it = await rawServer(context);
  const names = Object.keys(cases).filter((name) => cases[name]?.wholeOnly !== true);
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...names),
      fc.array(fc.integer({ min: 1, max: 90 }), { maxLength: 4 }),
      async (name, cuts) => {
        const { bytes = "", status = 200, body = "" } = cases[name] ?? {};
        const all = Buffer.from(bytes, "latin1");
        const places = [0, ...cuts.filter((cut) => cut < all.length).toSorted((a, b) => a - b), all.length];
        it.answers = [places.slice(1).map((end, at) => all.subarray(places[at], end)), plain];
        const reply = await it.send();
        assert.ok(reply.kind === "response", `${name}: ${JSON.stringify(reply)}`);
        assert.deepEqual([reply.status, reply.body.toString()], [status, body], name);
        const next = await it.send();
        assert.ok(next.kind === "response" && next.status === 202, `${name}: ${JSON.stringify(next)}`);
      },
    ),
    { numRuns: 60, seed: 1 },
  );
});
