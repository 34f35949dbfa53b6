/**
 * Writes what the documentation takes from the code: METRICS.md's tables, the sinks' table of statuses, the alerts' runbooks, the JSON Schema and the example of the configuration, the manual page.
 * `node scripts/docs.ts` writes them, `node scripts/docs.ts --check` says which differ.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { formatCatalogue } from "../src/command/metrics.ts";
import { exampleFile } from "../src/config/example.ts";
import { jsonSchema } from "../src/config/json-schema.ts";
import { statusTable } from "../src/sink/statuses.ts";
import { version } from "../src/version.ts";
import { manualPage } from "./man.ts";
import { runbooks } from "./runbooks.ts";

const root = new URL("../", import.meta.url);

/**
 * The metric tables between METRICS.md's two marks; all else stays as it is.
 *
 * @throws Error when there is no such pair of marks
 */
export function withMetrics(document: string): string {
  return between(document, "metrics", formatCatalogue("md"));
}

function between(document: string, name: string, text: string): string {
  const begin = `<!-- ${name}:begin -->`;
  const end = `<!-- ${name}:end -->`;
  const from = document.indexOf(begin);
  const to = document.indexOf(end);
  if (from < 0 || to < from) throw new Error(`the document must have ${begin} and, below it, ${end}`);
  return `${document.slice(0, from + begin.length)}\n\n${text}\n${document.slice(to)}`;
}

/** The files that differ from what the code says, with what they should be. */
function drifted(): ReadonlyMap<string, string> {
  const wanted = new Map([
    ["METRICS.md", withMetrics(committed("METRICS.md"))],
    ["src/sink/README.md", between(committed("src/sink/README.md"), "statuses", statusTable())],
    ["config/prometheus/runbooks.md", runbooks(committed("config/prometheus/rules/alerts.yaml"))],
    ["config/agent.schema.json", jsonSchema()],
    ["config/agent.example.yaml", exampleFile()],
    ["man/mac-powermetrics-agent.1", manualPage(version)],
  ]);
  return new Map([...wanted].filter(([path, text]) => committed(path) !== text));
}

/** Empty where it is not there yet. */
function committed(path: string): string {
  const url = new URL(path, root);
  return existsSync(url) ? readFileSync(url, "utf8") : "";
}

if (import.meta.main) {
  const check = process.argv.includes("--check");
  for (const [path, text] of drifted()) {
    if (check) {
      console.error(`${path} must say what the code says: run npm run docs`);
      process.exitCode = 1;
    } else {
      writeFileSync(new URL(path, root), text);
      console.log(`wrote ${path}`);
    }
  }
}
