/**
 * All targets of `scrape_configs`: finds them, keeps a loop for each, and changes to another configuration without a gap.
 *
 *     schema.ts ─► targets.ts ─► a loop each (loop.ts) ─► scrape.ts ─► Snapshot
 *
 * Read on in that order.
 */
import { isDeepStrictEqual } from "node:util";
import { causeOf } from "../runtime/cause.ts";
import type { Clock } from "../runtime/clock.ts";
import type { HttpClient } from "../runtime/http/client.ts";
import type { HttpSettings } from "../runtime/http/schema.ts";
import type { Logger } from "../runtime/log.ts";
import { createTurns } from "../runtime/turns.ts";
import { endsUnmarked, isScraped, scrapedSource, type LastOfSource } from "../meter/snapshot.ts";
import type { Relabel } from "../sink/relabel/apply.ts";
import type { RelabelRule } from "../sink/relabel/schema.ts";
import { createFetch } from "./fetch.ts";
import { endOf, startScrapeLoop, type ScrapeListener, type ScrapeLoop, type TargetState } from "./loop.ts";
import type { ScrapeConfig } from "./schema.ts";
import { createScrape, type Scraped } from "./scrape.ts";
import {
  offsetOf,
  targetsOf,
  withNames,
  type AsReader,
  type FoundTargets,
  type ScrapeTimes,
  type Target,
  type TargetFiles,
  type TargetGroup,
} from "./targets.ts";

export interface ScrapeLimits {
  readonly maxBodyBytes: number;
}

export interface ScrapeContext {
  readonly clock: Clock;
  readonly log: Logger;
  /** The agent's, for User-Agent. */
  readonly version: string;
  /** Of the agent: spreads the scrapes of one target over a fleet. */
  readonly instance: string;
  readonly createClient: (settings: HttpSettings, limits: ScrapeLimits) => HttpClient;
  /** Absent where files are read as who runs this. */
  readonly asReader?: AsReader;
}

export interface ScrapesDeps extends ScrapeContext {
  readonly listener: ScrapeListener;
  /** Where what is published goes to. */
  readonly journal: {
    /** What each source reported last, to an earlier process too. */
    sources(): ReadonlyMap<string, LastOfSource>;
  };
  /** Ends the looks at files. */
  readonly signal: AbortSignal;
}

export interface Scrapes {
  /** Puts a configuration in place: what is the same in both goes on. */
  apply(configs: readonly ScrapeConfig[], times: ScrapeTimes): Promise<void>;
  targets(): readonly TargetState[];
  /** Stops every loop and ends every series; a configuration that comes later starts nothing. */
  finish(): Promise<void>;
}

export function createScrapes(deps: ScrapesDeps): Scrapes {
  return new AllScrapes(deps);
}

/** A target with what runs for it. */
interface Running {
  readonly target: Target;
  readonly config: ScrapeConfig;
  readonly loop: ScrapeLoop;
  readonly client: HttpClient;
}

/** A block with the files that name its targets. */
interface Job {
  readonly config: ScrapeConfig;
  readonly times: ScrapeTimes;
  readonly relabel: Relabel;
  readonly metricRelabel: Relabel;
  readonly files: TargetFiles | undefined;
  readonly watching: AbortController;
}

interface Wanted {
  readonly target: Target;
  readonly job: Job;
}

class AllScrapes implements Scrapes {
  readonly #deps: ScrapesDeps;
  /** By the name of their blocks. */
  #jobs: ReadonlyMap<string, Job> = new Map();
  /** By the name of each target. */
  readonly #running = new Map<string, Running>();
  /** Each change waits for the one before. */
  readonly #inTurn = createTurns();
  #finished = false;
  /** Of the last look at files and targets. */
  #problems: ReadonlySet<string> = new Set();

  constructor(deps: ScrapesDeps) {
    this.#deps = deps;
  }

