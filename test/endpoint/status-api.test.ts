/** The status API over a real connection. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import test, { type TestContext } from "node:test";
import { createFeed } from "../../src/status/feed.ts";
import { apiRoutes } from "../../src/endpoint/status-api.ts";
import type { History } from "../../src/status/history.ts";
import type { StatusBoard } from "../../src/status/board.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { statusOf, statusTime } from "../support/status.ts";
import { boundsOf } from "../../src/status/time-range.ts";
import { ask, openEndpoint } from "./endpoint.ts";

const configuration = "log:\n  level: info\n".repeat(50);

async function openApi(t: TestContext) {
  const clock = fakeClock();
  const feed = createFeed(clock, () => JSON.stringify(statusOf()));
  const board: StatusBoard = {
    feed,
    status: () => statusOf({ configuration }),
    history: (range) => ({
      version: 1,
      ...(typeof range === "string" && { range }),
      ...boundsOf(range, statusTime, 0),
      origin: "memory",
      groups: [],
    }),
  };
  return { ...(await openEndpoint(t, { deps: { routes: apiRoutes(board) } })), feed, feedClock: clock };
}

test("the status is JSON, uncached, compressed for who takes it", async (t) => {
  const { port } = await openApi(t);
  const plain = await ask(port, "/api/v1/status");
  assert.equal(plain.headers["content-type"], "application/json; charset=utf-8");
  assert.equal(plain.headers["cache-control"], "no-store");
  assert.deepEqual(JSON.parse(plain.text), statusOf({ configuration }));
  const small = await ask(port, "/api/v1/status", { headers: { "accept-encoding": "gzip" } });
  assert.equal(small.headers["content-encoding"], "gzip");
  assert.ok(small.body.length < plain.body.length);
});

test("history takes times of one's own, and says what is wrong with them", async (t) => {
  const { port } = await openApi(t);
  const asked = async (query: string) => ask(port, `/api/v1/history?${query}`);
  const { text } = await asked("from=2026-01-01T08:00:00Z&to=2026-01-01T09:00:00Z");
  const { range, fromMs, toMs } = JSON.parse(text) as History;
  assert.deepEqual([range, fromMs, toMs], [undefined, Date.UTC(2026, 0, 1, 8), Date.UTC(2026, 0, 1, 9)]);
  const wrong = await asked("from=2026-01-01T08:00:00Z");
  assert.equal(wrong.status, 400);
  assert.match(wrong.text, /^from and to must be times such as/);
});

test("history takes three ranges, ten minutes by default, and says so for any other", async (t) => {
  const { port } = await openApi(t);
  for (const [query, range] of [
    ["", "10m"],
    ["?range=1h", "1h"],
    ["?range=1d", "1d"],
  ] as const) {
    const { text } = await ask(port, `/api/v1/history${query}`);
    assert.equal((JSON.parse(text) as { range: string }).range, range);
  }
  const wrong = await ask(port, "/api/v1/history?range=toString");
  assert.equal(wrong.status, 400);
  assert.equal(wrong.text, "range must be one of 10m, 1h, 1d\n");
});

/** Resolves with the headers of an answer that goes on. */
async function open(port: number): Promise<IncomingMessage> {
  const request = get({ host: "127.0.0.1", port, path: "/api/v1/events", agent: false });
  const [response] = (await once(request, "response")) as [IncomingMessage];
  return response.setEncoding("utf8");
}

async function until(response: IncomingMessage, text: string): Promise<string> {
  let got = "";
  while (!got.includes(text)) {
    const [chunk] = (await once(response, "data")) as [string];
    got += chunk;
  }
  return got;
}

test("events come as they happen, and stop costing anything when the client goes", async (t) => {
  const { port, feed, feedClock } = await openApi(t);
  const response = await open(port);
  assert.equal(response.headers["content-type"], "text/event-stream; charset=utf-8");
  const first = await until(response, "\n\nevent: status\ndata: {");
  assert.match(first, /^retry: 2000\n\n/);
  feed.changed();
  const next = until(response, "event: status");
  await feedClock.advance(100);
  await next;
  response.destroy();
  while (feed.watchers > 0) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(feedClock.pending, 0);
});

test("the stream ends with the endpoint", async (t) => {
  const { port, endpoint, clock } = await openApi(t);
  const response = await open(port);
  const ended = once(response, "end");
  response.resume();
  const disposed = endpoint[Symbol.asyncDispose]();
  await ended;
  await clock.advance(1000);
  await disposed;
});

test("too many watchers get 503 with a time to come back", async (t) => {
  const { port, feed } = await openApi(t);
  for (let watcher = 0; watcher < 16; watcher++) feed.watch(() => undefined);
  const refused = await ask(port, "/api/v1/events");
  assert.equal(refused.status, 503);
  assert.equal(refused.headers["retry-after"], "30");
});

test("a HEAD request for events is answered and watches nothing", async (t) => {
  const { port, feed } = await openApi(t);
  const { status, text } = await ask(port, "/api/v1/events", { method: "HEAD" });
  assert.deepEqual([status, text, feed.watchers], [200, "", 0]);
});
