/** An OTLP receiver that keeps every data point it gets, in a form in which two streams can be compared to the last bit. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { gunzipSync } from "node:zlib";
import { decodeJson, decodeProtobuf, type MetricMessage } from "../../sink/otlp/messages.ts";

type Request = ReturnType<typeof decodeProtobuf>;

export interface Point {
  /** Resource, scope, metric and attributes: what makes it this series and no other. */
  readonly series: string;
  readonly name: string;
  /** Nanoseconds since the Unix epoch, as are all times. */
  readonly time: bigint;
  readonly start: bigint;
  /** Of a histogram the count; absent for an end mark. */
  readonly value: number | undefined;
  /** Everything else: flags, and of a histogram its sum, counts and bounds. */
  readonly rest: string;
}

export interface Capture {
  /** Where it takes metrics. */
  readonly url: string;
  /** In the order in which they came. */
  readonly points: Point[];
  /** While false, requests wait for their answer. */
  answering: boolean;
}

export async function startCapture(t: TestContext): Promise<Capture> {
  const waiting: (() => void)[] = [];
  let answering = true;
  const server = createServer((request, answer) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const packed = Buffer.concat(chunks);
      const bytes = request.headers["content-encoding"] === "gzip" ? gunzipSync(packed) : packed;
      const isJson = request.headers["content-type"] === "application/json";
      const take = (): void => {
        capture.points.push(...pointsIn(isJson ? decodeJson(bytes) : decodeProtobuf(bytes)));
        answer.writeHead(200, { "content-type": "application/x-protobuf" }).end();
      };
      if (answering) take();
      else waiting.push(take);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const capture: Capture = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/metrics`,
    points: [],
    get answering() {
      return answering;
    },
    set answering(now) {
      answering = now;
      for (const take of now ? waiting.splice(0) : []) take();
    },
  };
  return capture;
}

export function pointsIn({ resourceMetrics }: Request): readonly Point[] {
  return resourceMetrics.flatMap(({ resource, scopeMetrics }) =>
    scopeMetrics.flatMap(({ scope, metrics }) =>
      metrics.flatMap((metric) => pointsOf(metric, [sorted(resource.attributes), scope.name, scope.version])),
    ),
  );
}

function pointsOf(metric: MetricMessage, around: readonly unknown[]): readonly Point[] {
  const { name, description, unit, gauge, sum, histogram } = metric;
  const kind = [
    gauge === undefined ? "" : "gauge",
    sum === undefined ? "" : `sum ${sum.aggregationTemporality} ${sum.isMonotonic}`,
    histogram === undefined ? "" : `histogram ${histogram.aggregationTemporality}`,
  ];
  const seriesOf = (attributes: Readonly<Record<string, string>>): string =>
    JSON.stringify([...around, name, description, unit, kind.join(""), sorted(attributes)]);
  const numbers = [...(gauge?.dataPoints ?? []), ...(sum?.dataPoints ?? [])].map((point) => ({
    series: seriesOf(point.attributes),
    name,
    ...timesOf(point),
    value: point.asDouble,
    rest: String(point.flags),
  }));
  const histograms = (histogram?.dataPoints ?? []).map((point) => ({
    series: seriesOf(point.attributes),
    name,
    ...timesOf(point),
    value: point.flags === 1 ? undefined : Number(point.count),
    rest: JSON.stringify([
      point.flags,
      exact(point.sum),
      point.bucketCounts,
      point.explicitBounds.map(exact),
    ]),
  }));
  return [...numbers, ...histograms];
}

function timesOf(point: {
  readonly timeUnixNano: string;
  readonly startTimeUnixNano: string;
}): Pick<Point, "time" | "start"> {
  return { time: BigInt(point.timeUnixNano), start: BigInt(point.startTimeUnixNano) };
}

function sorted(pairs: Readonly<Record<string, string>>): readonly (readonly [string, string])[] {
  return Object.entries(pairs).toSorted(([a], [b]) => (a < b ? -1 : 1));
}

/** Every double has its own text, −0 too. */
function exact(value: number | undefined): string {
  return Object.is(value, -0) ? "-0" : String(value);
}

export function textOf({ series, time, start, value, rest }: Point): string {
  return `${series} ${time} since ${start}: ${exact(value)} ${rest}`;
}

/** The same points in every field, each as often, and each series in the same order. */
export function assertSamePoints(got: readonly Point[], want: readonly Point[]): void {
  const missing = leftOf(want, got);
  const extra = leftOf(got, want);
  assert.deepEqual({ missing: missing.slice(0, 5), extra: extra.slice(0, 5) }, { missing: [], extra: [] });
  assertInOrder(got);
}

/** Texts of `from` without those of `others`, one for one. */
function leftOf(from: readonly Point[], others: readonly Point[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const text of others.map(textOf)) counts.set(text, (counts.get(text) ?? 0) + 1);
  return from.map(textOf).filter((text) => {
    const count = counts.get(text) ?? 0;
    counts.set(text, count - 1);
    return count <= 0;
  });
}

/** No series goes back in time, and none has two points at one. */
function assertInOrder(points: readonly Point[]): void {
  const last = new Map<string, bigint>();
  for (const point of points) {
    assert.ok((last.get(point.series) ?? 0n) < point.time, `out of order: ${textOf(point)}`);
    last.set(point.series, point.time);
  }
}
