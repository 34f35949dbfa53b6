import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent } from "node:http";
import test from "node:test";
import { gunzipSync } from "node:zlib";
import { healthyRoute, reloadRoute, type Readiness } from "../../src/endpoint/health.ts";
import { replyText, type Route } from "../../src/endpoint/route.ts";
import type { Snapshot } from "../../src/meter/snapshot.ts";
import { ask, exchange, openEndpoint, send, snapshotOf } from "./endpoint.ts";
import { readOpenMetrics, readPrometheus } from "./exposition-reader.ts";

const openMetrics = { accept: "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;q=0.3,*/*;q=0.2" };

test("GET /metrics answers text 0.0.4 with its length", async (t) => {
  const { port } = await openEndpoint(t);
  const { status, headers, body, text } = await ask(port, "/metrics");
  assert.equal(status, 200);
  assert.equal(headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
  assert.equal(headers["content-length"], String(body.length));
  assert.equal(headers["content-encoding"], undefined);
  assert.equal(readPrometheus(text)[0]?.samples.get('test_value{core="cpu2"}'), 2);
});

test("GET /metrics answers OpenMetrics to who prefers it", async (t) => {
  const { port } = await openEndpoint(t);
  const { headers, text } = await ask(port, "/metrics", { headers: openMetrics });
  assert.equal(headers["content-type"], "application/openmetrics-text; version=1.0.0; charset=utf-8");
  assert.equal(readOpenMetrics(text)[0]?.samples.size, 3);
});

test("a query after /metrics changes nothing", async (t) => {
  const { port } = await openEndpoint(t);
  assert.equal((await ask(port, "/metrics?name[]=x&collect[]=y")).status, 200);
});

test("HEAD /metrics answers the same headers without a body", async (t) => {
  const { port } = await openEndpoint(t);
  const { headers } = await ask(port, "/metrics");
  const raw = await exchange(port, "HEAD /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  assert.match(raw, /^HTTP\/1\.1 200 OK\r\n/);
  assert.match(raw, new RegExp(`content-length: ${headers["content-length"] ?? ""}\r\n`));
  assert.ok(raw.endsWith("\r\n\r\n"));
});

test("gzip is used for a body that is worth it, and gives the same text", async (t) => {
  const { port } = await openEndpoint(t, { deps: { latest: () => [snapshotOf(200)] } });
  const plain = await ask(port, "/metrics");
  const zipped = await ask(port, "/metrics", { headers: { "accept-encoding": "gzip" } });
  assert.equal(zipped.headers["content-encoding"], "gzip");
  assert.equal(zipped.headers["content-length"], String(zipped.body.length));
  assert.equal(zipped.headers.vary, "Accept, Accept-Encoding");
  assert.ok(zipped.body.length < plain.body.length / 2);
  assert.deepEqual(gunzipSync(zipped.body), plain.body);
});

test("a body of one packet is not compressed", async (t) => {
  const { port } = await openEndpoint(t);
  const { headers } = await ask(port, "/metrics", { headers: { "accept-encoding": "gzip" } });
  assert.equal(headers["content-encoding"], undefined);
});

test("a scrape shows the newest snapshots, in every format and encoding", async (t) => {
  const latest: Snapshot[] = [snapshotOf(100)];
  const { port } = await openEndpoint(t, { deps: { latest: () => latest } });
  const value = async (): Promise<(number | undefined)[]> => {
    const zipped = await ask(port, "/metrics", { headers: { "accept-encoding": "gzip" } });
    const texts = [
      (await ask(port, "/metrics")).text,
      gunzipSync(zipped.body).toString(),
      (await ask(port, "/metrics", { headers: openMetrics })).text.replace("# EOF\n", ""),
    ];
    return texts.map((text) => Number(/test_value\{core="cpu1"\} (.*)/.exec(text)?.[1]));
  };
  assert.deepEqual(await value(), [1, 1, 1]);
  assert.deepEqual(await value(), [1, 1, 1]);
  latest[0] = snapshotOf(100, 7);
  assert.deepEqual(await value(), [8, 8, 8]);
});

test("when all sources have gone stale a scrape is empty and still good", async (t) => {
  const latest: Snapshot[] = [snapshotOf(3)];
  const { port } = await openEndpoint(t, { deps: { latest: () => latest } });
  assert.notEqual((await ask(port, "/metrics")).text, "");
  latest.pop();
  const { status, text } = await ask(port, "/metrics");
  assert.deepEqual([status, text], [200, ""]);
});

for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"]) {
  test(`${method} /metrics is answered 405 with the methods allowed`, async (t) => {
    const { port } = await openEndpoint(t);
    const { status, headers, text } = await ask(port, "/metrics", { method });
    assert.deepEqual([status, headers.allow, text], [405, "GET, HEAD", "method must be GET or HEAD\n"]);
  });
}

for (const path of [
  "/",
  "/metrics/",
  "//metrics",
  "/Metrics",
  "/-/reload",
  "/x",
  "/%6detrics",
  "/../../etc/passwd",
  "/..%2f..%2fetc%2fpasswd",
]) {
  test(`${path} is no page`, async (t) => {
    const { port } = await openEndpoint(t);
    const { status, text } = await ask(port, path);
    assert.deepEqual([status, text], [404, "page not found\n"]);
  });
}

test("/-/healthy is always 200; /-/ready says why it is not, on one line", async (t) => {
  let now: Readiness = { ready: false, reason: "no sample of\npowermetrics yet" };
  const { port } = await openEndpoint(t, { deps: { ready: () => now } });
  assert.equal((await ask(port, "/-/healthy")).status, 200);
  const { status, text } = await ask(port, "/-/ready");
  assert.deepEqual([status, text], [503, "not ready: no sample of powermetrics yet\n"]);
  now = { ready: true };
  assert.equal((await ask(port, "/-/ready")).status, 200);
});

test("no answer names the software, and each forbids sniffing, framing and other sites", async (t) => {
  const { port } = await openEndpoint(t);
  for (const path of ["/metrics", "/-/ready", "/nothing"]) {
    const { headers } = await ask(port, path);
    assert.equal(headers["server"], undefined);
    assert.equal(headers["x-powered-by"], undefined);
    assert.equal(headers["x-content-type-options"], "nosniff");
    assert.equal(headers["x-frame-options"], "DENY");
    assert.equal(headers["cross-origin-resource-policy"], "same-origin");
    assert.equal(headers["access-control-allow-origin"], undefined);
    assert.match(String(headers["content-security-policy"]), /default-src 'none'/);
  }
});

test("a request for another name is refused with a word about allowed_hosts", async (t) => {
  const { port } = await openEndpoint(t);
  const { status, text } = await ask(port, "/metrics", { headers: { host: "evil.example" } });
  assert.equal(status, 421);
  assert.match(text, /^host must be .*, got "evil\.example": add it to web\.allowed_hosts\n$/);
});

test("a request for a name that was allowed is answered", async (t) => {
  const { port } = await openEndpoint(t, { settings: { allowed_hosts: ["mac.example"] } });
  assert.equal((await ask(port, "/metrics", { headers: { host: "mac.example:9127" } })).status, 200);
});

test("the name in an absolute target counts, not the Host beside it", async (t) => {
  const { port } = await openEndpoint(t);
  const raw = (target: string) =>
    exchange(port, `GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  assert.match(await raw("http://evil.example/metrics"), /^HTTP\/1\.1 421 /);
  assert.match(await raw("http://localhost/metrics"), /^HTTP\/1\.1 200 /);
});

const stream: Route = {
  path: "/stream",
  methods: ["GET"],
  handle({ response, query, signal }) {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(`data: ${query}\n\n`);
    signal.addEventListener("abort", () => response.end("data: bye\n\n"));
  },
};

test("another route joins the table and may stream until the endpoint stops", async (t) => {
  const { port, endpoint } = await openEndpoint(t, { deps: { routes: [stream] } });
  const { socket, received } = await send(port, "GET /stream?a=1?2 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await once(socket, "data");
  await endpoint[Symbol.asyncDispose]();
  assert.match(await received, /data: a=1\?2\n\n[^]*data: bye\n\n/);
});

test("a route that throws, at once or later, is a 500 and a line in the log", async (t) => {
  const bug = (path: string, handle: Route["handle"]): Route => ({ path, methods: ["GET"], handle });
  const routes = [
    bug("/now", () => {
      throw new Error("secret detail");
    }),
    bug("/later", () => Promise.reject(new Error("secret detail"))),
    bug("/half", ({ response }) => {
      response.writeHead(200);
      response.write("half");
      throw new Error("secret detail");
    }),
  ];
  const { port, logged } = await openEndpoint(t, { deps: { routes } });
  for (const path of ["/now", "/later"]) {
    const { status, text } = await ask(port, path);
    assert.deepEqual([status, text], [500, "internal error\n"]);
  }
  await assert.rejects(ask(port, "/half"));
  assert.equal(logged().filter((line) => line === "error cannot answer request").length, 3);
  assert.equal((await ask(port, "/-/healthy")).status, 200);
});

test("reload answers what became of it, to POST alone", async (t) => {
  const outcomes = [undefined, "agent.yaml:3:5: log.level: must be info"];
  const routes = [reloadRoute(() => Promise.resolve(outcomes.shift()))];
  const { port } = await openEndpoint(t, { deps: { routes } });
  assert.equal((await ask(port, "/-/reload")).status, 405);
  assert.equal((await ask(port, "/-/reload", { method: "POST" })).status, 200);
  const { status, text } = await ask(port, "/-/reload", { method: "POST" });
  assert.deepEqual([status, text], [500, "agent.yaml:3:5: log.level: must be info\n"]);
});

test("a page of another site can't make us reload", async (t) => {
  let reloads = 0;
  const routes = [
    reloadRoute(() => {
      reloads++;
      return Promise.resolve(undefined);
    }),
  ];
  const { port } = await openEndpoint(t, { deps: { routes } });
  const post = async (headers: Record<string, string>): Promise<number> =>
    (await ask(port, "/-/reload", { method: "POST", headers })).status;
  assert.equal(await post({ origin: "https://evil.example" }), 403);
  assert.equal(await post({ origin: "null" }), 403);
  assert.equal(await post({ "sec-fetch-site": "cross-site" }), 403);
  assert.equal(await post({ "sec-fetch-site": "same-site" }), 403);
  assert.equal(reloads, 0);
  assert.equal(await post({ origin: `http://127.0.0.1:${port}`, "sec-fetch-site": "same-origin" }), 200);
  assert.equal(reloads, 1);
});

test("a kept connection answers many scrapes", async (t) => {
  const { port } = await openEndpoint(t);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  for (let scrape = 0; scrape < 20; scrape++)
    assert.equal((await ask(port, "/metrics", { agent })).status, 200);
  assert.equal(Object.values(agent.freeSockets).flat().length, 1);
});

test("a text answer counts bytes, not characters", async (t) => {
  const routes: Route[] = [
    { ...healthyRoute, path: "/text", handle: ({ response }) => replyText(response, 200, "Küche ☕") },
  ];
  const { port } = await openEndpoint(t, { deps: { routes } });
  assert.equal((await ask(port, "/text")).text, "Küche ☕\n");
});
