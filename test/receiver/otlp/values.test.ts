/** Values that are hard to keep, and series that come and go, in VictoriaMetrics and Prometheus. */
import assert from "node:assert/strict";
import test from "node:test";
import type { Snapshot } from "../../../src/meter/snapshot.ts";
import { systemClock } from "../../../src/runtime/clock.ts";
import { createHttpClient } from "../../../src/runtime/http/client.ts";
import { otlpSchema } from "../../../src/sink/otlp/schema.ts";
import { createOtlpSink } from "../../../src/sink/otlp/sink.ts";
import type { Sink } from "../../../src/sink/sink.ts";
import { skipWithout } from "../../support/receivers.ts";
import { faults, frequency, latency, power, series, snapshot } from "../../sink/remote-write/batches.ts";
import { inVictoria, otlpAddress, startVictoria, valuesAt } from "./stored.ts";
import { encodeAlone } from "../../support/encoded.ts";

const never = new AbortController().signal;
const skip = skipWithout("victoria-metrics");
const core = series(frequency, { core: "cpu0" });

function sinkTo(metrics_endpoint: string): Sink {
  const client = createHttpClient({}, { clock: systemClock, env: {} });
  const identity = { job: "macs", instance: "mac.test", externalLabels: {} };
  return createOtlpSink(otlpSchema.parse({ metrics_endpoint }), {
    client,
    identity,
    host: {},
    version: "0.0.0",
    startedAt: 0,
  });
}

async function push(through: Sink, snapshots: readonly Snapshot[]): Promise<void> {
  const body = encodeAlone(through, { snapshots }, "protobuf");
  assert.ok(body);
  const { outcome } = await through.send(body, "protobuf", never);
  assert.deepEqual(outcome, { status: "delivered", code: outcome.code, rejected: 0 });
}

/** A minute ago, in whole seconds. */
const minuteAgo = (): number => Math.floor(Date.now() / 1000) * 1000 - 60_000;

test(
  "infinities and the smallest numbers are kept, and a NaN costs nothing but its own point",
  { skip },
  async () => {
    await using victoria = await startVictoria();
    await using through = sinkTo(otlpAddress(victoria));
    const start = minuteAgo();
    const values = [1, Infinity, NaN, -Infinity, 1e-9, -0.25, 0];
    await push(
      through,
      values.map((value, index) =>
        snapshot(
          0,
          [
            [series(power), value],
            [series(faults), index],
          ],
          { time: start + index * 1000 },
        ),
      ),
    );
    const stored = Object.entries(await inVictoria(victoria));
    const pointsOf = (name: string) => stored.find(([labels]) => labels.includes(name))?.[1];
    const told = values.map((value, index) => [start + index * 1000, value]);
    // It keeps no NaN but the one that ends a series.
    assert.deepEqual(
      pointsOf(power.name),
      told.filter(([, value]) => !Number.isNaN(value)),
    );
    assert.equal(pointsOf(faults.name)?.length, values.length);
  },
);

test("after a reboot a counter starts again, and what it counted before still counts", { skip }, async () => {
  await using victoria = await startVictoria();
  await using through = sinkTo(otlpAddress(victoria));
  const start = minuteAgo();
  const totals = [5_488_725_224, 5_488_725_264, 7, 27];
  const boots = [start - 86_400_000, start - 86_400_000, start + 15_000, start + 15_000];
  await push(
    through,
    totals.map((total, index) =>
      snapshot(0, [[series(faults), total]], {
        time: start + index * 10_000,
        starts: { boot: boots[index] ?? 0 },
      }),
    ),
  );
  await victoria.ask("/internal/force_flush");
  const end = start + 30_000;
  assert.deepEqual(await valuesAt(victoria, `resets(${faults.name}[1m])`, end), ["1"]);
  assert.deepEqual(await valuesAt(victoria, `increase(${faults.name}[30s])`, end), ["67"]);
});

test(
  "a snapshot without series is no request, and one that ends series ends them there",
  { skip },
  async () => {
    await using victoria = await startVictoria();
    await using through = sinkTo(otlpAddress(victoria));
    const start = minuteAgo();
    const parts = [
      [series(latency, { le: "0.1" }, `${latency.name}_bucket`), 1],
      [series(latency, { le: "+Inf" }, `${latency.name}_bucket`), 2],
      [series(latency, {}, `${latency.name}_sum`), 0.5],
      [series(latency, {}, `${latency.name}_count`), 2],
    ] as const;
    await push(through, [snapshot(0, [[series(power), 1], [core, 1e9], ...parts], { time: start })]);
    assert.equal(
      encodeAlone(through, { snapshots: [snapshot(0, [], { time: start + 1000 })] }, "protobuf"),
      undefined,
    );
    const gone = [core, ...parts.map(([part]) => part)];
    await push(through, [snapshot(0, [[series(power), 2]], { time: start + 2000, ended: gone })]);
    await push(through, [snapshot(0, [], { time: start + 3000, ended: [series(power)] })]);
    await victoria.ask("/internal/force_flush");
    const countAt = (ms: number) => valuesAt(victoria, 'count({__name__!=""})', start + ms);
    assert.deepEqual(await countAt(1000), ["6"]);
    assert.deepEqual(await countAt(2000), ["1"]);
    assert.deepEqual(await valuesAt(victoria, power.name, start + 2000), ["2"]);
    assert.deepEqual(await countAt(3000), []);
  },
);
