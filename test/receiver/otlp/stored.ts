/** Reads what VictoriaMetrics and Prometheus hold of the agent's series, in one form, so that they can be compared. */
import assert from "node:assert/strict";
import { z } from "zod";
import { startReceiver, type Receiver } from "../../support/receivers.ts";

/** Series by their labels, each with its values by time in milliseconds; end marks are not among them. */
export type Stored = Readonly<Record<string, readonly Point[]>>;

type Point = readonly [time: number, value: number];

/** @param flags more of them */
export function startVictoria(flags: readonly string[] = []): Promise<Receiver> {
  const own = ["-search.latencyOffset=0s", ...flags];
  return startReceiver(
    "victoria-metrics",
    (address, folder) => [`-httpListenAddr=${address}`, `-storageDataPath=${folder}`, ...own],
    "/health",
  );
}

export function startPrometheus(): Promise<Receiver> {
  const own = ["--config.file=/dev/null", "--web.enable-remote-write-receiver"];
  return startReceiver(
    "prometheus",
    (address, folder) => [...own, `--web.listen-address=${address}`, `--storage.tsdb.path=${folder}`],
    "/-/ready",
  );
}

/** Where VictoriaMetrics takes OTLP. */
export function otlpAddress({ origin }: Receiver): string {
  return `${origin}/opentelemetry/v1/metrics`;
}

const labels = z.record(z.string(), z.string());

const exportLine = z.object({
  metric: labels,
  values: z.array(z.union([z.number(), z.string(), z.null()])),
  timestamps: z.array(z.number()),
});

/** All of it; the labels as Prometheus has them, with the resource's two in place of `job` and `instance`. */
export async function inVictoria(receiver: Receiver): Promise<Stored> {
  await receiver.ask("/internal/force_flush");
  const text = await receiver.ask(`/api/v1/export?match[]=${encodeURIComponent('{__name__!=""}')}`);
  const rows = text.split("\n").filter((row) => row !== "");
  return Object.fromEntries(
    rows.map((row) => {
      const { metric, values, timestamps } = exportLine.parse(JSON.parse(row));
      const all = timestamps.map((time, at) => [time, values[at] ?? null] as const);
      // An end mark is shown as null.
      const points = all.filter(([, value]) => value !== null);
      return [prometheusLabels(metric), points.map(([time, value]) => [time, Number(value)] as const)];
    }),
  );
}

/** VictoriaMetrics adds the attributes of resource and scope to every series, under their own names. */
function prometheusLabels(all: Readonly<Record<string, string>>): string {
  const own = Object.entries(all).filter(([name]) => !/^(service|host|os|device|scope)\./.test(name));
  const identified = {
    ...Object.fromEntries(own),
    job: all["service.name"],
    instance: all["service.instance.id"],
  };
  return JSON.stringify(Object.entries(identified).toSorted());
}

const matrix = z.object({
  data: z.object({
    result: z.array(z.object({ metric: labels, values: z.array(z.tuple([z.number(), z.string()])) })),
  }),
});

/** What the hours before `time` (milliseconds) hold. */
export async function inPrometheus(receiver: Receiver, time: number, hours = 1): Promise<Stored> {
  const query = encodeURIComponent(`{__name__!=""}[${hours}h]`);
  const answer = await receiver.ask(`/api/v1/query?query=${query}&time=${time / 1000}`);
  const { data } = matrix.parse(JSON.parse(answer));
  return Object.fromEntries(
    data.result.map(({ metric, values }) => [
      JSON.stringify(Object.entries(metric).toSorted()),
      values.map(
        ([seconds, value]) => [Math.round(seconds * 1000), Number(value.replace("Inf", "Infinity"))] as const,
      ),
    ]),
  );
}

/** Relative: VictoriaMetrics keeps a number as decimal digits, at times no more than twelve. */
const victoriaPrecision = 1e-11;

/** The same series, and each with the same times and values. */
export function assertSameSeries(found: Stored, expected: Stored): void {
  assert.deepEqual(Object.keys(found).toSorted(), Object.keys(expected).toSorted());
  for (const [labels, wanted] of Object.entries(expected)) {
    const points = found[labels] ?? [];
    assert.deepEqual(points.map(timeOf), wanted.map(timeOf), labels);
    for (const [index, [time, value]] of wanted.entries()) {
      const got = points[index]?.[1] ?? NaN;
      const near = Math.abs(got - value) <= Math.abs(value) * victoriaPrecision;
      assert.ok(Object.is(got, value) || near, `${labels} at ${time}: got ${got}, want ${value}`);
    }
  }
}

function timeOf([time]: Point): number {
  return time;
}

export function samplesIn(stored: Stored): number {
  return Object.values(stored).reduce((sum, points) => sum + points.length, 0);
}

const vector = z.object({
  data: z.object({ result: z.array(z.object({ value: z.tuple([z.number(), z.string()]) })) }),
});

/** The values that an expression has at a time in milliseconds, in either of the two. */
export async function valuesAt(
  receiver: Receiver,
  expression: string,
  time: number,
): Promise<readonly string[]> {
  const path = `/api/v1/query?query=${encodeURIComponent(expression)}&time=${time / 1000}&step=5m`;
  const { data } = vector.parse(JSON.parse(await receiver.ask(path)));
  return data.result.map(({ value: [, text] }) => text);
}
