/** Whatever a receiver answers, each protocol's verdict is one of those that delivery knows, and no sample is delivered twice or made up. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import type { TestContext } from "node:test";
import fc from "fast-check";
import { createHttpClient } from "../../src/runtime/http/client.ts";
import type { HttpReply } from "../../src/runtime/http/http.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { receiversOf } from "../../src/sink/index.ts";
import { classify as classifyOtlp } from "../../src/sink/otlp/classify.ts";
import { otlpSchema } from "../../src/sink/otlp/schema.ts";
import { classify as classifyPushgateway } from "../../src/sink/pushgateway/classify.ts";
import { pushgatewaySchema } from "../../src/sink/pushgateway/schema.ts";
import { classify as classifyRemoteWrite } from "../../src/sink/remote-write/classify.ts";
import { version1, version2 } from "../../src/sink/remote-write/protocol.ts";
import { remoteWriteSchema } from "../../src/sink/remote-write/schema.ts";
import type { Outcome, Sink } from "../../src/sink/sink.ts";
import { noon, power, series, snapshot } from "../sink/remote-write/batches.ts";
import { fuzz } from "./fuzzing.ts";
import { encodeAlone } from "../support/encoded.ts";

const headerValue = fc.oneof(
  fc.stringMatching(/^[ -~]{0,30}$/),
  fc.constantFrom(
    "0",
    "1",
    "7",
    "-1",
    "1e3",
    "99999999999999999999",
    "7, 7",
    "text/html",
    "application/json",
  ),
  fc.constantFrom(
    "Thu, 01 Jan 2026 12:00:30 GMT",
    "Thu, 01 Jan 1970 00:00:00 GMT",
    "application/x-protobuf",
    "chunked",
  ),
);
const written = (kind: string): string => `x-prometheus-remote-write-${kind}-written`;
const headers = fc.dictionary(
  fc.constantFrom(
    ...["samples", "histograms", "exemplars"].map(written),
    ...["retry-after", "content-type", "date", "location"],
  ),
  headerValue,
);
const body = fc
  .oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.constantFrom(
      "<!DOCTYPE html><title>Wi-Fi",
      '{"partialSuccess":{"rejectedDataPoints":"9"}}',
      '{"partialSuccess":5}',
      "\u001b[31m\u202e\n",
    ),
    fc.json(),
  )
  .map((content) => Buffer.from(content));
const reply: fc.Arbitrary<HttpReply> = fc.record({
  kind: fc.constant("response" as const),
  status: fc.oneof(
    fc.integer({ min: 200, max: 999 }),
    fc.constantFrom(200, 202, 204, 400, 401, 404, 413, 415, 429, 500, 503),
  ),
  headers,
  body,
  truncated: fc.boolean(),
  durationMs: fc.nat(),
  receivedAt: fc.constant(noon),
});

function assertOutcome(outcome: Outcome, sent: number): void {
  assert.ok(["delivered", "retry", "rejected", "refused", "too_large", "switch"].includes(outcome.status));
  if (outcome.reason !== undefined) assert.match(outcome.reason, /^[^\p{Cc}\p{Zl}\p{Zp}\u202e]+$/u);
  if (outcome.status === "delivered")
    assert.ok(outcome.rejected >= 0 && outcome.rejected <= sent, `${outcome.rejected} of ${sent} rejected`);
  if (outcome.status === "retry" && outcome.afterMs !== undefined)
    assert.ok(outcome.afterMs > 0 && outcome.afterMs <= 3_600_000, `after ${outcome.afterMs} ms`);
}

fuzz("any status, headers and body are a verdict that accounts for what was sent", {
  inputs: fc.tuple(
    reply,
    fc.integer({ min: 0, max: 2000 }),
    fc.constantFrom(version1, version2),
    fc.boolean(),
    fc.boolean(),
  ),
  prepare:
    () =>
    ([answer, sent, protocol, negotiable, retryOn429]) => {
      const status = answer.kind === "response" ? answer.status : 0;
      const outcomes = [
        classifyRemoteWrite(answer, { protocol, negotiable, retryOn429, sent }),
        classifyOtlp(answer, sent),
        classifyPushgateway(answer),
      ];
      for (const outcome of outcomes) {
        assertOutcome(outcome, sent);
        if (status >= 300 && outcome.status === "delivered")
          assert.ok(status === 400, `delivered by a ${status}`);
      }
    },
});

interface Raw {
  readonly url: string;
  /** What is sent back to each request, and whether the connection is then torn down. */
  answer: { readonly bytes: Buffer; readonly reset: boolean };
}

