/**
 * Dashboards over real data: simulated agents, a real Prometheus that scrapes them, and every panel's query asked of it.
 * It takes some 20 seconds, since the agents tell about themselves every 15.
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";
import { dashboardFiles, panelQueries, selectorsIn, type Query } from "../rules/queries.ts";
import { skipWithout, startReceiver, type Receiver } from "../sink/receivers.ts";
import { startAgent } from "./agents.ts";

/** Why a metric may have no series here; a query that returns nothing must name one of these. */
const mayBeAbsent: readonly (readonly [RegExp, string])[] = [
  [
    /^powermetrics_dram_power_milliwatts$/,
    "only macOS 11 and 12 tell, and the simulator's machines are newer",
  ],
  [/^mac_agent_source_(failures|series_dropped)_total$/, "no tool failed and no series was dropped"],
  [/^mac_agent_child_cpu_seconds_total$/, "the agent asks ps for it once a minute"],
  [/^mac_agent_(sink|journal|clock_skew)_/, "these agents are scraped and have no sink"],
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

function startPrometheus(targets: readonly string[]): Promise<Receiver> {
  const job = { job_name: "mac-powermetrics", static_configs: [{ targets }] };
  const configuration = { global: { scrape_interval: "1s", scrape_timeout: "1s" }, scrape_configs: [job] };
  return startReceiver(
    "prometheus",
    (address, folder) => {
      const file = join(folder, "prometheus.json");
      writeFileSync(file, JSON.stringify(configuration));
      return [
        `--config.file=${file}`,
        `--web.listen-address=${address}`,
        `--storage.tsdb.path=${join(folder, "data")}`,
      ];
    },
    "/-/ready",
  );
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

test("every panel's query returns data of simulated Macs", { skip: skipWithout("prometheus") }, async (t) => {
  const [laptop, intel, faulty] = await Promise.all([
    startAgent("--chip m3max"),
    startAgent("--chip intel"),
    startAgent("--chip m4 --fault truncate@3 --fault zero-power"),
  ]);
  await using _laptop = laptop;
  await using _intel = intel;
  await using _faulty = faulty;
  await using prometheus = await startPrometheus([laptop.address, intel.address, faulty.address]);

  const queries = dashboardFiles.flatMap(panelQueries);
  const demanded = queries.filter(({ expression }) => excuse(expression) === undefined);
  const missing = await without(prometheus, demanded, 45);
  assert.deepEqual(missing, []);

  for (const { of, expression } of queries) {
    const [name, reason] = excuse(expression) ?? [];
    if (name === undefined || (await returns(prometheus, expression))) continue;
    assert.equal(await returns(prometheus, name), false, `${of} returns nothing, although there is ${name}`);
    t.diagnostic(`${of} returns nothing here: ${reason}`);
  }
});
