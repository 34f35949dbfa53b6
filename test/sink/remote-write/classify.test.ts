/** What every kind of answer to a remote write means for the samples. */
import assert from "node:assert/strict";
import test from "node:test";
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import fc from "../../support/property.ts";
import type { HttpReply } from "../../../src/runtime/http/client.ts";
import { classify, version1, version2, type Asked } from "../../../src/sink/remote-write/classify.ts";
import { receivedAt, response, written } from "./clients.ts";

const v1: Asked = { protocol: version1, negotiable: true, retryOn429: true, sent: 10 };
const v2: Asked = { ...v1, protocol: version2 };
const html = { "content-type": "text/html; charset=utf-8" };

test("each answer has its outcome", () => {
  const cases: readonly (readonly [string, HttpReply, Asked, string])[] = [
    ["v1 stored", response(200), v1, "delivered"],
    ["v1 stored without a body", response(204), v1, "delivered"],
    ["v2 stored", response(204, written(10)), v2, "delivered"],
    ["v2 taken for v1, nothing stored", response(204), v2, "switch"],
    [
      "v2 with the header of samples alone",
      response(200, { "x-prometheus-remote-write-samples-written": "10" }),
      v2,
      "delivered",
    ],
    [
      "v2 with another header alone, which counts as none written",
      response(200, { "x-prometheus-remote-write-histograms-written": "0" }),
      v2,
      "delivered",
    ],
    [
      "v2 with empty headers",
      response(200, { "x-prometheus-remote-write-samples-written": "" }),
      v2,
      "switch",
    ],
    [
      "v2 with a header of nonsense",
      response(200, { ...written(10), "x-prometheus-remote-write-samples-written": "ten" }),
      v2,
      "switch",
    ],
    ["v2 not supported", response(415), v2, "switch"],
    ["v1 not supported", response(415), v1, "switch"],
    ["a captive portal's page", response(200, html, "<html>"), v1, "retry"],
    ["a captive portal's page to v2", response(200, html, "<html>"), v2, "retry"],
    ["a redirect", response(302, { location: "http://portal/" }), v1, "refused"],
    ["a permanent redirect", response(308), v2, "refused"],
    ["a page with a status of its own", response(400, html, "<html>"), v1, "retry"],
    ["a page, whatever its headers count", response(400, { ...html, ...written(7) }), v2, "retry"],
    ["a bad request", response(400, {}, "out of order sample"), v1, "rejected"],
    ["a bad request on v2 without counts", response(400), v2, "switch"],
    ["the same where only v2 is allowed", response(400), { ...v2, negotiable: false }, "rejected"],
    ["a v1 refusal with stray counts", response(400, written(3)), v1, "rejected"],
    ["some of the samples were bad", response(400, written(7)), v2, "delivered"],
    ["not authenticated", response(401), v1, "refused"],
    ["not authenticated, told by a page", response(401, html), v1, "refused"],
    ["forbidden", response(403), v2, "refused"],
    ["wrong path", response(404), v1, "refused"],
    ["proxy wants credentials", response(407), v1, "refused"],
    ["too large", response(413), v1, "too_large"],
    ["too large, told by a page", response(413, html), v2, "too_large"],
    ["a request that took too long", response(408), v1, "retry"],
    ["samples in conflict, as Thanos says it", response(409), v1, "rejected"],
    ["a method that is not taken", response(405), v1, "refused"],
    ["a refusal that nobody knows", response(418), v2, "refused"],
    ["another protocol is wanted", response(426), v1, "refused"],
    ["no such method", response(501), v1, "refused"],
    ["too large, in words", response(400, {}, "http: request body too large"), v1, "too_large"],
    [
      "too large, in VictoriaMetrics' words",
      response(400, {}, "too big packed request; mustn't exceed 10 bytes"),
      v1,
      "too_large",
    ],
    [
      "too large, as a failure of its own",
      response(500, {}, "grpc: received message larger than max"),
      v1,
      "too_large",
    ],
    [
      "a label that is too long is no request that is",
      response(400, {}, "label value too long"),
      v1,
      "rejected",
    ],
    ["a configuration", response(400, {}, "unsupported Content-Encoding: snappy"), v1, "refused"],
    [
      "plain HTTP where TLS is spoken",
      response(400, {}, "Client sent an HTTP request to an HTTPS server."),
      v1,
      "refused",
    ],
    [
      "words for version 1",
      response(400, {}, "unexpected remote write version 2.0.0, want 0.1.x"),
      v2,
      "switch",
    ],
    [
      "the same where only version 2 is allowed",
      response(400, {}, "unexpected remote write version 2.0.0"),
      { ...v2, negotiable: false },
      "refused",
    ],
    [
      "the same from nginx",
      response(400, html, "<title>400 The plain HTTP request was sent to HTTPS port</title>"),
      v1,
      "refused",
    ],
    ["unprocessable", response(422), v1, "rejected"],
    ["unprocessable on v2 without counts", response(422), v2, "switch"],
    ["slow down", response(429), v1, "retry"],
    ["slow down, but told not to repeat", response(429), { ...v1, retryOn429: false }, "rejected"],
    ["server failure", response(500), v1, "retry"],
    ["server failure after some samples", response(500, written(3)), v2, "retry"],
    ["bad gateway with a page", response(502, html), v1, "retry"],
    ["unavailable", response(503), v2, "retry"],
    ["no HTTP status at all", response(999), v1, "retry"],
    ["an informational status as the end", response(101), v1, "retry"],
    [
      "no connection",
      { kind: "failure", code: "connect", reason: "cannot connect", durationMs: 1 },
      v1,
      "retry",
    ],
    ["no time left", { kind: "failure", code: "timeout", reason: "too slow", durationMs: 1 }, v2, "retry"],
  ];
  for (const [name, reply, asked, status] of cases) {
    const outcome = classify(reply, asked);
    assert.equal(outcome.status, status, name);
    assert.equal(outcome.code, reply.kind === "failure" ? reply.code : String(reply.status), name);
  }
});