async function rawReceiver(context: TestContext): Promise<Raw> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
    socket.once("data", () => {
      const { bytes, reset } = raw.answer;
      socket.write(bytes, () => (reset ? socket.resetAndDestroy() : socket.end()));
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  context.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const raw: Raw = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answer: { bytes: Buffer.alloc(0), reset: false },
  };
  return raw;
}

async function sinksFor(url: string, context: TestContext): Promise<readonly Sink[]> {
  const blocks = {
    remote_write: [remoteWriteSchema.parse({ url: `${url}/api/v1/write` })],
    otlp: [otlpSchema.parse({ endpoint: url })],
    pushgateway: [pushgatewaySchema.parse({ url })],
  };
  const opening = receiversOf(blocks).map((receiver) =>
    receiver.open({
      identity: { job: "test", instance: "mac", externalLabels: {} },
      host: () => Promise.resolve({}),
      version: "0.0.0",
      createClient: (settings) => createHttpClient(settings, { clock: systemClock, env: {} }),
    }),
  );
  const sinks = await Promise.all(opening);
  context.after(() => Promise.all(sinks.map((sink) => sink[Symbol.asyncDispose]())));
  return sinks;
}

const piece = fc.oneof(
  fc.constantFrom(
    ...[
      "HTTP/1.1 200 OK\r\n",
      "HTTP/1.1 204 No Content\r\n\r\n",
      "HTTP/1.1 100 Continue\r\n\r\n",
      "HTTP/1.0 503 No\r\n",
    ],
    ...[
      "Content-Length: 5\r\n",
      "Content-Length: 99999999999\r\n",
      "Transfer-Encoding: chunked\r\n",
      "Content-Encoding: gzip\r\n",
    ],
    ...[
      "Connection: close\r\n",
      `${written("samples")}: 1\r\n`,
      "Retry-After: 1\r\n",
      "\r\n",
      "5\r\nhello\r\n",
      "0\r\n\r\n",
      "hello",
    ],
  ),
  fc.string({ unit: "binary", maxLength: 20 }),
);
const bytes = fc.array(piece, { maxLength: 8 }).map((pieces) => Buffer.from(pieces.join(""), "utf8"));

fuzz("whatever bytes a receiver sends back, and however it hangs up, send and probe give a verdict", {
  inputs: fc.tuple(bytes, fc.boolean(), fc.nat(2)),
  costs: 2,
  async prepare(context) {
    const receiver = await rawReceiver(context);
    const sinks = await sinksFor(receiver.url, context);
    const batch = { snapshots: [snapshot(1, [[series(power), 5]])] };
    const { signal } = new AbortController();
    return async ([answer, reset, which]) => {
      const sink = sinks[which];
      assert.ok(sink !== undefined);
      const encoded = encodeAlone(sink, batch, sink.protocols[0]);
      assert.ok(encoded !== undefined);
      receiver.answer = { bytes: answer, reset };
      const results = [
        await sink.send(encoded, sink.protocols[0], signal),
        await sink.probe(sink.protocols[0], signal),
      ];
      for (const { outcome, durationMs } of results) {
        assertOutcome(outcome, 1);
        assert.ok(Number.isFinite(durationMs));
      }
    };
  },
});
