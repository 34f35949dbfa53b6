/**
 * Scrapes one target on its interval, until it is stopped. Scrapes begin at a fixed place in the interval, by the wall clock; those
 * that were missed, asleep or under load, are skipped. Nobody waits for a slow target.
 */
import { emptySet } from "../metric/series.ts";
import { scrapedSource, stalenessLimit, type Snapshot } from "../meter/snapshot.ts";
import { causeOf } from "../runtime/cause.ts";
import type { Clock } from "../runtime/clock.ts";
import { defined } from "../runtime/defined.ts";
import type { Logger } from "../runtime/log.ts";
import type { Scraped } from "./scrape.ts";
import type { Target } from "./targets.ts";

/** What the page and the API show of a target. */
export interface TargetState {
  readonly job: string;
  readonly instance: string;
  /** Without credentials; its parameters may hold secrets, so they are left out. */
  readonly address: string;
  readonly intervalMs: number;
  /** Absent before the first scrape. */
  readonly up?: boolean;
  /** Of the last scrape, milliseconds since the Unix epoch. */
  readonly lastScrape?: number;
  readonly durationMs?: number;
  /** Series of the last scrape, those about the scrape itself not among them. */
  readonly series?: number;
  /** `reason` is one line, safe to print. */
  readonly lastFailure?: { readonly time: number; readonly reason: string };
}

/** `job` is the name of the block: relabelling may give its targets others, without number. */
export interface ScrapeListener {
  publish(snapshot: Snapshot): void;
  failed(job: string, reason: string): void;
  /** Samples that are not kept: of a series that a scrape had already, or with a timestamp that came too late. */
  dropped(job: string, reason: "duplicate" | "out_of_order", samples: number): void;
}

export interface ScrapeLoopDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly listener: ScrapeListener;
  readonly scrape: (signal: AbortSignal) => Promise<Scraped>;
  /** Name of the target's block. */
  readonly job: string;
  /** Where in its interval the target is scraped, milliseconds. */
  readonly offsetMs: number;
  /** Of the target's last snapshot, where it was scraped before and its series have not ended. */
  readonly lastTime?: number;
}

export interface ScrapeLoop {
  readonly state: TargetState;
  /** Resolves once nothing of it is under way. */
  stop(): Promise<void>;
}

export function startScrapeLoop(target: Target, deps: ScrapeLoopDeps): ScrapeLoop {
  return new Loop(target, deps);
}

class Loop implements ScrapeLoop {
  readonly #target: Target;
  readonly #deps: ScrapeLoopDeps;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  /** Number of the place in time at which it was scraped last. */
  #place = Infinity;
  #last: Scraped | undefined;
  #lastTime: number | undefined;
  #lastFailure: TargetState["lastFailure"];

  constructor(target: Target, deps: ScrapeLoopDeps) {
    this.#target = target;
    this.#deps = deps;
    this.#lastTime = deps.lastTime;
    this.#running = this.#run();
  }

  get state(): TargetState {
    const { job, instance, url, intervalMs } = this.#target;
    const scraped = this.#last;
    return defined({
      job,
      instance,
      address: `${url.origin}${url.pathname}`,
      intervalMs,
      up: scraped && scraped.failure === undefined,
      lastScrape: scraped && this.#lastTime,
      durationMs: scraped?.durationMs,
      series: scraped?.series,
      lastFailure: this.#lastFailure,
    });
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock } = this.#deps;
    const { signal } = this.#stop;
    await clock.sleep(this.#untilNext(), signal);
    while (!signal.aborted) {
      await this.#scrape();
      await clock.sleep(this.#untilNext(), signal);
    }
  }

  /** A bug that shows at one target must not end the agent, nor the scrapes of this one. */
  async #scrape(): Promise<void> {
    const { signal } = this.#stop;
    this.#place = Math.round(this.#sinceFirst() / this.#target.intervalMs);
    try {
      const scraped = await this.#deps.scrape(signal);
      // What was given up says nothing of the target.
      if (!this.#stop.signal.aborted) this.#take(scraped);
    } catch (error) {
      const { job, instance } = this.#target;
      this.#deps.log.error(`cannot take a scrape of ${instance}: ${causeOf(error)}`, { job, instance });
    }
  }

  /** Nothing where a scrape that took the whole interval, as that of a target that hangs may, has just passed the next place. */
  #untilNext(): number {
    const { intervalMs } = this.#target;
    const sinceFirst = this.#sinceFirst();
    const place = Math.floor(sinceFirst / intervalMs);
    const past = sinceFirst - place * intervalMs;
    return place > this.#place && past <= intervalMs / 10 ? 0 : intervalMs - past;
  }

  /** Since the first place of all. */
  #sinceFirst(): number {
    return this.#deps.clock.now() - this.#deps.offsetMs;
  }

  #take(scraped: Scraped): void {
    const { listener, job } = this.#deps;
    const time = scraped.snapshots.at(-1)?.time ?? 0;
    this.#endBeforeGap(time);
    for (const snapshot of scraped.snapshots) listener.publish(snapshot);
    if (scraped.failure !== undefined) listener.failed(job, scraped.failure.reason);
    if (scraped.duplicates > 0) listener.dropped(job, "duplicate", scraped.duplicates);
    if (scraped.late > 0) listener.dropped(job, "out_of_order", scraped.late);
    this.#report(scraped, time);
    this.#last = scraped;
    this.#lastTime = time;
  }

  /** The machine slept: its series ended where that began, so that no chart draws a line across it. */
  #endBeforeGap(time: number): void {
    const last = this.#lastTime;
    if (last !== undefined && time - last > stalenessLimit(this.#target.intervalMs))
      this.#deps.listener.publish(endOf(scrapedSource(this.#target.name), last + 1));
  }

  /** Each change once. */
  #report({ failure, duplicates, late }: Scraped, time: number): void {
    const { log } = this.#deps;
    const { job, instance } = this.#target;
    if (failure !== undefined) {
      if (failure.reason !== this.#last?.failure?.reason)
        log.warn(`cannot scrape ${instance}: ${failure.message}`, { job, instance, reason: failure.reason });
      this.#lastFailure = { time, reason: failure.message };
    } else if (this.#last?.failure !== undefined) {
      log.info(`${instance} can be scraped again`, { job, instance });
    }
    const before = this.#last;
    if (duplicates > 0 && before?.duplicates !== duplicates)
      log.warn(`${instance} reports series more than once; the first of each is kept`, { job, duplicates });
    if (late > 0 && (before?.late ?? 0) === 0)
      log.warn(`${instance} reports samples older than before, which are left out`, { job, samples: late });
  }
}

/** Ends every series of a source. */
export function endOf(source: string, time: number): Snapshot {
  const values = new Float64Array(0);
  return { source, time, starts: {}, set: emptySet, values, ended: [] };
}
