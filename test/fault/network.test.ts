/** What networks and receivers do to an agent, to all its sinks at once: nothing of it costs a sample. */
import assert from "node:assert/strict";
import { copyFileSync } from "node:fs";
import test, { type TestContext } from "node:test";
import { page, reset, status, hang, type Answer } from "../conformance/receiver.ts";
import { expired, noOpenssl, selfSigned, temporaryFolder } from "../runtime/http/receivers.ts";
import { total } from "./account.ts";
import { hour, pusher, second, type Pusher } from "./pusher.ts";
import { startReceiver, type Receiver } from "./receiver.ts";

const kinds = ["remote_write", "otlp", "pushgateway"] as const;

function allKinds(): Promise<readonly Receiver[]> {
  return Promise.all(kinds.map((kind) => startReceiver(kind)));
}

function failures(it: Pusher): readonly (string | undefined)[] {
  return it
    .deliveries()
    .reports()
    .map(({ state }) => state.lastFailure?.code);
}

/** Afterwards everything is there, and all of it was sent. */
async function assertAllArrive(it: Pusher, receivers: readonly Receiver[]): Promise<void> {
  it.assertAccounted();
  await it.drained();
  it.assertAccounted();
  for (const receiver of receivers) {
    const { collected, sent, dropped, lost } = it.accountOf(receiver);
    assert.deepEqual({ dropped, lost }, { dropped: {}, lost: {} });
    if (receiver.kind !== "pushgateway") assert.equal(sent, collected.samples);
  }
}

/** Ten minutes of each answer, which all sinks have to call by its code. */
async function suffer(context: TestContext, answers: readonly (readonly [Answer, string])[]): Promise<void> {
  const receivers = await allKinds();
  const it = await pusher(context, { receivers });
  await it.collect(3, 10 * second);
  for (const [answer, code] of answers) {
    for (const receiver of receivers) receiver.mood = answer;
    await it.collect(60, 10 * second);
    assert.deepEqual(failures(it), [code, code, code]);
    it.assertAccounted();
  }
  for (const receiver of receivers) receiver.mood = undefined;
  await assertAllArrive(it, receivers);
}

test("behind a captive portal, which redirects or answers with its page, nothing counts as delivered", (context) =>
  suffer(context, [
    [status(302, { location: "http://portal.test/" }), "302"],
    [page, "200"],
  ]));

test("receivers that hang, reset and say 503 get everything once they are well", (context) =>
  suffer(context, [
    [hang, "timeout"],
    [reset, "reset"],
    [status(503), "503"],
  ]));

test("receivers that restart again and again, between and during requests, miss nothing", async (context) => {
  const receivers = await allKinds();
  const it = await pusher(context, { receivers });
  for (let round = 0; round < 10; round++) {
    await it.collect(4, 10 * second);
    if (round % 2 === 1) for (const receiver of receivers) receiver.mood = hang;
    await it.collect(1, 10 * second);
    for (const receiver of receivers) await receiver.stop();
    await it.collect(3, 10 * second);
    for (const receiver of receivers) {
      receiver.mood = undefined;
      await receiver.start();
    }
    it.assertAccounted();
  }
  await assertAllArrive(it, receivers);
});

test("on half-open connections requests end at their limit, and go again on new ones", async (context) => {
  const receivers = await allKinds();
  const it = await pusher(context, { receivers });
  await it.collect(6, 10 * second);
  for (const receiver of receivers) receiver.vanish();
  await it.collect(12, 10 * second);
  assert.deepEqual(failures(it), ["timeout", "timeout", "timeout"]);
  await assertAllArrive(it, receivers);
});

/** Longer than a label may be, so that no resolver is asked and waited for. */
const unresolvable = `${"x".repeat(64)}.invalid`;

test("a name that cannot be resolved is tried until it can", async (context) => {
  const receivers = await allKinds();
  let resolves = false;
  const it = await pusher(context, {
    receivers,
    route(request) {
      if (resolves) return request;
      const url = new URL(request.url);
      url.hostname = unresolvable;
      return { ...request, url };
    },
  });
  await it.collect(6, 10 * second);
  assert.deepEqual(failures(it), ["dns", "dns", "dns"]);
  assert.ok(receivers.every(({ requests }) => requests === 0));
  resolves = true;
  await assertAllArrive(it, receivers);
});

test(
  "a certificate that has expired is said to be, and a renewed one ends the wait",
  { skip: noOpenssl },
  async (context) => {
    const folder = temporaryFolder(context);
    const { certFile, ...old } = expired(folder);
    const receiver = await startReceiver("remote_write", old);
    const it = await pusher(context, {
      receivers: [receiver],
      settings: { tls_config: { ca_file: certFile } },
    });
    await it.collect(6, 10 * second);
    const [report] = it.deliveries().reports();
    assert.equal(report?.state.lastFailure?.code, "tls");
    assert.match(report.state.lastFailure.reason, /the certificate has expired; renew it/);
    assert.equal(receiver.requests, 0);
    await receiver.stop();
    const renewed = selfSigned(folder, "renewed", "IP:127.0.0.1");
    copyFileSync(renewed.certFile, certFile);
    await receiver.start(renewed);
    await assertAllArrive(it, [receiver]);
  },
);

test("all receivers dead for hours: the journal keeps what its bound allows, and every sink knows what it lost", async (context) => {
  const receivers = [...(await allKinds()), await startReceiver("remote_write")];
  const it = await pusher(context, { receivers, journal: { maxBytes: 2 ** 17, maxAgeMs: hour } });
  const wanted = { parts: Array.from({ length: 30 }, (_, index) => `part${index}`) };
  await it.collect(3, 10 * second, wanted);
  for (const receiver of receivers) await receiver.stop();
  await it.collect(200, 30 * second, wanted);
  it.assertAccounted();
  for (const receiver of receivers) await receiver.start();
  await it.drained();
  it.assertAccounted();
  for (const receiver of receivers.filter(({ kind }) => kind !== "pushgateway")) {
    const { collected, lost, dropped } = it.accountOf(receiver);
    assert.ok(total(lost) > 0 && total(lost) < collected.samples);
    assert.deepEqual(dropped, {});
  }
});
