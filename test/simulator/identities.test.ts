/** The figures of a simulated document agree with each other, whatever the chip, the seed and the hour. */
import assert from "node:assert/strict";
import test from "node:test";
import fc from "../support/property.ts";
import { chips } from "../../src/simulator/chips.ts";
import { powermetricsDocument } from "../../src/simulator/powermetrics.ts";
import type { Sampler } from "../../src/simulator/arguments.ts";
import {
  assertClose,
  clustersOf,
  coresOf,
  dictionary,
  list,
  number,
  parseDocument,
  type Dictionary,
} from "./dictionary.ts";

const silicon = Object.keys(chips).filter((name) => /^m\d/.test(name));
const moment = fc.integer({ min: Date.UTC(2024, 0, 1), max: Date.UTC(2030, 0, 1) });
const lengthMs = fc.integer({ min: 100, max: 30_000 });

function documentOf(
  name: string,
  seed: number,
  startMs: number,
  milliseconds: number,
  names: readonly Sampler[] = ["cpu_power", "gpu_power"],
): Dictionary {
  const chip = chips[name];
  assert.ok(chip !== undefined);
  const window = { startMs, endMs: startMs + milliseconds, elapsedNs: milliseconds * 1_000_000 + 41 };
  const samplers = new Set(names);
  const host = { chip, os: chip.os, seed };
  return parseDocument(
    powermetricsDocument({
      host,
      samplers,
      coalitions: false,
      tasks: 0,
      faults: [],
      window,
      number: 1,
      isDelta: true,
    }),
  );
}

function property(check: (document: Dictionary, milliseconds: number) => void): void {
  fc.assert(
    fc.property(
      fc.constantFrom(...silicon),
      fc.nat(1000),
      moment,
      lengthMs,
      (name, seed, startMs, milliseconds) =>
        check(documentOf(name, seed, startMs, milliseconds), milliseconds),
    ),
    { numRuns: 25 },
  );
}

const states = (owner: Dictionary): readonly Dictionary[] => list(owner["dvfm_states"]);
const usedRatios = (owner: Dictionary): number =>
  states(owner).reduce((sum, it) => sum + number(it["used_ratio"]), 0);

test("a core's residencies add up to one, and its frequency is their weighted mean", () => {
  property((document) => {
    for (const core of coresOf(document)) {
      const ratios = usedRatios(core) + number(core["idle_ratio"]) + number(core["down_ratio"] ?? 0);
      assertClose(ratios, 1, `residencies of cpu${number(core["cpu"])}`);
      const used = states(core).reduce((sum, it) => sum + number(it["used_ns"]), 0);
      const weighted = states(core).reduce((sum, it) => sum + number(it["used_ns"]) * number(it["freq"]), 0);
      assertClose(number(core["freq_hz"]), used === 0 ? 0 : (weighted / used) * 1e6, "freq_hz");
    }
  });
});

test("power is energy over the window's length, in whole millijoules, and the combined power is the sum", () => {
  property((document) => {
    const processor = dictionary(document["processor"]);
    const seconds = number(document["elapsed_ns"]) / 1e9;
    let sum = 0;
    for (const rail of ["cpu", "gpu", "ane"]) {
      const millijoules = number(processor[`${rail}_energy`]);
      assert.ok(Number.isInteger(millijoules) && millijoules >= 0);
      assertClose(number(processor[`${rail}_power`]), millijoules / seconds, `${rail}_power`);
      sum += millijoules;
    }
    assertClose(number(processor["combined_power"]), sum / seconds, "combined_power");
    assert.equal(processor["gpu_energy"], dictionary(document["gpu"])["gpu_energy"]);
  });
});

test("a GPU's residencies add up to one, and so do a cluster's frequencies unless the chip counts idle time in", () => {
  property((document) => {
    const gpu = dictionary(document["gpu"]);
    assertClose(usedRatios(gpu) + number(gpu["idle_ratio"]), 1, "residencies of the GPU");
    for (const cluster of clustersOf(document)) {
      const down = number(cluster["down_ratio"] ?? 0);
      const share = usedRatios(cluster);
      const remainder = share + number(cluster["idle_ratio"]);
      assert.ok(
        [share, remainder].some((it) => Math.abs(it + down - 1) < 1e-4),
        `shares of ${String(cluster["name"])}`,
      );
    }
  });
});

test("figures stay believable: no machine draws less than nothing or more than its supply", () => {
  property((document) => {
    const combined = number(dictionary(document["processor"])["combined_power"]);
    assert.ok(combined > 0 && combined < 400_000, `combined power is ${combined} mW`);
  });
});

/** What a document counts within its window; bytes are left out, since a window without packets has none. */
const countsIn = (document: Dictionary): readonly number[] => {
  const network = dictionary(document["network"]);
  const disk = dictionary(document["disk"]);
  return [network["opackets"], network["ipackets"], disk["rops_diff"], disk["wops_diff"]].map(number);
};

test("what is counted within windows is never below zero, and adds up however they are cut", () => {
  fc.assert(
    fc.property(fc.nat(1000), moment, lengthMs, lengthMs, (seed, startMs, first, second) => {
      const counts = (from: number, milliseconds: number): readonly number[] =>
        countsIn(documentOf("m4pro", seed, from, milliseconds, ["network", "disk"]));
      const [before, after] = [counts(startMs, first), counts(startMs + first, second)];
      assert.ok([...before, ...after].every((count) => Number.isInteger(count) && count >= 0));
      assert.deepEqual(
        counts(startMs, first + second),
        before.map((count, index) => count + (after[index] ?? NaN)),
      );
    }),
  );
});

test("load differs by seed and by hour", () => {
  const power = (seed: number, hour: number): unknown =>
    dictionary(documentOf("m4pro", seed, Date.UTC(2026, 0, 5, hour), 1000)["processor"])["cpu_power"];
  assert.equal(power(1, 10), power(1, 10));
  assert.notEqual(power(1, 10), power(2, 10));
  assert.notEqual(power(1, 10), power(1, 3));
});
