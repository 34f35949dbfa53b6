/** Every status there can be, in every protocol, with and without what may come with it: samples are lost for nothing but a verdict on samples. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import type { HttpResponse } from "../../src/runtime/http/client.ts";
import { untilAccepted } from "../../src/sink/answer.ts";
import { classify as classifyOtlp } from "../../src/sink/otlp/classify.ts";
import { classify as classifyPushgateway } from "../../src/sink/pushgateway/sink.ts";
import { classify as classifyRemoteWrite } from "../../src/sink/remote-write/classify.ts";
import type { Outcome } from "../../src/sink/sink.ts";
import { rowOf, statusRows, statusTable } from "../../src/sink/statuses.ts";
import * as model from "../fuzz/answers-model.ts";
import { response } from "./remote-write/clients.ts";

const sent = 10;
const written = (count: number, kind = "samples"): Readonly<Record<string, string>> => ({
  [`x-prometheus-remote-write-${kind}-written`]: String(count),
});
const headerSets: readonly Readonly<Record<string, string>>[] = [
  {},
  written(sent),
  written(3),
  written(0),
  written(0, "histograms"),
  { "content-type": "text/html" },
  { "content-type": "text/html", ...written(3) },
  { "retry-after": "7" },
];
const statuses = Array.from({ length: 900 }, (_, at) => at + 100);

function verdictOf({ code: _code, reason: _reason, ...verdict }: Outcome): model.Verdict {
  return verdict;
}

/** Samples that are gone for good. */
function lost(outcome: Outcome): number {
  if (outcome.status === "rejected") return sent;
  return outcome.status === "delivered" ? outcome.rejected : 0;
}

function* answers(): Generator<HttpResponse> {
  for (const status of statuses) for (const headers of headerSets) yield response(status, headers, "no");
}

test("remote write: every status, version, negotiation, count and page has the outcome of the table, before and after the first success", () => {
  for (const answer of answers())
    for (const protocol of [model.version1, model.version2] as const)
      for (const negotiable of [true, false]) {
        const asked = { protocol, negotiable, retryOn429: true, sent };
        const name = `${answer.status} ${JSON.stringify(answer.headers)} ${protocol} ${negotiable}`;
        const outcome = classifyRemoteWrite(answer, asked);
        const want = model.remoteWriteVerdict(answer, asked);
        assert.deepEqual(verdictOf(outcome), want, name);
        const before = untilAccepted(outcome, sent, "remote_write");
        assert.deepEqual(verdictOf(before), model.untilAccepted(want, sent, "remote_write"), name);
        if (lost(before) > 0) assert.ok(lost(before) < sent, `${name}: lost all before the first success`);
        if (protocol === model.version2 && negotiable && lost(outcome) > 0)
          assert.ok(
            Object.keys(answer.headers).some((header) => header.endsWith("-written")),
            name,
          );
      }
});

test("OTLP and the Pushgateway: every status and page has the outcome of the table, before and after the first success", () => {
  for (const answer of answers()) {
    const name = `${answer.status} ${JSON.stringify(answer.headers)}`;
    const outcome = classifyOtlp(answer, sent);
    const want = model.otlpVerdict(answer, sent, 0);
    assert.deepEqual(verdictOf(outcome), want, name);
    const before = untilAccepted(outcome, sent, "otlp");
    assert.deepEqual(verdictOf(before), model.untilAccepted(want, sent, "otlp"), name);
    assert.equal(lost(before), 0, name);
    assert.deepEqual(verdictOf(classifyPushgateway(answer)), model.pushgatewayVerdict(answer), name);
  }
});

test("what a receiver refuses says what to do, and why the samples are kept", () => {
  for (const status of statuses) {
    const outcome = classifyRemoteWrite(response(status), {
      protocol: model.version1,
      negotiable: false,
      retryOn429: true,
      sent,
    });
    if (outcome.status === "refused") assert.match(outcome.reason, /; (?:check|set) /, String(status));
  }
  const first = untilAccepted(classifyOtlp(response(500, {}, "oops"), sent), sent, "otlp");
  assert.ok(first.status === "refused");
  assert.match(first.reason, /^unexpected status: got 500, want 2xx: oops; this receiver has taken nothing/);
});

test("no row of the table is hidden by one before it", () => {
  for (const row of statusRows)
    assert.ok(
      statuses.some((status) => rowOf(status) === row),
      `${row.from}-${row.to}`,
    );
});

test("the README beside the sinks has the table as it is", () => {
  const readme = readFileSync(new URL("../../src/sink/README.md", import.meta.url), "utf8");
  assert.ok(readme.includes(statusTable()), "run npm run docs");
});
