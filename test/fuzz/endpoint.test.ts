/** Whatever bytes come in, the endpoint answers with HTTP or hangs up, keeps its secrets, and the next scrape works. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { hashSync } from "bcryptjs";
import fc from "../support/property.ts";
import { ask, basic, openEndpoint, type Running } from "../endpoint/endpoint.ts";
import { fuzz } from "./fuzzing.ts";
import { mutated } from "./mutation.ts";
import { temporaryFolder } from "../support/folder.ts";

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
        running.logged().filter((line) => line.startsWith("error")),
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

const method = fc.constantFrom(
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "DELETE",
  "OPTIONS",
  "PATCH",
  "TRACE",
  "PROPFIND",
);

/** The machine is `studio.lan`, and listens on 127.0.0.1; without a host, Node's client sends where it connects to. */
function isOurs(host: string | undefined): boolean {
  const name = host?.trim().toLowerCase().replace(/:\d*$/, "").replace(/\.$/, "");
  const names = ["localhost", "127.0.0.1", "[::1]", "studio", "studio.local", "studio.lan"];
  return name === undefined || host === "" || names.includes(name);
}

fuzz("well-formed requests of any kind get a whole answer of the client's class, under our names only", {
  inputs: fc.record({
    method,
    path,
    headers: fc.record(
      {
        host: fc.oneof(
          token,
          fc.constantFrom(
            "127.0.0.1",
            "localhost",
            "[::1]",
            "evil.test",
            "studio.lan:1",
            "evil.studio.lan",
            "127.0.0.1.evil.test",
          ),
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
      assert.equal(status === 421, !isOurs(headers.host), `${headers.host ?? "no host"}: ${status}`);
      if (method === "HEAD") assert.equal(body.length, 0);
      if (method !== "GET" && method !== "HEAD") assert.ok(status >= 400, `${method} ${wanted}: ${status}`);
    };
  },
});

const password = "hunter2-very-secret";
const hash = hashSync(password, 4);
const right = basic("ada", password);
/** What of it no reader of base64 can do without: not its padding, nor the bits before that. */
const encoded = right.authorization.slice("Basic ".length, -2);
const guarded = Buffer.from(
  `GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: ${right.authorization}\r\n\r\n`,
);

/** With a password for everything; its budget for guesses is soon used up, and the right one is remembered. */
async function openGuarded(context: TestContext): Promise<Running> {
  const file = join(temporaryFolder(context), "web.yaml");
  writeFileSync(file, `basic_auth_users:\n  ada: ${hash}\n`);
  const running = await openEndpoint(context, { settings: { config_file: file } });
  const { status } = await ask(running.port, "/metrics", { headers: right });
  assert.equal(status, 200);
  return running;
}

fuzz("whoever has not the password gets nothing but a refusal, and neither it nor its hash ever comes back", {
  inputs: fc.record({
    method,
    path: fc.oneof(path, fc.constantFrom(`/${password}`, `/?${hash}`)),
    authorization: fc.oneof(
      fc.constant(right.authorization),
      fc.constantFrom(password, hash, basic("ada", hash).authorization),
      fc.constant(basic("eve", password).authorization),
      token.map((text) => basic("ada", text).authorization),
      token,
    ),
    raw: mutated([guarded], words),
  }),
  costs: 2,
  async prepare(context) {
    const running = await openGuarded(context);
    return async ({ method: verb, path: wanted, authorization, raw }) => {
      // As long as it takes to be allowed another wrong guess.
      await running.clock.advance(10_000);
      const headers = { authorization };
      const { status, text, headers: told } = await ask(running.port, wanted, { method: verb, headers });
      if (authorization === right.authorization) assert.ok(status !== 401 && status !== 429, String(status));
      else assert.ok(status === 401 || status === 429, `${verb} ${wanted}: ${status}`);
      const answer = await exchange(running.port, raw);
      if (!raw.includes(encoded)) assert.doesNotMatch(answer, /test_value/);
      const said = [text, JSON.stringify(told), ...running.logged()].join("\n");
      // A host that is not ours is told back to who sent it, whatever damage made of it.
      for (const secret of [password, hash, right.authorization]) assert.ok(!said.includes(secret), said);
      assert.ok(!answer.includes(hash), answer);
    };
  },
});
