/** Messages that are filled in: nobody can tell them from those that are made anew. */
import assert from "node:assert/strict";
import test from "node:test";
import protobuf from "protobufjs/minimal.js";
import fc from "../../support/property.ts";
import { labelPairs, seriesSet, type Series } from "../../../src/metric/series.ts";
import type { Snapshot } from "../../../src/meter/snapshot.ts";
import type { Batch, Body, Sink } from "../../../src/sink/sink.ts";
import { remoteWriteSchema } from "../../../src/sink/remote-write/schema.ts";
import { createRemoteWriteSink } from "../../../src/sink/remote-write/sink.ts";
import { version1, version2 } from "../../../src/sink/remote-write/classify.ts";
import { energy, faults, frequency, latency, noon, power, series, snapshot } from "./batches.ts";
import { deadClient } from "./clients.ts";

/** By source; each has two, as a core comes and goes. One series is in two of them, one set has a start of its own. */
const sets = [
  [[series(power), series(energy), series(latency, {}, "test_latency_seconds_count")]],
  [[series(faults), series(frequency, { core: "cpu0" })], [series(faults)]],
  [[series(frequency, { core: "cpu1" })], [series(frequency, { core: "cpu0" })], [series(power), started()]],
].map((some) => some.map(seriesSet));

function started(): Series {
  return { metric: energy, name: energy.name, labels: labelPairs({ core: "cpu7" }), startMs: noon };
}

interface Wanted {
  /** For each source that is in the batch: which of its sets, whether something ends, and its values. */
  readonly parts: readonly { source: number; variant: number; ends: boolean; values: readonly number[] }[];
  readonly time: number;
  readonly agent: number | undefined;
  readonly boot: number | undefined;
  readonly protocol: string;
}

const aTime = fc.constantFrom(noon, noon + 1, noon + 86_400_000, 2 ** 35 - 1, 2 ** 42, 0, -1);
const aStart = fc.option(fc.constantFrom(noon, noon + 0.4, noon + 5000, -1), { nil: undefined });
const wanted: fc.Arbitrary<Wanted> = fc.record({
  parts: fc.array(
    fc.record({
      source: fc.nat(2),
      variant: fc.nat(2),
      ends: fc.nat(9).map((dice) => dice === 0),
      values: fc.array(fc.double(), { minLength: 3, maxLength: 3 }),
    }),
    { minLength: 1, maxLength: 4 },
  ),
  time: fc.oneof(fc.constant(noon), aTime, fc.integer({ min: noon, max: noon + 1e9 })),
  agent: aStart,
  boot: aStart,
  protocol: fc.constantFrom(version1, version2),
});

/** Others that look like it: ten seconds later, by the other protocol, one series ended, without starts. */
function similar(one: Wanted): readonly Wanted[] {
  const parts = one.parts.map((part) => ({ ...part, values: part.values.map((value) => -value) }));
  return [
    one,
    { ...one, parts, time: one.time + 10_000 },
    { ...one, parts, protocol: one.protocol === version1 ? version2 : version1 },
    { ...one, parts: parts.map((part) => ({ ...part, ends: !part.ends })) },
    { ...one, parts, agent: undefined, boot: undefined },
    one,
  ];
}

function batchOf({ parts, time, agent, boot }: Wanted): Batch {
  const starts = { ...(agent !== undefined && { agent }), ...(boot !== undefined && { boot }) };
  const snapshots = parts.map(({ source, variant, ends, values }, at): Snapshot => {
    const own = sets[source] ?? [];
    const set = own[variant % own.length] ?? seriesSet([]);
    return {
      source: `source ${source}`,
      time: time + at,
      starts,
      set,
      values: Float64Array.from(set.series, (_, column) => values[column] ?? 0),
      ended: ends ? [series(frequency, { core: "cpu9" })] : [],
    };
  });
  return { snapshots };
}

function open(relabelled: boolean): Sink {
  const settings = remoteWriteSchema.parse({ url: "http://receiver.test/" });
  const identity = { job: "j", instance: "i", externalLabels: {} };
  return createRemoteWriteSink(settings, {
    client: deadClient,
    identity,
    version: "1.2.3",
    ...(relabelled && { relabel: (labels) => (labels.get("core") === "cpu0" ? undefined : labels) }),
  });
}

function textOf(bodies: readonly Body[]): readonly unknown[] {
  return bodies.map(({ bytes, ...counts }) => ({ bytes: Buffer.from(bytes).toString("base64"), ...counts }));
}

function halvesOf(sink: Sink, bodies: readonly Body[]): readonly unknown[] {
  return bodies.map((body) => textOf(sink.halves?.(body) ?? []));
}

for (const relabelled of [false, true])
  test(`a batch has the same bytes, halves and counts after others of its kind${relabelled ? ", relabelled" : ""}`, () => {
    fc.assert(
      fc.property(fc.array(wanted, { minLength: 1, maxLength: 12 }), (all) => {
        const sink = open(relabelled);
        for (const one of all.flatMap(similar)) {
          const batch = batchOf(one);
          const fresh = open(relabelled);
          const [got, want] = [sink, fresh].map((through) => through.encode(batch, one.protocol));
          assert.ok(got && want);
          assert.deepEqual(textOf(got.bodies), textOf(want.bodies));
          assert.deepEqual(got.dropped, want.dropped);
          assert.deepEqual(halvesOf(sink, got.bodies), halvesOf(fresh, want.bodies));
        }
      }),
    );
  });

for (const protocol of [version1, version2])
  test(`where a series has a start of its own, labels are encoded once all the same, ${protocol}`, (t) => {
    const sink = open(false);
    const batch = (second: number): Batch => ({ snapshots: [snapshot(second, [[started(), second]])] });
    sink.encode(batch(0), protocol);
    const writers = t.mock.method(protobuf.Writer, "create");
    sink.encode(batch(1), protocol);
    assert.equal(writers.mock.callCount(), 0);
    open(false).encode(batch(2), protocol);
    assert.notEqual(writers.mock.callCount(), 0);
  });