  apply(configs: readonly ScrapeConfig[], times: ScrapeTimes): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#finished) return;
      const jobs = new Map<string, Job>();
      for (const config of configs) jobs.set(config.job_name, await this.#job(config, times));
      const before = this.#jobs;
      for (const [name, job] of before) if (jobs.get(name) !== job) job.watching.abort();
      this.#jobs = jobs;
      for (const [name, job] of jobs) if (before.get(name) !== job) this.#watch(job);
      await this.#settle();
    });
  }

  targets(): readonly TargetState[] {
    return [...this.#running.values()].map(({ loop }) => loop.state);
  }

  async finish(): Promise<void> {
    await this.#inTurn(async () => {
      this.#finished = true;
      for (const { watching } of this.#jobs.values()) watching.abort();
      this.#jobs = new Map();
      await this.#settle();
    });
  }

  /** The job as it runs, where nothing of it changes. */
  async #job(config: ScrapeConfig, times: ScrapeTimes): Promise<Job> {
    const known = this.#jobs.get(config.job_name);
    if (known !== undefined && isDeepStrictEqual([known.config, known.times], [config, times])) return known;
    return {
      config,
      times,
      relabel: await compiled(config.relabel_configs),
      metricRelabel: await compiled(config.metric_relabel_configs),
      files: await targetFiles(config, this.#deps),
      watching: new AbortController(),
    };
  }

  /** Stops what is wanted no more, and starts what is new. */
  async #settle(): Promise<void> {
    const wanted = await this.#wanted();
    for (const [name, one] of [...this.#running]) {
      const next = wanted.get(name);
      if (next === undefined || !isSame(one, next.target, next.job.config)) await this.#stop(one);
    }
    for (const [name, { target, job }] of wanted) if (!this.#running.has(name)) this.#start(target, job);
    this.#endOthers();
  }

  /** Of targets that are gone: those that were stopped now, and those of a process that was killed. */
  #endOthers(): void {
    const { journal, listener, clock } = this.#deps;
    const running = new Set([...this.#running.keys()].map(scrapedSource));
    for (const [source, last] of journal.sources())
      if (isScraped(source) && hasSeries(last) && !endsUnmarked(source) && !running.has(source))
        listener.publish(endOf(source, Math.max(clock.now(), last.time + 1)));
  }

  /** The targets of all jobs, by name. */
  async #wanted(): Promise<ReadonlyMap<string, Wanted>> {
    const found: Wanted[] = [];
    const problems = new Set<string>();
    for (const job of this.#jobs.values()) {
      const ofJob = await foundTargets(job.config, job.times, job.relabel, job.files);
      for (const target of ofJob.targets) found.push({ target, job });
      for (const problem of ofJob.problems) problems.add(problem);
    }
    const wanted = new Map<string, Wanted>();
    withNames(found.map(({ target }) => target)).forEach((target, at) => {
      const job = found[at]?.job;
      if (job === undefined) return;
      if (!wanted.has(target.name)) wanted.set(target.name, { target, job });
      else
        problems.add(
          `scrape_configs ${job.config.job_name}: ${target.instance} is left out: another block has it with the same labels`,
        );
    });
    this.#warn(problems);
    return wanted;
  }

  /** Each problem once, for as long as it lasts. */
  #warn(problems: ReadonlySet<string>): void {
    for (const problem of problems) if (!this.#problems.has(problem)) this.#deps.log.warn(problem);
    this.#problems = problems;
  }

  #start(target: Target, { config, metricRelabel: relabel }: Job): void {
    const { clock, log, listener, journal, version, instance } = this.#deps;
    const client = this.#deps.createClient(config, { maxBodyBytes: config.body_size_limit });
    const ask = createFetch(target, config, { clock, client, version });
    const lastTimeOf = (source: string): number | undefined => journal.sources().get(source)?.time;
    const scrape = createScrape(target, config, { clock, ask, relabel, lastTimeOf });
    const last = journal.sources().get(scrapedSource(target.name));
    const loop = startScrapeLoop(target, {
      clock,
      log,
      listener,
      scrape,
      job: config.job_name,
      offsetMs: offsetOf(target, instance),
      ...(hasSeries(last) && { lastTime: last.time }),
    });
    this.#running.set(target.name, { target, config, loop, client });
  }

  async #stop({ target, loop, client }: Running): Promise<void> {
    this.#running.delete(target.name);
    await loop.stop();
    await client[Symbol.asyncDispose]();
  }

  /** Looks at the files of a job again and again; one look at a time, each in turn with other changes. */
  #watch({ config, files, watching }: Job): void {
    if (files === undefined) return;
    const everyMs = Math.min(...config.file_sd_configs.map(({ refresh_interval: interval }) => interval));
    const { clock, log } = this.#deps;
    const signal = AbortSignal.any([watching.signal, this.#deps.signal]);
    const look = async (): Promise<void> => {
      for (;;) {
        await clock.sleep(everyMs, signal, { align: "late" });
        if (signal.aborted) return;
        await this.#inTurn(() => this.#settle()).catch((error: unknown) => {
          log.error(`cannot follow files of targets: ${causeOf(error)}`);
        });
      }
    };
    void look();
  }
}

