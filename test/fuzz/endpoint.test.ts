/** Whatever bytes come in, the endpoint answers with HTTP or hangs up, keeps its secrets, and the next scrape works. */
import assert from "node:assert/strict";
import { connect } from "node:net";
import fc from "fast-check";
import { ask, openEndpoint, type Running } from "../endpoint/endpoint.ts";
import { fuzz } from "./fuzzing.ts";
import { mutated } from "./mutation.ts";

const request = Buffer.from(
  "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/plain;version=0.0.4;q=0.5\r\nAccept-Encoding: gzip\r\n\r\n",
);
const post = Buffer.from(
  "POST /-/healthy HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
);
const words = [
  ...[
    "\r\n",
    "\r\n\r\n",
    "\n",
    "\0",
    " ",
    ":",
    "Host: x\r\n",
    "Content-Length: -1\r\n",
    "Connection: keep-alive\r\n",
  ],
  ...[
    "HTTP/2.0",
    "HTTP/0.9",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "Expect: 100-continue\r\n",
    "Upgrade: h2c\r\n",
  ],
  ...[
    "/../../etc/passwd",
    "%00",
    "%",
    "http://evil.test/",
    "*",
    "OPTIONS",
    "CONNECT a:1",
    "\x16\x03\x01\x02\0\x01",
  ],
  ...["Range: bytes=0-\r\n", "Authorization: Basic =\r\n", "a".repeat(20_000)],
];

/** What came back until either side hung up; the client says that it is done. */
function exchange(port: number, bytes: Buffer): Promise<string> {
  return new Promise((resolve) => {
    let received = "";
    const socket = connect({ port, host: "127.0.0.1" }, () => socket.end(bytes));
    socket.setEncoding("latin1").on("data", (text: string) => (received += text));
    socket.on("error", () => undefined).on("close", () => resolve(received));
  });
}

async function assertServes({ port }: Running): Promise<void> {
  const { status, text } = await ask(port, "/metrics");
  assert.equal(status, 200);
  assert.match(text, /^test_value\{core="cpu0"\} 0$/m);
}

fuzz("raw bytes get an HTTP answer or none, and the next scrape works", {
  inputs: fc.oneof(
    { weight: 4, arbitrary: mutated([request, post, Buffer.concat([request, request])], words) },
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  ),
  costs: 2,
  async prepare(context) {
    const running = await openEndpoint(context);
    return async (bytes) => {
      const answer = await exchange(running.port, bytes);
      if (answer !== "") assert.match(answer, /^HTTP\/1\.1 \d{3} /);
      assert.doesNotMatch(answer, /node_modules|at .*\.ts:\d+|HTTP\/1\.1 5(?!0[35])/);
      await assertServes(running);
      assert.deepEqual(
        running.logged.filter((line) => line.startsWith("error")),
        [],
      );
    };
  },
});

const token = fc.stringMatching(/^[A-Za-z0-9*+.,;=/ -]{0,30}$/);
const path = fc.oneof(
  fc.webPath(),
  fc.constantFrom(
    "/",
    "/metrics",
    "/-/healthy",
    "/-/ready",
    "/api/v1/status",
    "/metrics?x=%",
    "//",
    "/metrics/../metrics",
  ),
);

fuzz("well-formed requests of any kind get a whole answer of the client's class", {
  inputs: fc.record({
    method: fc.constantFrom("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "PROPFIND"),
    path,
    headers: fc.record(
      {
        host: fc.oneof(
          token,
          fc.constantFrom("127.0.0.1", "localhost", "[::1]", "evil.test", "studio.lan:1"),
        ),
        accept: fc.oneof(
          token,
          fc.constantFrom("application/openmetrics-text;version=1.0.0", "text/html", "*/*;q=0"),
        ),
        "accept-encoding": fc.oneof(
          token,
          fc.constantFrom("gzip", "gzip;q=0", "br, gzip", "identity;q=0, *;q=0"),
        ),
        authorization: token,
        origin: fc.oneof(token, fc.webUrl()),
      },
      { requiredKeys: [] },
    ),
  }),
  costs: 2,
  async prepare(context) {
    const { port } = await openEndpoint(context);
    return async ({ method, path: wanted, headers }) => {
      const { status, body } = await ask(port, wanted, { method, headers });
      assert.ok((status >= 200 && status < 500) || status === 503, `${method} ${wanted}: ${status}`);
      if (method === "HEAD") assert.equal(body.length, 0);
      if (method !== "GET" && method !== "HEAD") assert.ok(status >= 400, `${method} ${wanted}: ${status}`);
    };
  },
});
