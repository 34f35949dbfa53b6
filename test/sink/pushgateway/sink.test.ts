/** The Pushgateway sink: the group's address, the body, the answers. */
import assert from "node:assert/strict";
import test from "node:test";
import fc from "../../support/property.ts";
import type { HttpClient, HttpReply } from "../../../src/runtime/http/client.ts";
import { pushgatewaySchema } from "../../../src/sink/pushgateway/schema.ts";
import { classify, createPushgatewaySink } from "../../../src/sink/pushgateway/sink.ts";
import type { Sink } from "../../../src/sink/sink.ts";
import { batches, faults, frequency, latency, power, series, snapshot } from "../remote-write/batches.ts";
import { deadClient, response, toldClient } from "../remote-write/clients.ts";
import { readPrometheus } from "../../endpoint/exposition-reader.ts";
import { encodeAlone } from "../../support/encoded.ts";

const never = new AbortController().signal;

function sink(client: HttpClient, settings: object = {}, identity: object = {}): Sink {
  const parsed = pushgatewaySchema.parse({ url: "http://u:secret@gateway.test:9091/", ...settings });
  const all = { job: "j", instance: "i", externalLabels: {}, ...identity };
  return createPushgatewaySink(parsed, { client, identity: all, version: "1.2.3" });
}

async function path(settings: object, identity: object = {}): Promise<string | undefined> {
  const client = toldClient(response(202));
  await sink(client, settings, identity).retire?.(never);
  return client.requests[0]?.url.pathname;
}

function text(through: Sink, ...snapshots: readonly ReturnType<typeof snapshot>[]): string {
  return Buffer.from(encodeAlone(through, { snapshots }, "text")?.bytes ?? new Uint8Array()).toString();
}

test("the group is named by job, instance and what is configured, below the address", async () => {
  assert.equal(await path({}), "/metrics/job/j/instance/i");
  const settings = {
    url: "http://gateway.test/push/",
    job: "mac",
    grouping_key: { site: "office", instance: "x" },
  };
  assert.equal(await path(settings), "/push/metrics/job/mac/instance/x/site/office");
});

test("what a path could not carry goes as base64", async () => {
  assert.equal(await path({ job: "a b%c?d#e" }), "/metrics/job@base64/YSBiJWM_ZCNl/instance/i");
  assert.equal(await path({ job: "a b" }), "/metrics/job/a%20b/instance/i");
  assert.equal(await path({ job: "a/b" }), "/metrics/job@base64/YS9i/instance/i");
  assert.equal(
    await path({}, { instance: "Jörg’s Mac" }),
    "/metrics/job/j/instance@base64/SsO2cmfigJlzIE1hYw",
  );
  assert.equal(await path({ grouping_key: { site: "" } }), "/metrics/job/j/instance/i/site@base64/=");
  assert.equal(await path({}, { instance: ".." }), "/metrics/job/j/instance@base64/Li4");
});

test("any values come back from the address as a Pushgateway reads it", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit: "grapheme", minLength: 1 }),
      fc.string({ unit: "binary" }),
      async (job, site) => {
        fc.pre(job.isWellFormed() && site.isWellFormed());
        const segments = ((await path({ job, grouping_key: { site } })) ?? "").split("/").slice(2);
        const read: Record<string, string> = {};
        for (let at = 0; at < segments.length; at += 2) {
          const [name = "", base64] = (segments[at] ?? "").split("@");
          const value = segments[at + 1] ?? "";
          read[name] =
            base64 === undefined ? decodeURIComponent(value) : Buffer.from(value, "base64url").toString();
        }
        assert.deepEqual(read, { job, instance: "i", site });
      },
    ),
  );
});

test("a body has each family once and whole, whatever source it comes from, and no time", () => {
  const body = text(
    sink(deadClient),
    snapshot(0, [
      [series(frequency, { core: 'a"\\\n' }), 1],
      [series(power), NaN],
    ]),
    snapshot(1, [
      [series(frequency, { core: "b" }), Infinity],
      [series(faults), 5_488_725_224],
      [series(latency, { le: "+Inf" }, "test_latency_seconds_bucket"), 2],
      [series(latency, {}, "test_latency_seconds_sum"), 0.5],
      [series(latency, {}, "test_latency_seconds_count"), 2],
    ]),
  );
  assert.equal(
    body,
    `# HELP test_frequency_hertz Frequency of a core
# TYPE test_frequency_hertz gauge
test_frequency_hertz{core="a\\"\\\\\\n"} 1
test_frequency_hertz{core="b"} +Inf
# HELP test_power_milliwatts Power of the test
# TYPE test_power_milliwatts gauge
test_power_milliwatts NaN
# HELP test_faults_total Faults since boot
# TYPE test_faults_total counter
test_faults_total 5488725224
# HELP test_latency_seconds Latency of the test
# TYPE test_latency_seconds histogram
test_latency_seconds_bucket{le="+Inf"} 2
test_latency_seconds_sum 0.5
test_latency_seconds_count 2
`,
  );
});

