/** Small powermetrics documents for tests: the parts under test, in a window that needs no mention. */
import assert from "node:assert/strict";
import { parsePowermetrics, type PowermetricsOptions } from "../../src/parse/powermetrics.ts";
import type { PowermetricsSample } from "../../src/parse/sample.ts";
import { appleBytes, type PlistObject } from "./apple-plist.ts";

export const nothingFound = { unknown: [], implausible: [] };
export const timestamp = new Date(Date.UTC(2026, 0, 2, 3, 4, 5));

/** The sample of a document of one second with the given parts. */
export function read(parts: PlistObject, options?: PowermetricsOptions): PowermetricsSample {
  const result = parsePowermetrics(appleBytes({ elapsed_ns: 1e9, timestamp, ...parts }), options);
  assert.ok(result.ok, result.ok ? "" : result.error.message);
  return result.value;
}

/** A quiet core: nothing here makes a rail at zero implausible. */
export function cpu(number: number, parts: PlistObject = {}): PlistObject {
  return {
    cpu: number,
    freq_hz: 1e9,
    idle_ratio: 0.99,
    dvfm_states: [state(600, 0), state(1020, 0.01)],
    ...parts,
  };
}

export function state(freq: number, used_ratio: number): PlistObject {
  return { freq, used_ns: Math.round(used_ratio * 1e9), used_ratio };
}

/** Clusters whose cores never rest. */
export function busy(cores: number): PlistObject {
  const rows = Array.from({ length: cores }, (_, number) =>
    cpu(number, { idle_ratio: 0, dvfm_states: [state(2000, 1)] }),
  );
  return { clusters: [{ name: "P-Cluster", cpus: rows }] };
}
