/** What a target may answer, over real HTTP on loopback: every hostile answer is a reason, and none costs memory. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import test, { type TestContext } from "node:test";
import { gzipSync } from "node:zlib";
import { createHttpClient } from "../../src/runtime/http/client.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { createFetch, type Fetched } from "../../src/scrape/fetch.ts";
import { configOf, targetOf } from "./scraping.ts";

type Answer = (response: ServerResponse, request: IncomingMessage) => void;

const megabyte = 2 ** 20;
const text = { "content-type": "text/plain; version=0.0.4" };

/** Asks a server that answers so. */
async function ask(context: TestContext, answer: Answer, settings: object = {}): Promise<Fetched> {
  const [fetched] = await askOften(context, answer, { settings });
  assert.ok(fetched);
  return fetched;
}

/** By one client. */
async function askOften(
  context: TestContext,
  answer: Answer,
  { settings = {}, times = 1 }: { readonly settings?: object; readonly times?: number },
): Promise<readonly Fetched[]> {
  const server = createServer((request, response) => {
    response.on("error", () => undefined);
    answer(response, request);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const config = configOf({ scrape_interval: "30s", ...settings });
  const { port } = server.address() as AddressInfo;
  const maxBytes = config.body_size_limit;
  const limits = { connectTimeoutMs: 5000, maxBodyBytes: maxBytes, maxReadBytes: maxBytes };
  await using client = createHttpClient(config, { clock: systemClock, env: {} }, limits);
  const target = targetOf(config, `127.0.0.1:${port}`);
  const fetch = createFetch(target, config, { clock: systemClock, client, version: "1.2.3" });
  const all: Fetched[] = [];
  while (all.length < times) all.push(await fetch(new AbortController().signal));
  return all;
}

function reasonOf(fetched: Fetched): string {
  return fetched.ok ? "none" : fetched.reason;
}

test("the request says what can be read, within which time, and by whom", async (context) => {
  let headers: IncomingMessage["headers"] = {};
  const fetched = await ask(context, (response, request) => {
    headers = request.headers;
    response.writeHead(200, text).end("a 1\n");
  });
  assert.deepEqual(fetched, { ok: true, body: Buffer.from("a 1\n"), format: "text" });
  assert.equal(
    headers.accept,
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4," +
      "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
  );
  assert.equal(headers["accept-encoding"], "gzip");
  assert.equal(headers["user-agent"], "mac-powermetrics-agent/1.2.3");
  assert.equal(headers["x-prometheus-scrape-timeout-seconds"], "10");
});

test("a gzip body is unpacked, and its format is that of its type", async (context) => {
  const openMetrics = {
    "content-type": "application/openmetrics-text; version=1.0.0; charset=utf-8",
    "content-encoding": "gzip",
  };
  const fetched = await ask(context, (response) =>
    response.writeHead(200, openMetrics).end(gzipSync("a 1\n# EOF\n")),
  );
  assert.deepEqual(fetched, { ok: true, body: Buffer.from("a 1\n# EOF\n"), format: "openmetrics" });
});

test("an endless body ends at its limit, packed or not", async (context) => {
  const settings = { body_size_limit: "1MB" };
  let sent = 0;
  const endless: Answer = (response) => {
    response.writeHead(200, text);
    const chunk = Buffer.alloc(65_536, "a");
    const write = (): void => {
      while (!response.destroyed && sent < 1024 * megabyte) {
        sent += chunk.length;
        if (!response.write(chunk)) return void response.once("drain", write);
      }
    };
    write();
  };
  assert.equal(reasonOf(await ask(context, endless, settings)), "body_size");
  assert.ok(sent < 64 * megabyte, String(sent));
  const bomb = gzipSync(Buffer.alloc(200 * megabyte));
  const packed = { ...text, "content-encoding": "gzip" };
  const unpacked = await ask(context, (response) => response.writeHead(200, packed).end(bomb), settings);
  assert.equal(reasonOf(unpacked), "body_size");
});

test("slow bytes end at the timeout, and half an answer is none, however often it is so", async (context) => {
  const slow: Answer = (response) => {
    response.writeHead(200, text);
    response.write("a 1\n");
  };
  const times = 5;
  const slowly = await askOften(context, slow, { settings: { scrape_timeout: "200ms" }, times });
  assert.deepEqual(new Set(slowly.map(reasonOf)), new Set(["timeout"]));
  const half: Answer = (response) => {
    response.writeHead(200, { ...text, "content-length": "100" });
    response.write("a 1\n", () => response.destroy());
  };
  const halves = await askOften(context, half, { times });
  assert.deepEqual(new Set(halves.map(reasonOf)), new Set(["protocol"]));
});

test("another type of content is a reason, unless the block has a fallback", async (context) => {
  const page: Answer = (response) => response.writeHead(200, { "content-type": "text/html" }).end("a 1\n");
  const fetched = await ask(context, page);
  assert.equal(reasonOf(fetched), "content_type");
  assert.match(fetched.ok ? "" : fetched.message, /got "text\/html", want text\/plain/);
  const fallen = await ask(context, page, { fallback_scrape_protocol: "PrometheusText0.0.4" });
  assert.equal(fallen.ok && fallen.format, "text");
  assert.equal(
    reasonOf(await ask(context, (response) => response.writeHead(200).end("a 1\n"))),
    "content_type",
  );
});

test("a status other than 200 is a reason, and so is another coding", async (context) => {
  for (const status of [204, 401, 404, 503])
    assert.equal(
      reasonOf(await ask(context, (response) => response.writeHead(status, text).end())),
      "status",
    );
  const brotli = { ...text, "content-encoding": "br" };
  assert.equal(
    reasonOf(await ask(context, (response) => response.writeHead(200, brotli).end("x"))),
    "encoding",
  );
  const broken = { ...text, "content-encoding": "gzip" };
  assert.equal(
    reasonOf(await ask(context, (response) => response.writeHead(200, broken).end("x"))),
    "encoding",
  );
});

test("redirects are followed as far as ten, and never with credentials to another origin", async (context) => {
  const moved: Answer = (response, request) => {
    const hops = Number(new URL(request.url ?? "", "http://a").searchParams.get("hops") ?? 0);
    if (hops < 3) response.writeHead(302, { location: `/metrics?hops=${hops + 1}` }).end();
    else response.writeHead(200, text).end("a 1\n");
  };
  assert.equal((await ask(context, moved)).ok, true);
  assert.equal(reasonOf(await ask(context, moved, { follow_redirects: false })), "status");
  const round: Answer = (response) => response.writeHead(302, { location: "/metrics" }).end();
  assert.equal(reasonOf(await ask(context, round)), "redirect");
  const away: Answer = (response) => response.writeHead(302, { location: "http://127.0.0.1:1/" }).end();
  assert.equal(reasonOf(await ask(context, away)), "connect");
  const secret = { authorization: { credentials: "hush-hush" } };
  assert.equal(reasonOf(await ask(context, away, secret)), "redirect");
  const certificate = { tls_config: { cert_file: "/none.pem", key_file: "/none.key" } };
  assert.equal(reasonOf(await ask(context, away, certificate)), "redirect");
  const file: Answer = (response) => response.writeHead(302, { location: "file:///etc/passwd" }).end();
  assert.equal(reasonOf(await ask(context, file)), "protocol");
});

test("all hops together have the time of one scrape", async (context) => {
  let hops = 0;
  const slowly: Answer = (response) => {
    hops++;
    setTimeout(() => response.writeHead(302, { location: "/metrics" }).end(), 100);
  };
  assert.equal(reasonOf(await ask(context, slowly, { scrape_timeout: "350ms" })), "timeout");
  assert.ok(hops <= 4, String(hops));
});
