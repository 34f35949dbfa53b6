/** What every kind of answer means for the samples, as the OTLP specification has it. */
import assert from "node:assert/strict";
import test from "node:test";
import fc from "../../support/property.ts";
import protobuf from "protobufjs/minimal.js";
import type { HttpReply } from "../../../src/runtime/http/client.ts";
import { classify } from "../../../src/sink/otlp/classify.ts";
import { receivedAt, response } from "../remote-write/clients.ts";

const html = { "content-type": "text/html" };
const json = { "content-type": "application/json; charset=utf-8" };
const binary = { "content-type": "application/x-protobuf" };

test("each answer has its outcome", () => {
  const cases: readonly (readonly [string, HttpReply, string])[] = [
    ["stored, nothing said", response(200), "delivered"],
    ["stored without a body", response(204, binary), "delivered"],
    ["stored, an empty object", response(200, json, "{}"), "delivered"],
    ["garbage under a good status", response(200, binary, "\u00ff\u00ff\u00ff"), "delivered"],
    ["garbage that should be JSON", response(200, json, "<"), "delivered"],
    ["a captive portal's page", response(200, html, "<html>"), "retry"],
    ["a redirect", response(302, { location: "http://portal/" }), "refused"],
    ["a page with a status of its own", response(400, html), "retry"],
    ["a portal that says so", response(511, html), "retry"],
    ["a bad request", response(400, json, '{"message":"x"}'), "rejected"],
    ["a media type it can't read", response(415), "refused"],
    ["not authenticated", response(401), "refused"],
    ["forbidden", response(403), "refused"],
    ["wrong path", response(404, html), "refused"],
    ["proxy wants credentials", response(407), "refused"],
    ["too large", response(413, html), "too_large"],
    ["slow down", response(429), "retry"],
    ["a failure of its own is final, unlike in remote write", response(500), "rejected"],
    ["a failure of something before it", response(500, html), "retry"],
    ["unprocessable", response(422), "rejected"],
    ["a refusal that nobody knows", response(418), "refused"],
    [
      "too large, as the Collector says it",
      response(400, json, '{"code":3,"message":"http: request body too large"}'),
      "too_large",
    ],
    [
      "a compression that is switched off",
      response(400, {}, 'unsupported "Content-Encoding": gzip'),
      "refused",
    ],
    ["plain HTTP to TLS", response(400, {}, "Client sent an HTTP request to an HTTPS server.\n"), "refused"],
    ["not implemented", response(501), "refused"],
    ["no room", response(507), "retry"],
    ["bad gateway", response(502, html), "retry"],
    ["unavailable", response(503), "retry"],
    ["gateway timeout", response(504), "retry"],
    ["no HTTP status at all", response(999), "retry"],
    ["an informational status as the end", response(101), "retry"],
    ["no connection", { kind: "failure", code: "connect", reason: "no", durationMs: 1 }, "retry"],
  ];
  for (const [name, reply, status] of cases) {
    const outcome = classify(reply, 10);
    assert.equal(outcome.status, status, name);
    assert.equal(outcome.code, reply.kind === "failure" ? reply.code : String(reply.status), name);
  }
});

function partial(rejected: number, message: string): Uint8Array {
  const inner = protobuf.Writer.create().uint32(0x08).int64(rejected).uint32(0x12).string(message).finish();
  return protobuf.Writer.create().uint32(0x0a).bytes(inner).finish();
}

test("a partial success is counted and told, never sent again, in either encoding", () => {
  const told = [
    response(200, binary, partial(3, "bad\nones")),
    response(200, json, '{"partialSuccess":{"rejectedDataPoints":"3","errorMessage":"bad\\nones"}}'),
    response(200, json, '{"partialSuccess":{"rejectedDataPoints":3,"errorMessage":"bad\\nones"}}'),
  ];
  for (const reply of told)
    assert.deepEqual(classify(reply, 10), {
      status: "delivered",
      code: "200",
      rejected: 3,
      reason: "3 of 10 rejected: bad\\nones",
    });
  assert.deepEqual(classify(response(200, binary, partial(30, "")), 10), {
    status: "delivered",
    code: "200",
    rejected: 10,
    reason: "30 of 10 rejected",
  });
});

test("a message alone is a warning, an empty partial success nothing", () => {
  const warned = classify(response(200, binary, partial(0, "use fewer labels")), 10);
  assert.ok(warned.status === "delivered");
  assert.deepEqual([warned.rejected, warned.reason], [0, "warning: use fewer labels"]);
  for (const body of ['{"partialSuccess":{}}', '{"partialSuccess":null}', "[]", "null", "7"])
    assert.deepEqual(classify(response(200, json, body), 10), {
      status: "delivered",
      code: "200",
      rejected: 0,
    });
});

test("a count that cannot be one is none: samples are whole and not fewer than no", () => {
  const below = protobuf.Writer.create().uint32(0x0a).fork().uint32(0x08).int64(-1).ldelim().finish();
  const fraction = '{"partialSuccess":{"rejectedDataPoints":2.5}}';
  for (const reply of [response(200, binary, below), response(200, json, fraction)])
    assert.deepEqual(classify(reply, 10), { status: "delivered", code: "200", rejected: 0 });
});

test("the receiver's wait counts where a request may be sent again", () => {
  const after = (status: number, value: string): number | undefined => {
    const outcome = classify(response(status, { "retry-after": value }), 1);
    return outcome.status === "retry" ? outcome.afterMs : undefined;
  };
  assert.equal(after(429, "7"), 7000);
  assert.equal(after(503, new Date(receivedAt + 9000).toUTCString()), 9000);
  assert.equal(after(503, "0"), undefined);
  assert.equal(after(429, "soon"), undefined);
});

test("a failure's message is told as text, from protobuf too", () => {
  const status = protobuf.Writer.create().uint32(0x08).int32(3).uint32(0x12).string("unknown field").finish();
  const outcome = classify(response(400, binary, status), 1);
  assert.ok(outcome.status === "rejected");
  assert.equal(outcome.reason, "unexpected status: got 400, want 2xx: unknown field");
});

test("no body makes it throw, and none but a page changes what a status means", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 80 }),
      fc.constantFrom(json, binary, {}),
      fc.constantFrom(200, 400, 503),
      (body, headers, status) => {
        const { status: outcome } = classify(response(status, headers, body), 5);
        assert.equal(outcome, { 200: "delivered", 400: "rejected", 503: "retry" }[status]);
      },
    ),
  );
});
