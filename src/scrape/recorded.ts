/** A saved answer of an exporter as a scrape of a target of its own: `replay --scrape`. */
import type { Clock } from "../runtime/clock.ts";
import { scrapeConfigSchema } from "./schema.ts";
import { createScrape, type Scraped } from "./scrape.ts";

/** @param timeMs of the scrape @param name of the file, which becomes its instance */
export function scrapeRecorded(body: Buffer, name: string, timeMs: number, clock: Clock): Promise<Scraped> {
  const job = "replay";
  const config = scrapeConfigSchema.parse({ job_name: job });
  const target = {
    name: `${job}/${name}`,
    url: new URL("http://recorded.invalid/"),
    labels: [
      ["instance", name],
      ["job", job],
    ] as const,
    job,
    instance: name,
    intervalMs: 60_000,
    timeoutMs: 60_000,
  };
  // Only OpenMetrics has a last line.
  const format = /# EOF\n?$/.test(body.subarray(-8).toString("latin1")) ? "openmetrics" : "text";
  const scrape = createScrape(target, config, {
    clock: { ...clock, now: () => timeMs },
    ask: () => Promise.resolve({ ok: true, body, format }),
    relabel: (labels) => labels,
  });
  return scrape(new AbortController().signal);
}
