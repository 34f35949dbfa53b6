/** Whatever a receiver answers, each protocol's verdict is one of those that delivery knows, and no sample is delivered twice or made up. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import type { TestContext } from "node:test";
import fc from "../support/property.ts";
import { createHttpClient, type HttpResponse } from "../../src/runtime/http/client.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { receiversOf } from "../../src/sink/index.ts";
import { classify as classifyOtlp } from "../../src/sink/otlp/classify.ts";
import { otlpSchema } from "../../src/sink/otlp/schema.ts";
import { classify as classifyPushgateway } from "../../src/sink/pushgateway/sink.ts";
import { pushgatewaySchema } from "../../src/sink/pushgateway/schema.ts";
import { classify as classifyRemoteWrite } from "../../src/sink/remote-write/classify.ts";
import { remoteWriteSchema } from "../../src/sink/remote-write/schema.ts";
import type { Outcome, Sink } from "../../src/sink/sink.ts";
import { noon, power, series, snapshot } from "../sink/remote-write/batches.ts";
import { encodeAlone } from "../support/encoded.ts";
import {
  otlpVerdict,
  pushgatewayVerdict,
  remoteWriteVerdict,
  version1,
  version2,
  writtenHeaders,
  type Verdict,
} from "./answers-model.ts";
import { fuzz } from "./fuzzing.ts";

const page = fc.constantFrom("text/html", "text/html; charset=utf-8", " Text/HTML;charset=x");
const contentType = fc.oneof(
  fc.constantFrom("text/plain; charset=utf-8", "application/json", "application/x-protobuf", ""),
  page,
);
const count = fc.oneof(fc.nat(2500).map(String), fc.constantFrom("0", "1", "99999999999999999999"));
const noCount = fc.oneof(
  fc.stringMatching(/^[ -~]{0,10}$/).filter((text) => !/^[0-9]+$/.test(text)),
  fc.constantFrom("-1", "1e3", "7, 7", "0x10", "1.5", ""),
);
const retryAfter = fc.oneof(
  fc.nat(10_000).map(String),
  fc.constantFrom("0", "-1", "1e3", "soon", "99999999999999999999", "2026-01-01", "2026"),
  fc.constantFrom(
    "Thu, 01 Jan 2026 12:00:30 GMT",
    "Thu, 01 Jan 1970 00:00:00 GMT",
    "Fri, 02 Jan 2026 12:00:00 GMT",
  ),
);
/** All three headers of remote write 2, as a receiver sends them, or with one that is no count, or not all. */
const written = fc.oneof(
  fc.tuple(count, count, count),
  fc.tuple(count, count, noCount),
  fc.tuple(noCount, count, count),
  fc.array(count, { maxLength: 2 }),
);
const headers = fc
  .record(
    {
      "retry-after": retryAfter,
      "content-type": contentType,
      date: retryAfter,
      location: fc.stringMatching(/^[ -~]{0,30}$/),
      written,
    },
    { requiredKeys: [] },
  )
  .map(({ written: counts = [], ...others }): Readonly<Record<string, string>> => {
    const told = writtenHeaders.slice(0, counts.length).map((name, at) => [name, counts[at] ?? ""] as const);
    return { ...others, ...Object.fromEntries(told) };
  });
const status = fc.oneof(
  fc.integer({ min: 200, max: 999 }),
  fc.constantFrom(200, 202, 204, 400),
  fc.constantFrom(200, 302, 401, 404, 413, 415, 422, 429, 500, 502, 503),
);

interface Answered {
  readonly body: Buffer;
  /** What an OTLP receiver says that it refused, where the body is such an answer; else nobody knows. */
  readonly partial?: number;
  readonly contentType?: string;
}

const rejectedPoints = fc.oneof(fc.integer({ min: -5, max: 3000 }), fc.constantFrom(0, 2 ** 40));

