/** A behaviour that the specification of remote write 2.0 asks of a sender, and what an agent under test has sent, to judge it by. */
import assert from "node:assert/strict";
import { bitsOf, staleBits, type Sample, type TimeSeries } from "./message.ts";
import type { Request } from "./recorder.ts";

/** Headings of the specification, https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/; a sender's own duties stand in none. */
export type Section =
  | "Protocol"
  | "Content-Encoding"
  | "Content-Type"
  | "X-Prometheus-Remote-Write-Version"
  | "User-Agent"
  | "Response"
  | "Required Written Response Headers"
  | "Partial Write"
  | "Unsupported Request Content"
  | "Invalid Samples"
  | "Retries & Backoff"
  | "2.x vs 1.x Compatibility"
  | "Protobuf Message"
  | "Symbols"
  | "Series Labels"
  | "Samples and Histogram Samples"
  | "Metadata"
  | "Exemplars"
  | "beyond the specification";

export interface Behaviour<Evidence> {
  readonly section: Section;
  readonly level: "MUST" | "SHOULD" | "MAY" | "–";
  /** A sentence about the agent. */
  readonly name: string;
  /** The cases of Prometheus' sender suite that look at it, as `file: case`. */
  readonly cases: readonly string[];
  /** Where the agent does other than the specification or the suite says, and why; it holds otherwise. */
  readonly verdict?: `left out: ${string}` | `differs: ${string}`;
  readonly judge: (evidence: Evidence) => void | Promise<void>;
}

/** What receivers of both versions got of the same series, from the first scrape to the agent's end. */
export interface Exchange {
  readonly two: readonly Request[];
  readonly one: readonly Request[];
  /** By the system's clock. */
  readonly began: number;
}

/** All series of requests, each as often as it was sent. */
export function allSeries(requests: readonly Request[]): readonly TimeSeries[] {
  const series = requests.flatMap(({ message }) => message.series);
  assert.ok(series.length > 0, "nothing was sent");
  return series;
}

export function labelsOf({ labels }: TimeSeries): Readonly<Record<string, string>> {
  return Object.fromEntries(labels);
}

/** Every time that series of this name, with these labels among theirs, were sent; at least once. */
export function named(
  requests: readonly Request[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): readonly TimeSeries[] {
  const found = (byName(requests).get(name) ?? []).filter((series) => {
    const own = labelsOf(series);
    return Object.entries(labels).every(([label, value]) => own[label] === value);
  });
  assert.ok(found.length > 0, `${name}${JSON.stringify(labels)} was not sent`);
  return found;
}

type Names = ReadonlyMap<string | undefined, readonly TimeSeries[]>;

const indexes = new WeakMap<readonly Request[], Names>();

/** Of an exchange that is over. */
function byName(requests: readonly Request[]): Names {
  const known = indexes.get(requests);
  if (known !== undefined) return known;
  const index = Map.groupBy(allSeries(requests), (series) => labelsOf(series)["__name__"]);
  indexes.set(requests, index);
  return index;
}

/** In the order of their arrival, end marks left out. */
export function samplesOf(series: readonly TimeSeries[]): readonly Sample[] {
  return series.flatMap(({ samples }) => samples.filter(({ value }) => value !== staleBits));
}

export function marksOf(series: readonly TimeSeries[]): readonly Sample[] {
  return series.flatMap(({ samples }) => samples.filter(({ value }) => value === staleBits));
}

/** Times of the scrapes that a target answered. On a busy machine a scrape may take longer than its interval, and fail. */
export function upTimes(requests: readonly Request[], job: string): readonly number[] {
  const ups = samplesOf(named(requests, "up", { job }));
  return ups.filter(({ value }) => value === bitsOf(1)).map(({ timestamp }) => timestamp);
}
