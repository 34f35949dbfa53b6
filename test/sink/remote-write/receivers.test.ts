/** Remote write into the real thing: Prometheus reads both versions, VictoriaMetrics only says that it does. */
import assert from "node:assert/strict";
import test from "node:test";
import { z } from "zod";
import { systemClock } from "../../../src/runtime/clock.ts";
import { createHttpClient } from "../../../src/runtime/http/client.ts";
import { version1, version2 } from "../../../src/sink/remote-write/classify.ts";
import { remoteWriteSchema } from "../../../src/sink/remote-write/schema.ts";
import { createRemoteWriteSink } from "../../../src/sink/remote-write/sink.ts";
import type { Batch, Outcome, Sink } from "../../../src/sink/sink.ts";
import { findReceiver, skipWithout, startReceiver, type Receiver } from "../../support/receivers.ts";
import { energy, faults, frequency, power, series, snapshot } from "./batches.ts";
import { encodeAlone } from "../../support/encoded.ts";

const never = new AbortController().signal;
const core = series(frequency, { core: "cpu0" });

function sinkTo({ origin }: Receiver): Sink {
  const settings = remoteWriteSchema.parse({ url: `${origin}/api/v1/write` });
  const client = createHttpClient({}, { clock: systemClock, env: {} });
  const identity = { job: "mac-powermetrics", instance: "mac.test", externalLabels: { team: "platform" } };
  return createRemoteWriteSink(settings, { client, identity, version: "0.0.0" });
}

async function push(through: Sink, batch: Batch, protocol: string): Promise<Outcome> {
  const body = encodeAlone(through, batch, protocol);
  assert.ok(body);
  return (await through.send(body, protocol, never)).outcome;
}

/** Three seconds of samples that end one minute ago, and the mark of a core that vanished after two. */
function minuteAgo(): { readonly batch: Batch; readonly start: number } {
  const start = Math.floor(Date.now() / 1000) * 1000 - 60_000;
  const starts = { boot: start - 86_400_000, agent: start - 1000 };
  const both = [0, 1].map((second) =>
    snapshot(
      0,
      [
        [series(power), 90.5 + second],
        [core, Infinity],
        [series(faults), 5_488_725_224 + second],
        [series(energy), NaN],
      ],
      { time: start + second * 1000, starts },
    ),
  );
  const last = snapshot(0, [[series(power), -0.25]], { time: start + 2000, starts, ended: [core] });
  return { batch: { snapshots: [...both, last] }, start };
}

const queryAnswer = z.object({
  data: z.object({
    result: z.array(
      z.object({ metric: z.record(z.string(), z.string()), value: z.tuple([z.number(), z.string()]) }),
    ),
  }),
});

async function query(receiver: Receiver, expression: string, time: number) {
  const path = `/api/v1/query?query=${encodeURIComponent(expression)}&time=${time / 1000}`;
  return queryAnswer.parse(JSON.parse(await receiver.ask(path))).data.result;
}

function startPrometheus(): Promise<Receiver> {
  return startReceiver(
    "prometheus",
    (address, folder) => [
      "--config.file=/dev/null",
      "--web.enable-remote-write-receiver",
      `--web.listen-address=${address}`,
      `--storage.tsdb.path=${folder}`,
    ],
    "/-/ready",
  );
}

test(
  "Prometheus stores both versions alike, marks the end, and a batch sent twice does no harm",
  { skip: skipWithout("prometheus") },
  async () => {
    for (const protocol of [version2, version1]) {
      await using receiver = await startPrometheus();
      await using through = sinkTo(receiver);
      const { batch, start } = minuteAgo();
      assert.deepEqual(await push(through, batch, protocol), {
        status: "delivered",
        code: "204",
        rejected: 0,
      });
      // Without an out-of-order window only a series' newest sample may be repeated; the rest is refused, but it is stored.
      const again = await push(through, batch, protocol);
      assert.match(again.status === "switch" ? "" : (again.reason ?? ""), /out of order sample/);
      assert.equal(again.status, protocol === version2 ? "delivered" : "rejected");

      const [newest] = await query(receiver, "test_power_milliwatts", start + 2000);
      assert.deepEqual(newest?.metric, {
        __name__: "test_power_milliwatts",
        instance: "mac.test",
        job: "mac-powermetrics",
        team: "platform",
      });
      assert.equal(newest.value[1], "-0.25");
      const [counted] = await query(receiver, "test_faults_total", start + 1000);
      assert.equal(counted?.value[1], "5488725225");
      const [unknown] = await query(receiver, "test_energy_joules_total", start + 1000);
      assert.equal(unknown?.value[1], "NaN");
      assert.equal((await query(receiver, "test_frequency_hertz", start + 1000))[0]?.value[1], "+Inf");
      assert.deepEqual(await query(receiver, "test_frequency_hertz", start + 2000), []);
    }
  },
);

test(
  "Prometheus refuses a whole request for one old sample on version 1, and only the sample on version 2",
  { skip: skipWithout("prometheus") },
  async () => {
    await using receiver = await startPrometheus();
    await using through = sinkTo(receiver);
    const now = Date.now();
    const at = (one: typeof core, time: number): Batch["snapshots"][number] =>
      snapshot(0, [[one, 1]], { time });
    assert.equal((await push(through, { snapshots: [at(core, now)] }, version2)).status, "delivered");
    const mixed = { snapshots: [at(core, now - 7_200_000), at(series(power), now)] };

    const first = await push(through, mixed, version1);
    assert.ok(first.status === "rejected");
    assert.match(first.reason, /out_of_order_time_window/);
    assert.deepEqual(await query(receiver, "test_power_milliwatts", now), []);

    const second = await push(through, mixed, version2);
    assert.ok(second.status === "delivered");
    assert.equal(second.rejected, 1);
    assert.equal((await query(receiver, "test_power_milliwatts", now))[0]?.value[1], "1");
  },
);

test(
  "VictoriaMetrics' empty success on version 2 is no success, and version 1 is stored",
  { skip: skipWithout("victoria-metrics") },
  async () => {
    assert.ok(findReceiver("victoria-metrics"));
    await using receiver = await startReceiver(
      "victoria-metrics",
      (address, folder) => [
        `-httpListenAddr=${address}`,
        `-storageDataPath=${folder}`,
        "-search.latencyOffset=0s",
      ],
      "/health",
    );
    await using through = sinkTo(receiver);
    const { batch, start } = minuteAgo();
    const first = await push(through, batch, version2);
    assert.ok(first.status === "switch");
    assert.equal(first.protocol, version1);
    assert.equal((await push(through, batch, first.protocol)).status, "delivered");
    await receiver.ask("/internal/force_flush");
    assert.equal((await query(receiver, "test_power_milliwatts", start + 2000))[0]?.value[1], "-0.25");
    assert.equal((await query(receiver, "test_faults_total", start + 1000))[0]?.value[1], "5488725225");
  },
);