/** `ExportMetricsServiceResponse{1 partial_success{1 rejected_data_points, 2 error_message}}`, in JSON as text or number. */
const partialSuccess = fc
  .tuple(rejectedPoints, fc.constantFrom("", "out of space"), fc.constantFrom("json", "text", "protobuf"))
  .map(([partial, errorMessage, form]): Answered => {
    const contentType = form === "protobuf" ? "application/x-protobuf" : "application/json";
    const rejectedDataPoints = form === "text" ? String(partial) : partial;
    const inner = Buffer.concat([
      Buffer.from([0x08]),
      varint(BigInt.asUintN(64, BigInt(partial))),
      Buffer.from([0x12, errorMessage.length]),
      Buffer.from(errorMessage),
    ]);
    const body =
      form === "protobuf"
        ? Buffer.concat([Buffer.from([0x0a, inner.length]), inner])
        : Buffer.from(JSON.stringify({ partialSuccess: { rejectedDataPoints, errorMessage } }));
    return { body, partial, contentType };
  });

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  for (; value >= 0x80n; value >>= 7n) bytes.push(Number(value & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(value)]);
}

const anything = fc
  .oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.constantFrom(
      "<!DOCTYPE html><title>Wi-Fi",
      '{"partialSuccess":5}',
      '{"partialSuccess":{"rejectedDataPoints":"1e3"}}',
      "\u001b[31m\u202e\n",
    ),
    fc.double().map((some) => `{"partialSuccess":{"rejectedDataPoints":${some}}}`),
    fc.json(),
  )
  .map((content): Answered => ({ body: Buffer.from(content) }));

interface Case {
  readonly answer: HttpResponse;
  readonly partial: number | undefined;
}

const answers: fc.Arbitrary<Case> = fc
  .tuple(status, headers, fc.oneof(anything, partialSuccess), fc.boolean())
  .map(([code, given, { body, partial, contentType: type }, truncated]) => ({
    answer: {
      kind: "response",
      status: code,
      headers: type === undefined ? given : { ...given, "content-type": type },
      body,
      truncated,
      durationMs: 1,
      receivedAt: noon,
    },
    partial,
  }));

function assertOutcome(outcome: Outcome, sent: number): void {
  if (outcome.reason !== undefined) assert.match(outcome.reason, /^[^\p{Cc}\p{Zl}\p{Zp}\u202e]+$/u);
  if (outcome.status !== "delivered") return;
  const { rejected } = outcome;
  assert.ok(
    Number.isSafeInteger(rejected) && rejected >= 0 && rejected <= sent,
    `${rejected} of ${sent} rejected`,
  );
}

function verdictOf(outcome: Outcome): Verdict {
  const { code: _code, reason: _reason, ...verdict } = outcome;
  return verdict;
}

fuzz(
  "any status, headers and body are the verdict that the specifications want, and account for what was sent",
  {
    inputs: fc.record({
      one: answers,
      asked: fc.record({
        sent: fc.integer({ min: 0, max: 2000 }),
        protocol: fc.constantFrom(version1, version2),
        negotiable: fc.boolean(),
        retryOn429: fc.boolean(),
      }),
    }),
    costs: 0.1,
    prepare:
      () =>
      ({ one: { answer, partial }, asked }) => {
        const { sent } = asked;
        const remoteWrite = classifyRemoteWrite(answer, asked);
        const otlp = classifyOtlp(answer, sent);
        const pushgateway = classifyPushgateway(answer);
        for (const outcome of [remoteWrite, otlp, pushgateway]) assertOutcome(outcome, sent);
        assert.deepEqual(verdictOf(remoteWrite), remoteWriteVerdict(answer, asked));
        assert.deepEqual(verdictOf(pushgateway), pushgatewayVerdict(answer));
        const said = partial ?? (otlp.status === "delivered" ? otlp.rejected : 0);
        assert.deepEqual(verdictOf(otlp), otlpVerdict(answer, sent, said));
      },
  },
);

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
      startedAt: 0,
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
      writtenHeaders.map((name) => `${name}: 1\r\n`).join(""),
      "Content-Type: text/html\r\n",
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
        if (outcome.status === "delivered") assertTold(answer.toString("latin1"), sink);
      }
    };
  },
});

/** Nothing is delivered that the receiver has not said so of. */
function assertTold(answer: string, { type }: Sink): void {
  assert.match(answer, /HTTP\/1\.[01] (?:2|400)/);
  if (type === "remote_write") for (const name of writtenHeaders) assert.ok(answer.includes(name), name);
}
