/** What the tests of scraping share: blocks as configured, targets, and a scrape whose answers a test writes. */
import { compileRules, type Relabel } from "../../src/sink/relabel/apply.ts";
import { seriesKey } from "../../src/metric/series.ts";
import type { Snapshot } from "../../src/meter/snapshot.ts";
import type { Fetched } from "../../src/scrape/fetch.ts";
import { scrapeConfigSchema, type ScrapeConfig } from "../../src/scrape/schema.ts";
import { createScrape, type Scraped } from "../../src/scrape/scrape.ts";
import { targetsOf, type Target } from "../../src/scrape/targets.ts";
import { fakeClock, type FakeClock } from "../support/fake-clock.ts";

export const times = { scrape_interval: 60_000, scrape_timeout: 10_000 };

export function configOf(settings: object = {}): ScrapeConfig {
  return scrapeConfigSchema.parse({ job_name: "node", ...settings });
}

export function rulesOf(rules: ScrapeConfig["relabel_configs"]): Relabel {
  return compileRules(rules);
}

/** The only target of a block. */
export function targetOf(config: ScrapeConfig, address = "127.0.0.1:9100"): Target {
  const groups = [{ targets: [address], labels: {} }];
  const { targets, problems } = targetsOf(config, groups, rulesOf(config.relabel_configs), times);
  const [target] = targets;
  if (target === undefined) throw new Error(problems.join("\n"));
  return target;
}

interface Rig {
  readonly clock: FakeClock;
  readonly target: Target;
  /** Scrapes a target that answers so. */
  readonly scrape: (answer: string | Fetched, format?: "text" | "openmetrics") => Promise<Scraped>;
}

export function scrapeRig(settings: object = {}): Rig {
  const clock = fakeClock();
  const config = configOf(settings);
  const target = targetOf(config);
  let next: Fetched;
  const relabel = rulesOf(config.metric_relabel_configs);
  const scrape = createScrape(target, config, { clock, ask: () => Promise.resolve(next), relabel });
  return {
    clock,
    target,
    scrape(answer, format = "text") {
      next = typeof answer === "string" ? { ok: true, body: Buffer.from(answer), format } : answer;
      return scrape(new AbortController().signal);
    },
  };
}

/** Values by series. */
export function valuesOf({ set, values }: Snapshot): Readonly<Record<string, number>> {
  return Object.fromEntries(set.series.map((series, at) => [seriesKey(series), values[at] ?? NaN]));
}
