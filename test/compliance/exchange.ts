/** One agent that scrapes targets and pushes what they expose to a receiver of each version, until it is told to end. */
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { startAgent, until } from "../cli/agent.ts";
import { labelsOf, type Exchange } from "./behaviour.ts";
import { staleBits, version1, version2 } from "./message.ts";
import { startRecorder, type Recorder } from "./recorder.ts";
import { startTarget, type Exposition, type Page } from "./target.ts";

export interface Job {
  readonly format: Exposition["format"];
  /** Absent where the target fails as soon as what is ending has come. */
  readonly text?: string;
  /** Exposed until it came to both receivers. */
  readonly ending?: { readonly name: string; readonly text: string; readonly series: number };
  /** That both receivers are to hear of. */
  readonly scrapes: number;
  /** In the block of `scrape_configs`, besides its name and target. */
  readonly scrapeConfig?: object;
}

export const noSources = {
  sources: Object.fromEntries(
    ["powermetrics", "vm_stat", "sysctl", "pmset", "ioreg"].map((name) => [name, { enabled: false }]),
  ),
};

export function scrapeBlock(job: string, target: string, scrapeConfig: object = {}): object {
  return {
    job_name: job,
    metrics_path: `/${job}`,
    scrape_interval: "700ms",
    static_configs: [{ targets: [target] }],
    ...scrapeConfig,
  };
}

/** @param remoteWriteConfig in both blocks of `remote_write` */
export async function exchange(
  t: TestContext,
  jobs: Readonly<Record<string, Job>>,
  remoteWriteConfig: object,
): Promise<Exchange> {
  const began = Date.now();
  const [two, one] = [await startRecorder(), await startRecorder()];
  for (const recorder of [two, one]) t.after(() => recorder[Symbol.asyncDispose]());
  const tallies = [createTally(two), createTally(one)];
  const all = Object.entries(jobs);
  const pages = all.map(([name, job]): readonly [string, Page] => [`/${name}`, pageOf(job, tallies)]);
  const target = await startTarget(t, new Map(pages));
  const block = ({ url }: Recorder, message: string): object => ({
    url,
    protobuf_message: message,
    ...remoteWriteConfig,
  });
  const agent = await startAgent(t, {
    configuration: JSON.stringify({
      ...noSources,
      scrape_configs: all.map(([name, { scrapeConfig }]) => scrapeBlock(name, target, scrapeConfig)),
      remote_write: [block(two, version2), block(one, version1)],
    }),
  });
  for (const [name, job] of all)
    await until(
      () => tallies.every((tally) => isDone(name, job, tally)),
      () => `${name} was not scraped ${job.scrapes} times, or ${job.ending?.name ?? "nothing"} had no end`,
    );
  assert.deepEqual(await agent.kill("SIGINT"), { code: 0, signal: null });
  return { two: two.requests, one: one.requests, began };
}

function pageOf({ format, text, ending }: Job, tallies: readonly Tally[]): Page {
  return () => {
    const isEnding =
      ending !== undefined && tallies.some((tally) => tally.series(ending.name) < ending.series);
    if (isEnding) return { format, text: ending.text + (text ?? "") };
    return text === undefined ? undefined : { format, text };
  };
}

function isDone(name: string, { scrapes, ending }: Job, tally: Tally): boolean {
  if (ending !== undefined && tally.marks(ending.name) < ending.series) return false;
  return tally.scrapes(name) >= scrapes;
}

/** Counts what came to a receiver, by the name of series; each request is counted once, however often it is asked. */
interface Tally {
  series(name: string): number;
  marks(name: string): number;
  scrapes(job: string): number;
}

function createTally(recorder: Recorder): Tally {
  const counts = new Map<string, number>();
  const seen = new Set<string>();
  let counted = 0;

  function add(key: string, count: number): void {
    counts.set(key, (counts.get(key) ?? 0) + count);
  }

  function count(key: string): number {
    for (const { message } of recorder.requests.slice(counted))
      for (const series of message.series) {
        const { __name__: name = "", job = "" } = labelsOf(series);
        const identity = JSON.stringify(series.labels);
        if (!seen.has(identity)) add(`series ${name}`, 1);
        seen.add(identity);
        add(`marks ${name}`, series.samples.filter(({ value }) => value === staleBits).length);
        if (name === "up") add(`scrapes ${job}`, series.samples.length);
      }
    counted = recorder.requests.length;
    return counts.get(key) ?? 0;
  }

  return {
    series: (name) => count(`series ${name}`),
    marks: (name) => count(`marks ${name}`),
    scrapes: (job) => count(`scrapes ${job}`),
  };
}
