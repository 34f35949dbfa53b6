/** Compares a database with the agent's journal: the same series, times and values. */
import assert from "node:assert/strict";
import { openJournalReader } from "../../../src/journal/reader.ts";
import { seriesKey } from "../../../src/metric/series.ts";
import type { Sample, Stored } from "./stored.ts";

/** As the configurations of these tests have it. */
const identity = 'instance="mac.test",job="macs",team="platform"';
/** A series' text as the database has it, with identity, from the text that the agent has. */
export function identified(text: string): string {
  const [, name = "", own = ""] = /^([^{]+)(?:\{(.*)\})?$/s.exec(text) ?? [];
  const labels = [...own.matchAll(/[\w:]+="(?:[^"\\]|\\.)*"/gs)].map(([pair]) => pair);
  return `${name}{${[...labels, ...identity.split(",")].toSorted().join(",")}}`;
}

/** All samples of the journal, as the database should have them. */
export function journalled(path: string): Stored {
  const opened = openJournalReader(path, () => undefined);
  assert.equal(opened.status, "open");
  using reader = opened.reader;
  const found = new Map<string, Sample[]>();
  for (const { set, values, time } of reader.history({ fromMs: 0, toMs: Infinity }))
    set.series.forEach((series, index) => {
      const key = identified(seriesKey(series));
      const samples = found.get(key) ?? [];
      samples.push([time, values[index] ?? NaN]);
      found.set(key, samples);
    });
  return found;
}

export function assertSame(stored: Stored, expected: Stored): void {
  assert.deepEqual([...stored.keys()].toSorted(), [...expected.keys()].toSorted());
  for (const [series, samples] of expected) assert.deepEqual(stored.get(series), byTime(samples), series);
}

const byTime = (samples: readonly Sample[]): readonly Sample[] => samples.toSorted(([a], [b]) => a - b);
