/** The real Pushgateway: what is in it after pushes of hosts with other ideas, and after a goodbye. */
import assert from "node:assert/strict";
import test from "node:test";
import { gauge } from "../../../src/metric/metric.ts";
import { systemClock } from "../../../src/runtime/clock.ts";
import { createHttpClient } from "../../../src/runtime/http/client.ts";
import { pushgatewaySchema } from "../../../src/sink/pushgateway/schema.ts";
import { createPushgatewaySink } from "../../../src/sink/pushgateway/sink.ts";
import type { Outcome, Sink } from "../../../src/sink/sink.ts";
import { startPushgateway } from "../../receiver/pushgateway/pushgateway.ts";
import { skipWithout, type Receiver } from "../../support/receivers.ts";
import { faults, frequency, latency, power, series, snapshot } from "../remote-write/batches.ts";
import { encodeAlone } from "../../support/encoded.ts";

const never = new AbortController().signal;
const skip = skipWithout("prometheus-pushgateway");

function sinkTo({ origin }: Receiver, instance: string, settings: object = {}): Sink {
  const client = createHttpClient({}, { clock: systemClock, env: {} });
  const identity = { job: "mac-powermetrics", instance, externalLabels: { team: "platform" } };
  const parsed = pushgatewaySchema.parse({ url: origin, ...settings });
  return createPushgatewaySink(parsed, { client, identity, version: "0.0.0" });
}

async function push(through: Sink, ...pairs: Parameters<typeof snapshot>[1]): Promise<Outcome> {
  const body = encodeAlone(through, { snapshots: [snapshot(0, pairs)] }, "text");
  assert.ok(body);
  return (await through.send(body, "text", never)).outcome;
}

/** Sample lines of the agent's metrics. */
async function told(receiver: Receiver): Promise<readonly string[]> {
  return (await receiver.ask("/metrics")).split("\n").filter((line) => line.startsWith("test_"));
}

test(
  "a push replaces the one before, names its instance, and a goodbye leaves nothing",
  { skip },
  async () => {
    await using receiver = await startPushgateway();
    await using through = sinkTo(receiver, "Jörg's Mac/2", { grouping_key: { site: "" } });
    assert.equal((await through.probe("text", never)).outcome.status, "delivered");
    const core = series(frequency, { core: 'c"\\\n0' });
    const pairs = [
      [core, 1e9],
      [series(power), NaN],
      [series(faults), 5_488_725_224],
      [series(latency, { le: "0.1" }, "test_latency_seconds_bucket"), 1],
      [series(latency, { le: "+Inf" }, "test_latency_seconds_bucket"), 2],
      [series(latency, {}, "test_latency_seconds_sum"), 0.5],
      [series(latency, {}, "test_latency_seconds_count"), 2],
    ] as const;
    assert.deepEqual(await push(through, ...pairs), { status: "delivered", code: "200", rejected: 0 });
    const group = `instance="Jörg's Mac/2",job="mac-powermetrics"`;
    const lines = await told(receiver);
    assert.ok(
      lines.some((line) => line.startsWith(`test_power_milliwatts{${group}`) && line.endsWith(" NaN")),
    );
    assert.ok(lines.some((line) => line.includes('core="c\\"\\\\\\n0"') && line.includes('team="platform"')));
    assert.equal(lines.length, 7);

    assert.equal((await push(through, [series(power), 7])).status, "delivered");
    assert.equal((await told(receiver)).length, 1, "what vanished is gone");

    const goodbye = await through.retire?.(never);
    assert.deepEqual(goodbye?.outcome, { status: "delivered", code: "202", rejected: 0 });
    assert.deepEqual(await told(receiver), []);
    assert.doesNotMatch(await receiver.ask("/metrics"), /push_time_seconds\{/);
  },
);

test(
  "hosts with different metrics live side by side, and a clash of types is told in the Pushgateway's words",
  { skip },
  async () => {
    await using receiver = await startPushgateway();
    await using old = sinkTo(receiver, "old");
    await using fresh = sinkTo(receiver, "new");
    assert.equal((await push(old, [series(power), 1])).status, "delivered");
    assert.equal(
      (await push(fresh, [series(power), 2], [series(frequency, { core: "x" }), 3])).status,
      "delivered",
    );
    assert.equal((await told(receiver)).length, 3);

    // A later version may word a family's help anew.
    const reworded = { ...power, help: "Power of the test, in other words" };
    assert.equal((await push(fresh, [series(reworded), 4])).status, "delivered");
    assert.deepEqual(
      (await told(receiver)).map((line) => line.split(" ").at(-1)),
      ["4", "1"],
    );
    assert.equal((await push(old, [series(power), 1])).status, "delivered");

    // The same series under another type; hosts never do this, as a name's type is a part of the contract.
    const clash = { ...faults, name: power.name };
    const outcome = await push(fresh, [series(clash), 1]);
    assert.ok(outcome.status === "rejected", JSON.stringify(outcome));
    assert.match(outcome.reason, /got 400.*test_power_milliwatts/);
    assert.equal((await told(receiver)).length, 2, "what was there stays");
    assert.equal((await push(fresh, [series(gauge("test_other_bytes", "Another")), 1])).status, "delivered");
  },
);
