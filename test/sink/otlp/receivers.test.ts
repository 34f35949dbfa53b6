/** OTLP into the real thing: VictoriaMetrics, held against what Prometheus stores of the same snapshots by remote write. */
import assert from "node:assert/strict";
import test from "node:test";
import { createOwnMeter } from "../../../src/meter/own-meter.ts";
import type { Snapshot } from "../../../src/meter/snapshot.ts";
import { systemClock } from "../../../src/runtime/clock.ts";
import { createHttpClient } from "../../../src/runtime/http/client.ts";
import { otlpSchema } from "../../../src/sink/otlp/schema.ts";
import { createOtlpSink } from "../../../src/sink/otlp/sink.ts";
import { remoteWriteSchema } from "../../../src/sink/remote-write/schema.ts";
import { createRemoteWriteSink } from "../../../src/sink/remote-write/sink.ts";
import type { Sink } from "../../../src/sink/sink.ts";
import {
  assertSameSeries,
  inPrometheus,
  inVictoria,
  otlpAddress,
  startPrometheus,
  startVictoria,
  valuesAt,
} from "../../receiver/otlp/stored.ts";
import { skipWithout, type Receiver } from "../../support/receivers.ts";
import { energy, faults, frequency, power, series, snapshot } from "../remote-write/batches.ts";
import { encodeAlone } from "../../support/encoded.ts";

const never = new AbortController().signal;
const identity = { job: "mac-powermetrics", instance: "mac.test", externalLabels: { team: "platform" } };

function otlpTo(receiver: Receiver, settings: object = {}): Sink {
  const parsed = otlpSchema.parse({ metrics_endpoint: otlpAddress(receiver), ...settings });
  const client = createHttpClient({}, { clock: systemClock, env: {} });
  return createOtlpSink(parsed, {
    client,
    identity,
    host: { name: "mac.test" },
    version: "0.0.0",
    startedAt: 0,
  });
}

function remoteWriteTo({ origin }: Receiver): Sink {
  const client = createHttpClient({}, { clock: systemClock, env: {} });
  const settings = remoteWriteSchema.parse({ url: `${origin}/api/v1/write` });
  return createRemoteWriteSink(settings, { client, identity, version: "0.0.0" });
}

async function push(through: Sink, snapshots: readonly Snapshot[]): Promise<void> {
  const [protocol] = through.protocols;
  assert.equal((await through.probe(protocol, never)).outcome.status, "delivered");
  const body = encodeAlone(through, { snapshots }, protocol);
  assert.ok(body);
  const { outcome } = await through.send(body, protocol, never);
  assert.ok(outcome.status === "delivered", JSON.stringify(outcome));
  assert.equal(outcome.rejected, 0);
}

const core = series(frequency, { core: "cpu0" });

/** Three seconds that end one minute ago: a core that vanishes, a reboot, and the agent's own histogram. */
async function minuteAgo(): Promise<readonly Snapshot[]> {
  const start = Math.floor(Date.now() / 1000) * 1000 - 60_000;
  const boots = [start - 86_400_000, start - 86_400_000, start + 1500];
  const own = createOwnMeter(start - 1000);
  own.count("sleeps", 3, {});
  own.record("sinkDuration", 0.2, { sink: "x" });
  const seconds = [0, 1, 2].map((second) =>
    snapshot(
      0,
      [
        [series(power), 90.5 + second],
        ...(second < 2 ? [[core, second === 0 ? Infinity : 1e9] as const] : []),
        [series(faults), second < 2 ? 5_488_725_224 + second : 12],
        [series(energy), 0.1 * second],
      ],
      {
        time: start + second * 1000,
        starts: { boot: boots[second] ?? 0, agent: start - 1000 },
        ended: second === 2 ? [core] : [],
      },
    ),
  );
  return [...seconds, await own.snapshot(start + 2500)];
}

test(
  "every series arrives by OTLP as it does by remote write: names, labels, values and times",
  { skip: skipWithout("victoria-metrics") || skipWithout("prometheus") },
  async () => {
    await using victoria = await startVictoria();
    await using prometheus = await startPrometheus();
    await using otlp = otlpTo(victoria);
    await using remoteWrite = remoteWriteTo(prometheus);
    const snapshots = await minuteAgo();
    await push(otlp, snapshots);
    await push(remoteWrite, snapshots);
    const expected = await inPrometheus(prometheus, Date.now());
    assert.ok(Object.keys(expected).length > 15);
    assertSameSeries(await inVictoria(victoria), expected);
  },
);

test(
  "VictoriaMetrics ends a series at its flag, and refuses JSON for good",
  { skip: skipWithout("victoria-metrics") },
  async () => {
    await using victoria = await startVictoria();
    await using otlp = otlpTo(victoria);
    const snapshots = await minuteAgo();
    await push(otlp, snapshots);
    await victoria.ask("/internal/force_flush");
    const [, second, third] = snapshots.map(({ time }) => time);
    assert.equal((await valuesAt(victoria, frequency.name, second ?? 0)).length, 1);
    assert.equal((await valuesAt(victoria, frequency.name, third ?? 0)).length, 0);

    await using json = otlpTo(victoria, { encoding: "json" });
    const body = encodeAlone(json, { snapshots }, "json");
    assert.ok(body);
    const { outcome } = await json.send(body, "json", never);
    assert.equal(outcome.status, "rejected", JSON.stringify(outcome));
  },
);
