import assert from "node:assert/strict";
import test from "node:test";
import fc from "../support/property.ts";
import { parsePowermetrics } from "../../src/parse/powermetrics.ts";
import { appleBytes, type PlistObject, type Writable } from "./apple-plist.ts";
import { cpu, nothingFound, read, timestamp } from "./document.ts";

test("the machine and the window are read", () => {
  const sample = read({
    is_delta: true,
    hw_model: "Mac16,10",
    kern_osversion: "25G229",
    kern_bootargs: "",
    kern_boottime: 1791154121,
    thermal_pressure: "Nominal",
  });
  assert.deepEqual(sample, {
    timestampMs: timestamp.getTime(),
    elapsedNs: 1e9,
    isDelta: true,
    hwModel: "Mac16,10",
    osBuild: "25G229",
    bootTimeMs: 1791154121000,
    thermalPressure: "nominal",
    findings: nothingFound,
  });
});

test("a document with its two essential keys is a sample, and a summary is distinguished from a window", () => {
  assert.deepEqual(read({}), {
    timestampMs: timestamp.getTime(),
    elapsedNs: 1e9,
    isDelta: true,
    findings: nothingFound,
  });
  assert.equal(read({ is_delta: false, elapsed_ns: 0 }).isDelta, false);
});

test("without window or time a document is an error", () => {
  const broken: [PlistObject, RegExp][] = [
    [{ timestamp }, /^unexpected elapsed_ns: .*, want a number of nanoseconds$/],
    [{ timestamp, elapsed_ns: "1000000000" }, /elapsed_ns/],
    [{ timestamp, elapsed_ns: -1 }, /elapsed_ns/],
    [{ timestamp, elapsed_ns: Infinity }, /elapsed_ns/],
    [{ elapsed_ns: 1e9 }, /^unexpected timestamp: .*, want a date in UTC$/],
    [{ elapsed_ns: 1e9, timestamp: "2026-01-02T03:04:05Z" }, /timestamp/],
  ];
  for (const [document, message] of broken) {
    const result = parsePowermetrics(appleBytes(document));
    assert.ok(!result.ok);
    assert.equal(result.error.kind, "content");
    assert.match(result.error.message, message);
  }
  const list = parsePowermetrics(appleBytes([1]));
  assert.ok(!list.ok && list.error.kind === "content");
  const cut = parsePowermetrics(appleBytes({ timestamp, elapsed_ns: 1 }).subarray(0, 200));
  assert.ok(!cut.ok && cut.error.kind === "syntax" && cut.error.offset !== undefined);
});

test("values that cannot be true are withheld and named", () => {
  const { processor, gpu, battery, network, disk, bootTimeMs, findings } = read({
    kern_boottime: -5,
    processor: {
      cpu_power: -1,
      cpu_energy: -1,
      gpu_power: NaN,
      ane_power: Infinity,
      combined_power: 2e6,
      package_energy: 1e12,
      clusters: [{ name: "E-Cluster", online_ratio: 7, cpus: [cpu(0, { freq_hz: -1, down_ratio: NaN })] }],
    },
    gpu: { freq_hz: 1e9, idle_ratio: -1, gpu_energy: -3 },
    battery: { percent_charge: 6325 },
    network: { ibytes: -1, obytes: 10 },
    disk: { rops_diff: NaN, wops_diff: 3 },
  });
  assert.deepEqual(Object.keys(processor ?? {}), ["clusters", "cores"]);
  assert.deepEqual(gpu, {});
  assert.deepEqual(battery, {});
  assert.deepEqual(network, { transmittedBytes: 10 });
  assert.deepEqual(disk, { writes: 3 });
  assert.equal(bootTimeMs, undefined);
  assert.deepEqual(findings.implausible.toSorted(), [
    "ane_power",
    "cluster_online_ratio",
    "combined_power",
    "core_down_ratio",
    "core_freq_hz",
    "cpu_energy",
    "cpu_power",
    "disk_rops_diff",
    "gpu_energy",
    "gpu_freq_hz",
    "gpu_idle_ratio",
    "gpu_power",
    "kern_boottime",
    "network_ibytes",
    "package_energy",
    "percent_charge",
  ]);
});

test("network, disk and battery are read", () => {
  const { network, disk, battery } = read({
    network: { opackets: 1, ipackets: 2, obytes: 3, ibytes: 4, obyte_rate: 0.5 },
    disk: { rops_diff: 5, wops_diff: 6, rbytes_diff: 7, wbytes_diff: 8, rops_per_s: 0.5 },
    battery: { percent_charge: 20 },
  });
  assert.deepEqual(network, {
    transmittedPackets: 1,
    receivedPackets: 2,
    transmittedBytes: 3,
    receivedBytes: 4,
  });
  assert.deepEqual(disk, { reads: 5, writes: 6, readBytes: 7, writtenBytes: 8 });
  assert.deepEqual(battery, { chargePercent: 20 });
});

