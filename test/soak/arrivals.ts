/** Records which of the agent's snapshots arrived at one receiver: each once, by its source's marker and its time. */
import { gunzipSync } from "node:zlib";
import { uncompress } from "snappyjs";
import { countRemoteWrite, countSample, fields, parts, within } from "../fault/counting.ts";
import type { Kind, Receiver } from "../fault/receiver.ts";

/** One series that is in every snapshot of its source. */
const markers = {
  powermetrics: "powermetrics_sample_duration_seconds",
  vm_stat: "vmstat_page_size_bytes",
  sysctl: "vmstat_memory_total_bytes",
  pmset: "pmset_low_power_mode",
  // What the gauge says of the battery is withheld once the answer, which is always the same, is five minutes old.
  ioreg: "ioreg_gpu_memory_in_use_bytes",
  agent: "mac_agent_build_info",
} as const;
export type Source = keyof typeof markers;
const sourceByMarker: ReadonlyMap<string, Source> = new Map(
  Object.entries(markers).map(([source, name]) => [name, source as Source]),
);

export interface Arrivals {
  /** Snapshots that were taken, as `source time`; none of a Pushgateway, which is told no times. */
  readonly taken: ReadonlySet<string>;
  /** Those that were taken once more. */
  readonly again: number;
  /** Of requests that were taken once more. */
  readonly againSamples: number;
  /** How many of a source were taken. */
  of(source: Source): number;
  /** Snapshots of requests that were refused for good. */
  readonly refused: ReadonlySet<string>;
  readonly refusedSamples: number;
  /** Samples taken after each request, in order. */
  readonly totals: ReadonlySet<number>;
  /** Snapshots of powermetrics. */
  readonly documents: number;
}

/** Watches remote write 2, OTLP as protobuf or pushes from now on. */
export function watchArrivals(receiver: Receiver): Arrivals {
  const [taken, refused] = [new Set<string>(), new Set<string>()];
  const totals = new Set([0]);
  const counts = new Map<Source, number>();
  let [again, againSamples, refusedSamples, before] = [0, 0, 0, 0];
  const snapshotsOf = snapshotsIn[receiver.kind];
  receiver.witness = (body, status) => {
    if (body.length === 0 || status === undefined) return;
    if (status === 400) {
      refusedSamples += countRemoteWrite(body).samples;
      for (const [source, time] of snapshotsOf(body)) refused.add(`${source} ${time}`);
    }
    const samples = receiver.taken.samples - before;
    before = receiver.taken.samples;
    if (status !== 200 || samples === 0) return;
    totals.add(receiver.taken.samples);
    const found = [...snapshotsOf(body)];
    const known = found.filter(([source, time]) => taken.has(`${source} ${time}`)).length;
    again += known;
    if (known > 0 && known === found.length) againSamples += samples;
    for (const [source, time] of found) {
      const one = `${source} ${time}`;
      if (!taken.has(one)) counts.set(source, (counts.get(source) ?? 0) + 1);
      taken.add(one);
    }
  };
  return {
    taken,
    refused,
    totals,
    of: (source) => counts.get(source) ?? 0,
    get again() {
      return again;
    },
    get againSamples() {
      return againSamples;
    },
    get refusedSamples() {
      return refusedSamples;
    },
    get documents() {
      return counts.get("powermetrics") ?? 0;
    },
  };
}

type Found = Iterable<readonly [source: Source, time: number]>;

const snapshotsIn: Readonly<Record<Kind, (body: Buffer) => Found>> = {
  remote_write: inRemoteWrite,
  otlp: inOtlp,
  pushgateway: () => [],
};

/** Fields of io.prometheus.write.v2.Request: symbols 4, timeseries 5; of a series labels_refs 1, samples 2; of a sample timestamp 2. */
function* inRemoteWrite(body: Buffer): Generator<readonly [Source, number]> {
  const plain = uncompress(body);
  const symbols = [...parts(plain, [4])].map((text) => Buffer.from(text).toString());
  const sources = new Map(
    [...sourceByMarker].map(([name, source]) => [symbols.indexOf(name), source] as const),
  );
  sources.delete(-1);
  for (const series of parts(plain, [5])) {
    const source = sourceOf(series, sources);
    if (source === undefined) continue;
    // The mark of a series' end is no sample: a tool was killed, or the agent stops.
    for (const sample of parts(series, [2]))
      if (countSample(sample).marks === 0) yield [source, timeOf(sample)];
  }
}

/** Of a metric name 1 and gauge 5, whose points 1 have their time as field 3, in nanoseconds; every marker is a gauge. */
function* inOtlp(body: Buffer): Generator<readonly [Source, number]> {
  const isPacked = body[0] === 0x1f && body[1] === 0x8b;
  for (const metric of within(isPacked ? gunzipSync(body) : body, 1, 2, 2)) {
    const [name = new Uint8Array()] = parts(metric, [1]);
    const source = sourceByMarker.get(Buffer.from(name).toString());
    if (source === undefined) continue;
    for (const point of within(metric, 5, 1)) {
      const time = timeOfPoint(point);
      if (time !== undefined) yield [source, time];
    }
  }
}

/** None of a point without a value, which ends its series. */
function timeOfPoint(point: Uint8Array): number | undefined {
  const view = new DataView(point.buffer, point.byteOffset, point.byteLength);
  const all = [...fields(point)];
  const time = all.find(({ number }) => number === 3);
  if (time === undefined || !all.some(({ number }) => number === 4)) return undefined;
  return Number(view.getBigUint64(time.at, true) / 1_000_000n);
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
