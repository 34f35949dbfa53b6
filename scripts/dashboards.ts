/** Writes the dashboards: config/grafana/*.json from the descriptions in scripts/dashboards. */
import { writeFile } from "node:fs/promises";
import { dashboards, folder } from "./dashboards/index.ts";

for (const [name, text] of await dashboards()) await writeFile(new URL(name, folder), text);
