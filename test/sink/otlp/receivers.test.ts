/** OTLP into the real thing: VictoriaMetrics, held against what Prometheus stores of the same snapshots by remote write. */
import assert from "node:assert/strict";
import test from "node:test";
import { z } from "zod";
import { createOwnMeter } from "../../../src/meter/own-meter.ts";
import type { Snapshot } from "../../../src/meter/snapshot.ts";
import { systemClock } from "../../../src/runtime/clock.ts";
import { createHttpClient } from "../../../src/runtime/http/client.ts";
import { otlpSchema } from "../../../src/sink/otlp/schema.ts";
import { createOtlpSink } from "../../../src/sink/otlp/sink.ts";
import { remoteWriteSchema } from "../../../src/sink/remote-write/schema.ts";
import { createRemoteWriteSink } from "../../../src/sink/remote-write/sink.ts";
import type { Sink } from "../../../src/sink/sink.ts";
import { skipWithout, startReceiver, type Receiver } from "../../support/receivers.ts";
import { energy, faults, frequency, power, series, snapshot } from "../remote-write/batches.ts";

const never = new AbortController().signal;
const identity = { job: "mac-powermetrics", instance: "mac.test", externalLabels: { team: "platform" } };

function startVictoria(): Promise<Receiver> {
  return startReceiver(
    "victoria-metrics",
    (address, folder) => [
      `-httpListenAddr=${address}`,
      `-storageDataPath=${folder}`,
      "-search.latencyOffset=0s",
    ],
    "/health",
  );
}

function startPrometheus(): Promise<Receiver> {
  const flags = ["--config.file=/dev/null", "--web.enable-remote-write-receiver"];
  return startReceiver(
    "prometheus",
    (address, folder) => [...flags, `--web.listen-address=${address}`, `--storage.tsdb.path=${folder}`],
    "/-/ready",
  );
}

function otlpTo({ origin }: Receiver, settings: object = {}): Sink {
  const parsed = otlpSchema.parse({ metrics_endpoint: `${origin}/opentelemetry/v1/metrics`, ...settings });
  const client = createHttpClient({}, { clock: systemClock, env: {} });
  return createOtlpSink(parsed, { client, identity, host: { name: "mac.test" }, version: "0.0.0" });
}

function remoteWriteTo({ origin }: Receiver): Sink {
  const client = createHttpClient({}, { clock: systemClock, env: {} });
  const settings = remoteWriteSchema.parse({ url: `${origin}/api/v1/write` });
  return createRemoteWriteSink(settings, { client, identity, version: "0.0.0" });
}

async function push(through: Sink, snapshots: readonly Snapshot[]): Promise<void> {
  const [protocol] = through.protocols;
  assert.equal((await through.probe(protocol, never)).outcome.status, "delivered");
  const body = through.encode({ snapshots }, protocol);
  assert.ok(body);
  const { outcome } = await through.send(body, protocol, never);
  assert.ok(outcome.status === "delivered", JSON.stringify(outcome));
  assert.equal(outcome.rejected, 0);
}

/** Series by their labels, each with its values by time in milliseconds. */
type Stored = Readonly<Record<string, readonly (readonly [number, string])[]>>;

const labels = z.record(z.string(), z.string());

/** What VictoriaMetrics makes of the resource and the scope, in place of `job` and `instance`. */
function prometheusLabels(all: Readonly<Record<string, string>>): string {
  const own = Object.entries(all).filter(([name]) => !/^(service|host|os|scope)\./.test(name));
  const identified = {
    ...Object.fromEntries(own),
    job: all["service.name"],
    instance: all["service.instance.id"],
  };
  return JSON.stringify(Object.entries(identified).toSorted());
}

async function inVictoria(receiver: Receiver): Promise<Stored> {
  const line = z.object({
    metric: labels,
    values: z.array(z.union([z.number(), z.string(), z.null()])),
    timestamps: z.array(z.number()),
  });
  await receiver.ask("/internal/force_flush");
  const text = await receiver.ask(`/api/v1/export?match[]=${encodeURIComponent('{__name__!=""}')}`);
  const all = text.split("\n").filter((row) => row !== "");
  return Object.fromEntries(
    all.map((row) => {
      const { metric, values, timestamps } = line.parse(JSON.parse(row));
      // A stale marker is shown as null, and Prometheus shows none.
      const points = timestamps.map((time, at) => [time, values[at] ?? null] as const);
      const told = points
        .filter(([, value]) => value !== null)
        .map(([time, value]) => [time, String(Number(value))] as const);
      return [prometheusLabels(metric), told];
    }),
  );
}

async function inPrometheus(receiver: Receiver, time: number): Promise<Stored> {
  const query = encodeURIComponent('{__name__=~"test_.*|mac_agent_.*"}[10m]');
  const answer = z.object({
    data: z.object({
      result: z.array(z.object({ metric: labels, values: z.array(z.tuple([z.number(), z.string()])) })),
    }),
  });
  const { data } = answer.parse(
    JSON.parse(await receiver.ask(`/api/v1/query?query=${query}&time=${time / 1000}`)),
  );
  return Object.fromEntries(
    data.result.map(({ metric, values }) => [
      JSON.stringify(Object.entries(metric).toSorted()),
      values.map(([seconds, value]) => [
        Math.round(seconds * 1000),
        String(Number(value.replace("Inf", "Infinity"))),
      ]),
    ]),
  );
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
    assert.deepEqual(await inVictoria(victoria), expected);
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
    const at = async (time: number): Promise<number> => {
      const text = await victoria.ask(`/api/v1/query?query=test_frequency_hertz&time=${time / 1000}&step=5m`);
      return z.object({ data: z.object({ result: z.array(z.unknown()) }) }).parse(JSON.parse(text)).data
        .result.length;
    };
    const [, second, third] = snapshots.map(({ time }) => time);
    assert.equal(await at(second ?? 0), 1);
    assert.equal(await at(third ?? 0), 0);

    await using json = otlpTo(victoria, { encoding: "json" });
    const body = json.encode({ snapshots }, "json");
    assert.ok(body);
    const { outcome } = await json.send(body, "json", never);
    assert.equal(outcome.status, "rejected", JSON.stringify(outcome));
  },
);