function hasSeries(last: LastOfSource | undefined): last is LastOfSource {
  return last?.set !== undefined && last.set.series.length > 0;
}

function isSame(one: Running, target: Target, config: ScrapeConfig): boolean {
  const { url, ...others } = one.target;
  const { url: nextUrl, ...nextOthers } = target;
  return (
    url.href === nextUrl.href &&
    isDeepStrictEqual(others, nextOthers) &&
    isDeepStrictEqual(ofTargets(one.config), ofTargets(config))
  );
}

/** Of a block what concerns a target that is there already. */
function ofTargets(config: ScrapeConfig): object {
  const { static_configs: _static, file_sd_configs: _files, relabel_configs: _rules, ...others } = config;
  return others;
}

/** The engine for expressions takes megabytes, so it loads where there are rules. */
async function compiled(rules: readonly RelabelRule[]): Promise<Relabel> {
  if (rules.length === 0) return (labels) => labels;
  const { compileRules } = await import("../sink/relabel/apply.ts");
  return compileRules(rules);
}

/** Their code loads where there are any. */
async function targetFiles(
  { file_sd_configs: configs }: ScrapeConfig,
  { asReader = (work) => work() }: Pick<ScrapeContext, "asReader">,
): Promise<TargetFiles | undefined> {
  const patterns = configs.flatMap(({ files }) => files);
  if (patterns.length === 0) return undefined;
  return (await import("./targets.ts")).createTargetFiles(patterns, asReader);
}

/** Those of the block, and those that its files list now. */
async function foundTargets(
  config: ScrapeConfig,
  times: ScrapeTimes,
  relabel: Relabel,
  files: TargetFiles | undefined,
): Promise<FoundTargets> {
  const listed = await files?.read();
  const groups: readonly TargetGroup[] = [...config.static_configs, ...(listed?.groups ?? [])];
  const { targets, problems } = targetsOf(config, groups, relabel, times);
  return { targets, problems: [...(listed?.problems ?? []), ...problems] };
}

/** One scrape of every target, at once: for `once` and `check --connect`. */
export async function scrapeOnce(
  configs: readonly ScrapeConfig[],
  times: ScrapeTimes,
  context: ScrapeContext,
  signal: AbortSignal,
): Promise<readonly { readonly target: Target; readonly scraped: Scraped }[]> {
  const found: { readonly target: Target; readonly config: ScrapeConfig; readonly relabel: Relabel }[] = [];
  for (const config of configs) {
    const rules = await compiled(config.relabel_configs);
    const { targets, problems } = await foundTargets(
      config,
      times,
      rules,
      await targetFiles(config, context),
    );
    for (const problem of problems) context.log.warn(problem);
    const relabel = await compiled(config.metric_relabel_configs);
    for (const target of targets) found.push({ target, config, relabel });
  }
  const named = withNames(found.map(({ target }) => target));
  return Promise.all(
    found.map(({ target, config, relabel }, at) =>
      scrapeTarget(named[at] ?? target, config, relabel, context, signal),
    ),
  );
}

async function scrapeTarget(
  target: Target,
  config: ScrapeConfig,
  relabel: Relabel,
  { clock, version, createClient }: ScrapeContext,
  signal: AbortSignal,
): Promise<{ readonly target: Target; readonly scraped: Scraped }> {
  await using client = createClient(config, { maxBodyBytes: config.body_size_limit });
  const ask = createFetch(target, config, { clock, client, version });
  return { target, scraped: await createScrape(target, config, { clock, ask, relabel })(signal) };
}