test("interrupts of both dialects are read when asked for", () => {
  const interrupts = [
    { cpu: 0, interrupts: [{ name: "IRQ", events: 384, events_per_s: 2889.78 }] },
    {
      cpu: 1,
      vectors: [
        { name: "HPET", vector: 66, events: 2, events_per_s: 34.6 },
        { vector: 1, events: 3 },
      ],
    },
  ];
  const sample = read({ interrupts }, { interrupts: true });
  assert.deepEqual(sample.interrupts, [
    { core: "cpu0", type: "IRQ", count: 384 },
    { core: "cpu1", type: "HPET", count: 2 },
  ]);
  assert.deepEqual(sample.findings.unknown, ["interrupts[].vectors[].name"]);
  assert.equal(read({ interrupts }).interrupts, undefined);
});

test("unknown keys are found by path, once each, and cost nothing", () => {
  const { findings, processor } = read({
    new_scalar: 1,
    new_part: { a: [] },
    processor: {
      tpu_power: 5,
      cpu_power: 7,
      clusters: [{ name: "E", volts: 1, cpus: [cpu(0, { x: 1 }), cpu(1, { x: 1 })] }],
    },
  });
  assert.deepEqual(findings.unknown.toSorted(), [
    "new_part",
    "new_scalar",
    "processor.clusters[].cpus[].x",
    "processor.clusters[].volts",
    "processor.tpu_power",
  ]);
  assert.equal(processor?.cpuMilliwatts, 7);
});

test("what has another shape than ever is absent and found", () => {
  const { findings, ...sample } = read(
    {
      hw_model: 5,
      processor: { cpu_power: "90", gpu_power: 5, clusters: { name: "E-Cluster" } },
      gpu: [],
      battery: 20,
      disk: { rops_diff: true, wops_diff: 1 },
      coalitions: ["a", { name: "b" }],
    },
    { tasks: true },
  );
  assert.deepEqual(sample, {
    timestampMs: timestamp.getTime(),
    elapsedNs: 1e9,
    isDelta: true,
    processor: { gpuMilliwatts: 5, clusters: [], cores: [] },
    disk: { writes: 1 },
    tasks: [{ name: "b" }],
  });
  assert.deepEqual(findings.unknown.toSorted(), [
    "battery",
    "coalitions",
    "disk.rops_diff",
    "gpu",
    "hw_model",
    "processor.clusters",
    "processor.cpu_power",
  ]);
});

test("findings are bounded", () => {
  const many = Object.fromEntries(
    Array.from({ length: 500 }, (_, index) => [`${"k".repeat(200)}${index}`, 1]),
  );
  const few = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`k${index}`, 1]));
  assert.ok(read(many).findings.unknown.every((path) => path.length <= 100));
  assert.equal(read(few).findings.unknown.length, 100);
});

test("texts are bounded", () => {
  assert.equal(read({ hw_model: "é".repeat(1000) }).hwModel, "é".repeat(256));
  assert.ok(read({ hw_model: "x" + "😀".repeat(1000) }).hwModel?.isWellFormed());
});

test("a document of any shape is a sample, and never a throw", () => {
  const keys = fc.constantFrom(
    ...["processor", "gpu", "GPU", "battery", "network", "disk", "smc", "interrupts", "tasks", "coalitions"],
    ...[
      "clusters",
      "packages",
      "cores",
      "cpus",
      "cpu",
      "dvfm_states",
      "p_states",
      "used_ratio",
      "idle_ratio",
    ],
    ...[
      "cpu_power",
      "cpu_energy",
      "combined_power",
      "freq_hz",
      "name",
      "hw_model",
      "is_delta",
      "fan",
      "vectors",
    ],
  );
  const { tree } = fc.letrec<{ tree: Writable }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 6 },
      fc.constantFrom<Writable>(0, 1, -1, 0.5, NaN, Infinity, 1e300, "", "x", true, timestamp),
      fc.array(tie("tree"), { maxLength: 3 }),
      fc.dictionary(keys, tie("tree"), { maxKeys: 6, noNullPrototype: true }),
    ),
  }));
  const everything = { tasks: true, interrupts: true, frequencyResidency: true };
  fc.assert(
    fc.property(fc.dictionary(keys, tree, { noNullPrototype: true }), (parts) => {
      for (const value of numbersOf(read(parts, everything))) assert.ok(Number.isFinite(value));
    }),
    { numRuns: 300 },
  );
});

function numbersOf(value: unknown): number[] {
  if (typeof value === "number") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(numbersOf) : [];
}
