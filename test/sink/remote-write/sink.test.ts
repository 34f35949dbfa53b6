/** The sink as delivery sees it: what it sends, and what it makes of the answer. */
import assert from "node:assert/strict";
import { createServer, request, type IncomingMessage } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import test from "node:test";
import type { HttpClient, HttpReply, HttpRequest } from "../../../src/runtime/http/client.ts";
import { remoteWriteSchema } from "../../../src/sink/remote-write/schema.ts";
import { createRemoteWriteSink } from "../../../src/sink/remote-write/sink.ts";
import { version1, version2 } from "../../../src/sink/remote-write/classify.ts";
import type { Sink } from "../../../src/sink/sink.ts";
import { power, series, snapshot } from "./batches.ts";
import { deadClient, receivedAt, response, toldClient, written } from "./clients.ts";
import { bitsOf, decodeV1, decodeV2 } from "./messages.ts";
import { encodeAlone } from "../../support/encoded.ts";

const identity = { job: "j", instance: "i", externalLabels: {} };
const batch = { snapshots: [snapshot(0, [[series(power), 7]])] };
const never = new AbortController().signal;

function sink(client: HttpClient, settings: object = {}): Sink {
  const parsed = remoteWriteSchema.parse({ url: "https://user:secret@receiver.test/write?a=b", ...settings });
  return createRemoteWriteSink(parsed, { client, identity, version: "1.2.3" });
}

function body(through: Sink, protocol: string) {
  const encoded = encodeAlone(through, batch, protocol);
  assert.ok(encoded);
  return encoded;
}

test("a request carries the headers of its version, and the bytes it was given", async () => {
  const client = toldClient(response(204, written(1)));
  const through = sink(client, { remote_timeout: "3s" });
  const bodies = [body(through, version1), body(through, version2)] as const;
  await through.send(bodies[0], version1, never);
  await through.send(bodies[1], version2, never);
  const [first, second] = client.requests;
  const common = { "content-encoding": "snappy", "user-agent": "mac-powermetrics-agent/1.2.3" };
  assert.deepEqual(first?.headers, {
    ...common,
    "content-type": "application/x-protobuf",
    "x-prometheus-remote-write-version": "0.1.0",
  });
  assert.deepEqual(second?.headers, {
    ...common,
    "content-type": "application/x-protobuf;proto=io.prometheus.write.v2.Request",
    "x-prometheus-remote-write-version": "2.0.0",
  });
  assert.equal(first.body, bodies[0].bytes);
  assert.equal(first.method, "POST");
  assert.equal(first.timeoutMs, 3000);
  assert.equal(first.signal, never);
  assert.equal(first.url.pathname + first.url.search, "/write?a=b");
});

test("auto prefers version 2 and falls back, a fixed message stays alone", () => {
  const protocols = (protobuf_message: string): readonly string[] =>
    sink(deadClient, { protobuf_message }).protocols;
  assert.deepEqual(protocols("auto"), [version2, version1]);
  assert.deepEqual(protocols(version1), [version1]);
  assert.deepEqual(protocols(version2), [version2]);
});

test("a fixed version 2 that is not understood is refused, an automatic one switches", async () => {
  const client = toldClient(response(204));
  const outcome = async (through: Sink): Promise<string> =>
    (await through.send(body(through, version2), version2, never)).outcome.status;
  assert.equal(await outcome(sink(client)), "switch");
  assert.equal(await outcome(sink(client, { protobuf_message: version2 })), "refused");
});

test("end marks that were written are not taken for rejected samples", async () => {
  const client = toldClient(response(204, written(2)));
  const through = sink(client);
  const ending = { snapshots: [...batch.snapshots, snapshot(1, [], { ended: [series(power)] })] };
  const encoded = encodeAlone(through, ending, version2);
  assert.ok(encoded);
  const { outcome } = await through.send(encoded, version2, never);
  assert.deepEqual(outcome, { status: "delivered", code: "204", rejected: 0 });
});

test("the skew of our clock is known from a usable Date alone", async () => {
  const skew = async (headers: Record<string, string>): Promise<number | undefined> => {
    const through = sink(toldClient(response(204, headers)));
    return (await through.send(body(through, version1), version1, never)).skewMs;
  };
  assert.equal(await skew({ date: new Date(receivedAt - 7000).toUTCString() }), -7000);
  assert.equal(await skew({ date: "yesterday" }), undefined);
  assert.equal(await skew({}), undefined);
  const dead = sink(deadClient);
  assert.equal((await dead.send(body(dead, version1), version1, never)).skewMs, undefined);
});

test("renewing and ending reach the connection", async () => {
  const client = toldClient(response(204));
  const through = sink(client, { queue_config: { max_samples_per_send: 500 } });
  through.renew();
  await through[Symbol.asyncDispose]();
  assert.equal(client.renewed, 1);
  assert.equal(client.ended, 1);
  assert.equal(through.maxSamples, 500);
});

test("a probe is an empty message, and its answer counts like any other", async () => {
  const client = toldClient(response(204, { ...written(0), date: new Date(receivedAt).toUTCString() }));
  const through = sink(client);
  for (const [protocol, decode] of [[version1, decodeV1] as const, [version2, decodeV2] as const]) {
    const { outcome, skewMs } = await through.probe(protocol, never);
    assert.deepEqual(outcome, { status: "delivered", code: "204", rejected: 0 });
    assert.equal(skewMs, 0);
    assert.deepEqual(decode(client.requests.at(-1)?.body ?? new Uint8Array()), []);
  }
  assert.equal((await sink(toldClient(response(401))).probe(version2, never)).outcome.status, "refused");
});

test("an unknown protocol is a bug, not an outcome", () => {
  assert.throws(() => encodeAlone(sink(deadClient), batch, "json"), /unexpected protocol: got json/);
});

test("a receiver over real HTTP reads what was sent, in both versions", async () => {
  const bodies: [IncomingMessage, Buffer][] = [];
  const server = createServer((incoming, answer) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      bodies.push([incoming, Buffer.concat(chunks)]);
      answer.writeHead(204, written(1)).end();
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await using through = sink(plainClient, { url: `http://127.0.0.1:${port}/api/v1/write` });
  try {
    for (const protocol of through.protocols) {
      const { outcome } = await through.send(body(through, protocol), protocol, never);
      assert.deepEqual(outcome, { status: "delivered", code: "204", rejected: 0 });
    }
  } finally {
    server.closeAllConnections();
    server.close();
  }
  const [second, first] = bodies;
  assert.ok(first && second);
  assert.equal(second[0].headers["x-prometheus-remote-write-version"], "2.0.0");
  assert.equal(decodeV2(new Uint8Array(second[1]))[0]?.samples[0]?.value, bitsOf(7));
  assert.equal(decodeV1(new Uint8Array(first[1]))[0]?.samples[0]?.value, bitsOf(7));
});

/** The least that fulfils the client's contract over a real connection. */
const plainClient: HttpClient = {
  send: (asked: HttpRequest): Promise<HttpReply> =>
    new Promise((resolve, reject) => {
      const outgoing = request(asked.url, { method: asked.method, headers: asked.headers }, (answer) => {
        answer.resume();
        const headers = Object.fromEntries(
          Object.entries(answer.headers).map(([name, value]) => [name, String(value)]),
        );
        answer.on("end", () => resolve(response(answer.statusCode ?? 0, headers)));
      });
      outgoing.on("error", reject);
      outgoing.end(asked.body);
    }),
  renew: () => undefined,
  [Symbol.asyncDispose]: () => Promise.resolve(),
};
