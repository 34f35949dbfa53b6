/** The section of targets whose metrics are scraped: Prometheus' `scrape_configs`. */
import * as z from "zod";
import { scrapeConfigSchema } from "../scrape/schema.ts";

/** A job's name is part of the name of each of its targets in the journal. */
function uniqueJobs(blocks: readonly { readonly job_name: string }[], context: z.RefinementCtx): void {
  const first = new Map<string, number>();
  for (const [index, { job_name: name }] of blocks.entries()) {
    const before = first.get(name);
    if (before === undefined) first.set(name, index);
    else
      context.addIssue({
        code: "custom",
        path: [index, "job_name"],
        message: `must be unique, block [${before}] has it too`,
      });
  }
}

export const scrapeSection = z
  .array(scrapeConfigSchema)
  .superRefine(uniqueJobs)
  .default([])
  .describe("Exporters on this machine whose metrics are kept and sent, too, in Prometheus' own words");