test("external labels join, a series' own label wins, and the group's are left to the Pushgateway", () => {
  const identity = { externalLabels: { team: "platform", core: "loses", site: "loses too", empty: "" } };
  const body = text(
    sink(deadClient, { grouping_key: { site: "office" } }, identity),
    snapshot(0, [
      [series(frequency, { core: "cpu0" }), 1],
      [series(power), 2],
    ]),
  );
  assert.match(body, /^test_frequency_hertz\{core="cpu0",team="platform"\} 1$/m);
  assert.match(body, /^test_power_milliwatts\{team="platform",core="loses"\} 2$/m);
  assert.doesNotMatch(body, /job|instance|site/);
});

test("a series that two sources tell goes once and is counted, and nothing to tell is no body", () => {
  const one = snapshot(0, [[series(power), 1]]);
  const body = encodeAlone(sink(deadClient), { snapshots: [one, one] }, "text");
  assert.deepEqual([body?.samples, body?.dropped], [1, { duplicate: 1 }]);
  assert.equal(encodeAlone(sink(deadClient), { snapshots: [] }, "text"), undefined);
  assert.equal(encodeAlone(sink(deadClient), { snapshots: [snapshot(0, [])] }, "text"), undefined);
});

test("any latest snapshots are a text that reads back, value by value", () => {
  fc.assert(
    fc.property(batches, ({ snapshots }) => {
      const latest = snapshots.slice(-1);
      const body = text(sink(deadClient), ...latest);
      const read = body === "" ? [] : readPrometheus(body).flatMap(({ samples }) => [...samples.values()]);
      assert.deepEqual(read.map(String).toSorted(), [...(latest[0]?.values ?? [])].map(String).toSorted());
    }),
  );
});

test("a push replaces the group, a goodbye deletes it unless told not to, a probe stores nothing", async () => {
  const client = toldClient(response(200));
  const through = sink(client, { timeout: "3s" });
  const body = encodeAlone(through, { snapshots: [snapshot(0, [[series(power), 7]])] }, "text");
  assert.ok(body);
  await through.send(body, "text", never);
  await through.probe("text", never);
  await through.retire?.(never);
  assert.deepEqual(
    client.requests.map(({ method, url }) => `${method} ${url.pathname}`),
    ["PUT /metrics/job/j/instance/i", "GET /-/ready", "DELETE /metrics/job/j/instance/i"],
  );
  const [push, probe] = client.requests;
  assert.deepEqual(push?.headers, {
    "user-agent": "mac-powermetrics-agent/1.2.3",
    "content-type": "text/plain; version=0.0.4; charset=utf-8",
  });
  assert.deepEqual([push.timeoutMs, push.signal, push.body], [3000, never, body.bytes]);
  assert.equal(probe?.body, undefined);
  assert.ok(!("retire" in sink(client, { delete_on_shutdown: false })));
});

test("each answer has its outcome", () => {
  const html = { "content-type": "text/html" };
  const cases: readonly (readonly [HttpReply, string])[] = [
    [response(200), "delivered"],
    [response(202), "delivered"],
    [response(200, html), "retry"],
    [response(302), "refused"],
    [response(400, {}, "pushed metrics are invalid or inconsistent"), "rejected"],
    [response(400, html), "retry"],
    [response(401), "refused"],
    [response(403), "refused"],
    [response(404), "refused"],
    [response(407), "refused"],
    [response(413), "too_large"],
    [response(429), "retry"],
    [response(500), "retry"],
    [response(503), "retry"],
    [response(999), "retry"],
    [{ kind: "failure", code: "dns", reason: "no", durationMs: 1 }, "retry"],
  ];
  for (const [reply, status] of cases) {
    const outcome = classify(reply);
    assert.equal(outcome.status, status, JSON.stringify(reply));
    assert.equal(outcome.code, reply.kind === "failure" ? "dns" : String(reply.status));
  }
  const told = classify(response(400, {}, "pushed metrics are invalid\n"));
  assert.ok(told.status === "rejected");
  assert.equal(told.reason, "unexpected status: got 400, want 2xx: pushed metrics are invalid");
});

test("renewing and ending reach the connection", async () => {
  const client = toldClient(response(200));
  const through = sink(client);
  through.renew();
  await through[Symbol.asyncDispose]();
  assert.deepEqual([client.renewed, client.ended], [1, 1]);
});

test("a group may not be named by job twice or by a reserved label", () => {
  const valid = (settings: object): boolean =>
    pushgatewaySchema.safeParse({ url: "http://g.test", ...settings }).success;
  for (const name of ["job", "__name__", "a-b", "0a", ""])
    assert.equal(valid({ grouping_key: { [name]: "x" } }), false, name);
  assert.ok(valid({ grouping_key: { instance: "x", site: "" } }));
  assert.equal(valid({ interval: "999ms" }), false);
});
