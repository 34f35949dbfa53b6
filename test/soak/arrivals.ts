/** Owns what arrived of the agent's snapshots at one receiver: each once, by its source's marker and its time. */
import { uncompress } from "snappyjs";
import { countRemoteWrite, fields, parts } from "../fault/counting.ts";
import type { Receiver } from "../fault/receiver.ts";

/** A series that is in every snapshot of its source. */
const markers = {
  powermetrics: "powermetrics_sample_duration_seconds",
  vm_stat: "vmstat_page_size_bytes",
  sysctl: "vmstat_memory_total_bytes",
  pmset: "pmset_power_source_info",
  agent: "mac_agent_build_info",
} as const;
type Source = keyof typeof markers;

export interface Arrivals {
  /** Snapshots that were taken, as `source time`. */
  readonly taken: ReadonlySet<string>;
  /** Snapshots of requests that were refused for good. */
  readonly refused: ReadonlySet<string>;
  readonly refusedSamples: number;
  /** Samples taken after each request, in order. */
  readonly totals: ReadonlySet<number>;
  /** Snapshots of powermetrics. */
  readonly documents: number;
}

/** Watches remote write 2 from now on. */
export function watchArrivals(receiver: Receiver): Arrivals {
  const [taken, refused] = [new Set<string>(), new Set<string>()];
  const totals = new Set([0]);
  let [documents, refusedSamples] = [0, 0];
  receiver.witness = (body, status) => {
    if (body.length === 0 || status === undefined) return;
    if (status === 400) {
      refusedSamples += countRemoteWrite(body).samples;
      for (const one of snapshotsIn(body)) refused.add(one);
    }
    if (status !== 200 || totals.has(receiver.taken.samples)) return;
    totals.add(receiver.taken.samples);
    for (const one of snapshotsIn(body)) {
      if (!taken.has(one) && one.startsWith("powermetrics ")) documents++;
      taken.add(one);
    }
  };
  return {
    taken,
    refused,
    totals,
    get refusedSamples() {
      return refusedSamples;
    },
    get documents() {
      return documents;
    },
  };
}

/** Fields of io.prometheus.write.v2.Request: symbols 4, timeseries 5; of a series labels_refs 1, samples 2; of a sample timestamp 2. */
function* snapshotsIn(body: Buffer): Generator<string> {
  const plain = uncompress(body);
  const symbols = [...parts(plain, [4])].map((text) => Buffer.from(text).toString());
  const sources = new Map(
    Object.entries(markers).map(([source, name]) => [symbols.indexOf(name), source as Source]),
  );
  sources.delete(-1);
  for (const series of parts(plain, [5])) {
    const source = sourceOf(series, sources);
    if (source === undefined) continue;
    for (const sample of parts(series, [2])) yield `${source} ${timeOf(sample)}`;
  }
}

/** No label but the name has a metric's name as its value. */
function sourceOf(series: Uint8Array, sources: ReadonlyMap<number, Source>): Source | undefined {
  for (const packed of parts(series, [1]))
    for (const reference of numbersIn(packed)) {
      const source = sources.get(reference);
      if (source !== undefined) return source;
    }
  return undefined;
}

function timeOf(sample: Uint8Array): number {
  for (const { number, value } of fields(sample)) if (number === 2) return value;
  return 0;
}

function* numbersIn(packed: Uint8Array): Generator<number> {
  let [value, scale] = [0, 1];
  for (const byte of packed) {
    value += (byte & 0x7f) * scale;
    scale *= 0x80;
    if (byte >= 0x80) continue;
    yield value;
    [value, scale] = [0, 1];
  }
}