test("nothing is stored of a request that did not leave or that came too often, and may be of any other", () => {
  const failure = { kind: "failure", code: "timeout", reason: "offline", durationMs: 1 } as const;
  const isNotStored = (reply: HttpReply): boolean => {
    const outcome = classify(reply, v1);
    assert.ok(outcome.status === "retry");
    return outcome.notStored === true;
  };
  assert.deepEqual([{ ...failure, unsent: true as const }, response(429)].map(isNotStored), [true, true]);
  assert.deepEqual([failure, response(500), response(503)].map(isNotStored), [false, false, false]);
});

test("a switch names the other version", () => {
  assert.deepEqual(classify(response(204), v2), {
    status: "switch",
    code: "204",
    protocol: version1,
    reason: `unexpected answer to ${version2}: got none of the X-Prometheus-Remote-Write-*-Written headers, want at least that of samples`,
  });
  const back = classify(response(415, {}, "only v2 here\n"), v1);
  assert.ok(back.status === "switch");
  assert.equal(back.protocol, version2);
  assert.equal(back.reason, `unexpected answer to ${version1}: got 415, want 2xx: only v2 here`);
});

test("a receiver that does not speak the one allowed version keeps the backlog and says what to set", () => {
  for (const [asked, other] of [[v1, version2] as const, [v2, version1] as const]) {
    const outcome = classify(response(415), { ...asked, negotiable: false });
    assert.ok(outcome.status === "refused");
    assert.ok(outcome.reason.endsWith(`; set protobuf_message to auto or ${other}`), outcome.reason);
  }
  assert.equal(classify(response(204), { ...v2, negotiable: false }).status, "refused");
  const unread = classify(response(400, {}, "version 1 here"), v2);
  assert.ok(unread.status === "switch");
  assert.equal(
    unread.reason,
    `unexpected answer to ${version2}: got 400 without -Written headers, want 2xx: version 1 here`,
  );
});

test("samples that version 2 did not write are counted as rejected", () => {
  assert.deepEqual(classify(response(204, written(10)), v2), {
    status: "delivered",
    code: "204",
    rejected: 0,
  });
  const partial = classify(response(400, written(7), "out of bounds"), v2);
  assert.ok(partial.status === "delivered");
  assert.equal(partial.rejected, 3);
  assert.match(
    partial.reason ?? "",
    /^unexpected status: got 400, want 2xx: out of bounds; .*\(7 of 10 samples written\)$/,
  );
  const none = classify(response(400, written(0)), v2);
  assert.ok(none.status === "delivered" && none.rejected === 10);
  const generous = classify(response(200, written(11)), v2);
  assert.ok(generous.status === "delivered" && generous.rejected === 0);
});

test("Retry-After counts as seconds or as a date, and nonsense does not count", () => {
  const after = (value: string, status = 429): number | undefined => {
    const outcome = classify(response(status, { "retry-after": value }), v1);
    assert.ok(outcome.status === "retry");
    return outcome.afterMs;
  };
  assert.equal(after("7"), 7000);
  assert.equal(after("7", 503), 7000);
  assert.equal(after(new Date(receivedAt + 60_000).toUTCString()), 60_000);
  assert.equal(after("999999"), 3_600_000);
  for (const value of ["0", "-1", "soon", "", new Date(receivedAt - 1000).toUTCString()]) {
    assert.equal(after(value), undefined, value);
  }
});

