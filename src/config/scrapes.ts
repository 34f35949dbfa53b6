/** The section of targets whose metrics are scraped: Prometheus' `scrape_configs`. */
import * as z from "zod";
import { scrapeConfigSchema } from "../scrape/schema.ts";
import { uniqueBy } from "./unique.ts";

export const scrapeSection = z
  .array(scrapeConfigSchema)
  // A job's name is part of the name of each of its targets in the journal.
  .superRefine(uniqueBy("job_name"))
  .default([])
  .describe("Exporters on this machine whose metrics are kept and sent, too, in Prometheus' own words");
