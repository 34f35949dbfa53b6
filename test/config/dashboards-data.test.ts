/**
 * Dashboards and documents over real data: simulated agents, a real Prometheus that they push to or that scrapes them, and every query of theirs asked of it.
 * It takes over a minute: the battery's gauge is read every 30 to 60 seconds, and an increase needs two readings.
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";
import { batteryAt } from "../../src/simulator/activity.ts";
import {
  dashboardFiles,
  documentQueries,
  documents,
  panelQueries,
  selectorsIn,
  type Query,
} from "../rules/queries.ts";
import { skipWithout, startReceiver, type Receiver } from "../support/receivers.ts";
import { exporters, serveExporters } from "../scrape/exporters.ts";
import { startAgent } from "./agents.ts";
import { temporaryFolder } from "../support/folder.ts";

/** Why a metric may have no series here; a query that returns nothing must name one of these. */
const mayBeAbsent: readonly (readonly [RegExp, string])[] = [
  [
    /^powermetrics_dram_power_milliwatts$/,
    "only macOS 11 and 12 tell, and the simulator's machines are newer",
  ],
  [/^mac_agent_source_(failures|series_dropped)_total$/, "no tool failed and no series was dropped"],
  [/^mac_agent_child_cpu_seconds_total$/, "the agent asks ps for it once a minute"],
  [/^mac_agent_journal_dropped_snapshots_total$/, "the journal lost nothing"],
  [/^mac_agent_scrape_samples_dropped_total$/, "every series is in its scrape once"],
];

const answer = z.object({
  status: z.literal("success"),
  data: z.object({ result: z.array(z.unknown()) }),
});

async function returns(receiver: Receiver, expression: string): Promise<boolean> {
  const text = await receiver.ask(`/api/v1/query?query=${encodeURIComponent(expression)}`);
  assert.notEqual(text, "", `Prometheus refuses ${expression}`);
  return answer.parse(JSON.parse(text)).data.result.length > 0;
}

/** Of a simulated laptop whose battery stays in this state for the next ten minutes, whatever the time of day. */
function seedOf(state: "charging" | "discharging"): number {
  const now = Date.now();
  for (let seed = 1; ; seed++)
    if ([now, now + 600_000].every((time) => batteryAt(seed, time).state === state)) return seed;
}

/** Takes what is pushed, and scrapes the addresses that a test writes to the file of targets. */
function startPrometheus(targets: string): Promise<Receiver> {
  const job = { job_name: "scraped", file_sd_configs: [{ files: [targets], refresh_interval: "1s" }] };
  const configuration = {
    global: { scrape_interval: "1s", scrape_timeout: "1s" },
    storage: { tsdb: { out_of_order_time_window: "7d" } },
    scrape_configs: [job],
  };
  return startReceiver(
    "prometheus",
    (address, folder) => {
      const file = join(folder, "prometheus.json");
      writeFileSync(file, JSON.stringify(configuration));
      return [
        `--config.file=${file}`,
        "--web.enable-remote-write-receiver",
        `--web.listen-address=${address}`,
        `--storage.tsdb.path=${join(folder, "data")}`,
      ];
    },
    "/-/ready",
  );
}

/** Leaves a metric out that no panel shows, so that there are dropped samples to show. */
function pushTo({ origin }: Receiver): object {
  const leaveOut = { source_labels: ["__name__"], regex: "powermetrics_core_info", action: "drop" };
  return {
    url: `${origin}/api/v1/write`,
    write_relabel_configs: [leaveOut],
    queue_config: { batch_send_deadline: "1s" },
  };
}

/** A job for each exporter whose metrics panels show, and one that nobody answers. */
function scrapeConfigs(address: string): readonly object[] {
  const block = (job_name: string, target: string) => ({
    job_name,
    scrape_interval: "1s",
    scrape_timeout: "1s",
    metrics_path: `/${job_name}/metrics`,
    static_configs: [{ targets: [target], labels: { instance: "${HOST}" } }],
  });
  return [...Object.keys(exporters).map((name) => block(name, address)), block("absent", "127.0.0.1:1")];
}

/** The queries that return nothing yet, asked again until none is left or the time is up. */
async function without(
  prometheus: Receiver,
  queries: readonly Query[],
  seconds: number,
): Promise<readonly Query[]> {
  let silent = queries;
  for (let second = 0; second < seconds && silent.length > 0; second++) {
    if (second > 0) await wait(1000);
    const answers = await Promise.all(silent.map(({ expression }) => returns(prometheus, expression)));
    silent = silent.filter((_, index) => answers[index] !== true);
  }
  return silent;
}

function excuse(expression: string): readonly [name: string, reason: string] | undefined {
  for (const { name } of selectorsIn(expression)) {
    const [, reason] = mayBeAbsent.find(([pattern]) => pattern.test(name)) ?? [];
    if (reason !== undefined) return [name, reason];
  }
  return undefined;
}

test(
  "every panel's query and every README's returns data of simulated Macs, and no published query fails",
  { skip: skipWithout("prometheus") },
  async (t) => {
    const targets = join(temporaryFolder(t), "targets.json");
    await writeFile(targets, "[]");
    await using prometheus = await startPrometheus(targets);
    await using served = await serveExporters();
    await using _laptop = await startAgent(`--chip m3max --seed ${seedOf("charging")}`, {
      remote_write: [pushTo(prometheus)],
      scrape_configs: scrapeConfigs(served.address),
    });
    await using intel = await startAgent(`--chip intel --seed ${seedOf("discharging")}`);
    await using faulty = await startAgent("--chip m4 --fault truncate@3 --fault zero-power");
    await writeFile(targets, JSON.stringify([{ targets: [intel.address, faulty.address] }]));

    const queries = dashboardFiles.flatMap(panelQueries);
    const demanded = queries.filter(({ expression }) => excuse(expression) === undefined);
    const missing = await without(prometheus, demanded, 120);
    assert.deepEqual(missing, []);

    // The README's need no recording rules; what a query that does would find is tested with the rules.
    const answers = await without(prometheus, documents.flatMap(documentQueries), 1);
    assert.deepEqual(
      answers.filter(({ of }) => of.startsWith("README.md")),
      [],
    );

    for (const { of, expression } of queries) {
      const [name, reason] = excuse(expression) ?? [];
      if (name === undefined || (await returns(prometheus, expression))) continue;
      assert.equal(
        await returns(prometheus, name),
        false,
        `${of} returns nothing, although there is ${name}`,
      );
      t.diagnostic(`${of} returns nothing here: ${reason}`);
    }
  },
);
