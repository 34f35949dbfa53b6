/** Reads what a database holds: series by their text, values by their time. */
import { z } from "zod";
import type { Database } from "./prometheus.ts";

/** By `name{label="value"}` with sorted labels; each with its samples by time in milliseconds, the values as 64-bit numbers. */
export type Stored = ReadonlyMap<string, readonly Sample[]>;
export type Sample = readonly [time: number, value: number];

const matrix = z.object({
  data: z.object({
    result: z.array(
      z.object({
        metric: z.record(z.string(), z.string()),
        values: z.array(z.tuple([z.number(), z.string()])),
      }),
    ),
  }),
});

const vector = z.object({
  data: z.object({
    result: z.array(
      z.object({
        metric: z.record(z.string(), z.string()),
        value: z.tuple([z.number(), z.string()]),
      }),
    ),
  }),
});

/** Every sample that `selector` selects in the hours before `time`; end marks are none. */
export async function samplesOf(
  { ask }: Database,
  selector: string,
  time: number,
  hours = 1,
): Promise<Stored> {
  const query = encodeURIComponent(`${selector}[${hours}h]`);
  const answer = matrix.parse(JSON.parse(await ask(`/api/v1/query?query=${query}&time=${time / 1000}`)));
  return new Map(
    answer.data.result.map(({ metric, values }) => [
      textOf(metric),
      values.map(([seconds, text]) => [Math.round(seconds * 1000), numberOf(text)] as const),
    ]),
  );
}

/** What `expression` is at `time`. */
export async function valuesOf(
  { ask }: Database,
  expression: string,
  time: number,
): Promise<ReadonlyMap<string, number>> {
  const query = encodeURIComponent(expression);
  const answer = vector.parse(JSON.parse(await ask(`/api/v1/query?query=${query}&time=${time / 1000}`)));
  return new Map(answer.data.result.map(({ metric, value: [, text] }) => [textOf(metric), numberOf(text)]));
}

const exported = z.object({
  metric: z.record(z.string(), z.string()),
  values: z.array(z.number().nullable()),
  timestamps: z.array(z.number()),
});

/** Every sample that VictoriaMetrics holds, those stored twice twice. */
export async function exportOf({ ask }: Database, selector: string): Promise<Stored> {
  await ask("/internal/force_flush");
  const text = await ask(`/api/v1/export?reduce_mem_usage=1&match[]=${encodeURIComponent(selector)}`);
  const all = new Map<string, Sample[]>();
  for (const line of text.split("\n").filter((one) => one !== "")) {
    const { metric, values, timestamps } = exported.parse(JSON.parse(line));
    const samples = all.get(textOf(metric)) ?? [];
    values.forEach((value, at) => {
      if (value !== null) samples.push([timestamps[at] ?? NaN, value]);
    });
    all.set(textOf(metric), samples);
  }
  return all;
}

export function countOf(stored: Stored): number {
  return [...stored.values()].reduce((sum, samples) => sum + samples.length, 0);
}

export function timesOf(stored: Stored): readonly number[] {
  return [...stored.values()].flatMap((samples) => samples.map(([time]) => time)).toSorted((a, b) => a - b);
}

function textOf({ __name__: name = "", ...labels }: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([label, value]) => `${label}=${JSON.stringify(value)}`);
  return `${name}{${pairs.join(",")}}`;
}

function numberOf(text: string): number {
  return Number(text.replace("Inf", "Infinity"));
}