test("a 400 names the receiver's setting for old samples, other refusals do not", () => {
  const reason = (status: number): string => {
    const outcome = classify(response(status, {}, "too old sample"), v1);
    return "reason" in outcome ? (outcome.reason ?? "") : "";
  };
  assert.match(reason(400), /too old sample; .*storage\.tsdb\.out_of_order_time_window/);
  assert.doesNotMatch(reason(422), /out_of_order/);
});

test("what a receiver says is logged as its message, unpacked, and at most 512 bytes of it", () => {
  const json = { "content-type": "application/json" };
  const said = (headers: Readonly<Record<string, string>>, body: string | Uint8Array): string =>
    classify(response(503, headers, body), v1).reason ?? "";
  const want = "unexpected status: got 503, want 2xx: label name too long";
  const text = '{"status":"error","error":"label name too long"}';
  assert.equal(said(json, text), want);
  assert.equal(said({ ...json, "content-encoding": "gzip" }, gzipSync(text)), want);
  assert.equal(said({ "content-encoding": "GZIP" }, gzipSync(text)), want);
  assert.equal(said({ "content-encoding": "deflate" }, deflateSync(text)), want);
  assert.equal(said({ "content-encoding": "deflate" }, deflateRawSync(text)), want);
  assert.equal(said({ "content-encoding": "br" }, brotliCompressSync(text)), want);
  assert.equal(said({ "content-encoding": "zstd" }, zstdCompressSync(text)), want);
  assert.equal(said({}, '{"code":3,"message":"label name too long"}'), want);
  assert.equal(said(json, '{"error":{"message":"label name too long"}}'), want);
  assert.equal(said(json, '{"errors":[{"detail":"label name too long"}]}'), want);
  assert.equal(said(json, '{"message":'), 'unexpected status: got 503, want 2xx: {"message":');
  assert.equal(
    said({ "content-encoding": "gzip" }, "no gzip"),
    "unexpected status: got 503, want 2xx: (gzip)",
  );
  assert.equal(said({ "content-encoding": "lzma" }, "?"), "unexpected status: got 503, want 2xx: (lzma)");
  const cut = gzipSync("x".repeat(400) + JSON.stringify([...Array(9999).keys()])).subarray(0, 4000);
  assert.match(said({ "content-encoding": "gzip" }, cut), /: x{400}/, "a body that was cut off");
  const bomb = said({ "content-encoding": "gzip" }, gzipSync(Buffer.alloc(50_000_000, "x")));
  assert.equal(bomb, `unexpected status: got 503, want 2xx: ${"x".repeat(512)}`);
  assert.equal(said({}, "€".repeat(200)), `unexpected status: got 503, want 2xx: ${"€".repeat(170)}`);
});

test("a redirect says where it leads", () => {
  const outcome = classify(response(301, { location: "https://other.test/\u001b[31m" }), v1);
  assert.ok(outcome.status === "refused");
  assert.equal(
    outcome.reason,
    "unexpected status: got 301, want 2xx (redirect to https://other.test/\\u001b[31m); set the url to where it leads",
  );
});

test("whatever the body holds, the reason is one short line without control characters", () => {
  const unsafe = ["\0", "\n", "\r", "\t", "\u001b", "\u009b", "\u202e", "\u2028", "a", "é", "🚀", "\ud800"];
  const bodies = fc.oneof(
    fc.uint8Array({ maxLength: 600 }),
    fc.string({ unit: fc.constantFrom(...unsafe), maxLength: 600 }),
  );
  const statuses = fc.constantFrom(302, 400, 401, 413, 415, 422, 429, 500, 999);
  fc.assert(
    fc.property(statuses, bodies, fc.boolean(), (status, body, second) => {
      const outcome = classify(response(status, {}, body), second ? v2 : v1);
      const reason = outcome.reason ?? "";
      assert.doesNotMatch(reason, /[\p{Cc}\p{Zl}\p{Zp}\u202e\u200b]/u);
      assert.ok(reason.length < 512 * 8 + 300);
    }),
  );
  const long = classify(response(500, {}, "x".repeat(1_000_000)), v1);
  assert.ok(long.status === "retry");
  assert.equal(long.reason, `unexpected status: got 500, want 2xx: ${"x".repeat(512)}`);
});
