/** Receivers that count: whatever the wire, the same samples have the same number and the same print. */
import assert from "node:assert/strict";
import test from "node:test";
import { createOwnMeter } from "../../src/meter/own-meter.ts";
import type { Snapshot } from "../../src/meter/snapshot.ts";
import { createHttpClient } from "../../src/runtime/http/client.ts";
import { receiversOf } from "../../src/sink/index.ts";
import { otlpSchema } from "../../src/sink/otlp/schema.ts";
import { remoteWriteSchema } from "../../src/sink/remote-write/schema.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { sinkContext } from "../support/sink-context.ts";
import {
  countOtlp,
  countRemoteWrite,
  countSnapshot,
  nothing,
  plus,
  type Counted,
} from "../fault/counting.ts";

const begin = Date.UTC(2026, 0, 1);
const wires = {
  remote_write: { settings: remoteWriteSchema.parse({ url: "http://127.0.0.1/" }), count: countRemoteWrite },
  otlp: {
    settings: otlpSchema.parse({ endpoint: "http://127.0.0.1", compression: "none" }),
    count: countOtlp,
  },
};

/** Counters, gauges and a histogram. */
async function snapshots(): Promise<readonly Snapshot[]> {
  const own = createOwnMeter(begin);
  const all: Snapshot[] = [];
  for (let at = 1; at <= 4; at++) {
    own.count("sinkSent", at * 17, { sink: "a" });
    own.record("sinkDuration", at / 7, { sink: "a" });
    all.push({ ...(await own.snapshot(begin + at * 15_000)), ended: [] });
  }
  const [first] = all;
  const end = own.end(begin + 75_000);
  return end === undefined ? all : [...all, { ...end, ended: first?.set.series ?? [] }];
}

for (const kind of ["remote_write", "otlp"] as const)
  test(`${kind}: samples count as they were taken, and a snapshot twice with the next one missing has another print`, async () => {
    const taken = await snapshots();
    const count = await counterOf(kind);
    const inAll = taken.map(countSnapshot).reduce(plus, nothing);
    const { samples, print, marks } = count(taken);
    assert.deepEqual({ samples, print }, { samples: inAll.samples, print: inAll.print });
    assert.ok(marks > 0);
    const [one, two] = taken.map((snapshot) => count([snapshot]));
    assert.ok(one !== undefined && two !== undefined);
    const twice = plus(count(taken), one);
    assert.notEqual((twice.print - two.print) >>> 0, print);
  });

async function counterOf(kind: keyof typeof wires): Promise<(snapshots: readonly Snapshot[]) => Counted> {
  const blocks = {
    remote_write: kind === "remote_write" ? [wires.remote_write.settings] : [],
    otlp: kind === "otlp" ? [wires.otlp.settings] : [],
    pushgateway: [],
  };
  const [receiver] = receiversOf(blocks);
  assert.ok(receiver);
  const clock = fakeClock();
  const sink = await receiver.open(sinkContext((settings) => createHttpClient(settings, { clock, env: {} })));
  return (batch) =>
    sink
      .encode({ snapshots: batch }, sink.protocols[0])
      .bodies.map(({ bytes }) => wires[kind].count(bytes))
      .reduce(plus, nothing);
}
