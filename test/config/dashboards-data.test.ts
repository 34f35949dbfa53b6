/**
 * Dashboards and documents over data: simulated Macs of each class, their histories in a real Prometheus, and every query asked of it.
 * What no query of a panel finds on a class of Mac is listed in config/grafana/README.md, what some do not is listed here.
 */
import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import type { Snapshot } from "../../src/meter/snapshot.ts";
import { batteryAt } from "../../src/simulator/activity.ts";
import {
  dashboardFiles,
  documentQueries,
  documents,
  panelQueries,
  readRules,
  readText,
  ruleFiles,
  type PanelQuery,
} from "../rules/queries.ts";
import { monday } from "../simulator/run-tool.ts";
import { skipWithout, startReceiver } from "../support/receivers.ts";
import { startPrometheus, type LivePrometheus } from "./live-prometheus.ts";
import { historyMs, macHistory, type SimulatedMac } from "./mac-history.ts";

/** Always the same, as what a simulated Mac does depends on the time. */
const startMs = monday;
const endMs = startMs + historyMs;

/** Whose battery charges, so that its gauge reports all that it can. */
const charging = Array.from({ length: 100 }, (_, seed) => seed).find((seed) =>
  [startMs, endMs].every((time) => batteryAt(seed, time).state === "charging"),
);

const everywhere = ["llama", "smartctl"] as const;
const onAppleSilicon = [...everywhere, "macmon", "mactop"] as const;

const macs: readonly SimulatedMac[] = [
  { instance: "laptop", flags: `--chip m4pro --seed ${charging}`, scraped: onAppleSilicon },
  { instance: "mini", flags: "--chip m4", scraped: onAppleSilicon },
  { instance: "ultra", flags: "--chip m3ultra", scraped: onAppleSilicon },
  { instance: "intel", flags: `--chip intel --seed ${charging}`, scraped: everywhere },
];

const appleSilicon = ["laptop", "mini", "ultra"];
const desktops = ["mini", "ultra"];
const intel = ["intel"];
const notGauged = [...desktops, ...intel];

/** As config/grafana/README.md names them. */
const classes: Readonly<Record<string, readonly string[]>> = {
  desktops,
  Intel: intel,
  "desktops, Intel": notGauged,
  "Apple silicon": appleSilicon,
  "desktops with Apple silicon": desktops,
};

const rest = "display, memory, SSD, radios and losses";

/** Queries that find nothing on some Macs in panels that have others. */
const partlyEmpty: readonly (readonly [panel: string, legends: readonly string[], on: readonly string[]])[] =
  [
    // Of the whole machine where the battery's gauge reports it, which Intel's does not.
    ["Now / Power", ["machine"], notGauged],
    ["Now / Energy today", ["machine"], notGauged],
    ["Power and energy / Power of the machine and its chip", ["machine"], notGauged],
    ["Power and energy / Where the watts go", [rest], notGauged],
    ["Power and energy / Energy per hour", [rest], notGauged],
    // Intel has a package, Apple silicon has rails; DRAM is reported by macOS 11 and 12 alone.
    ["Power and energy / Where the watts go", ["CPU", "GPU", "ANE"], intel],
    ["Power and energy / Where the watts go", ["package"], appleSilicon],
    ["Power and energy / Energy per hour", ["CPU", "GPU", "ANE"], intel],
    ["Power and energy / Energy per hour", ["package"], appleSilicon],
    ["Power and energy / Power by rail", ["CPU", "GPU", "ANE"], intel],
    ["Power and energy / Power by rail", ["package"], appleSilicon],
    ["Power and energy / Power by rail", ["DRAM"], [...appleSilicon, ...intel]],
    // Intel has no clusters.
    ["Processor / Activity of clusters", ["{{cluster}}"], intel],
    ["Processor / Activity of clusters", ["all cores"], appleSilicon],
    ["Processor / Frequency of clusters", ["{{cluster}}"], intel],
    ["Processor / Frequency of clusters", ["all cores"], appleSilicon],
    // Only Apple silicon shares its memory with its GPU.
    ["Processor / GPU memory", ["{{gpu}} allocated"], intel],
    // powermetrics has temperatures of Intel's dies alone.
    ["Heat / Temperatures", ["CPU {{sensor_id}}", "GPU {{sensor_id}}"], ["laptop"]],
    ["Heat / Temperatures", ["battery"], intel],
    ["Battery and power source / Adapter and battery", ["from the adapter"], intel],
    ["Battery and power source / Power source", ["battery {{state}}", "gauge {{state}}"], desktops],
    // Columns of batteries.
    ["Machines / Machines", ["J", "K", "L"], desktops],
  ];
const scraped = "Scraped from other exporters: language models, temperatures, fans and disks";
const scrapedPartlyEmpty: typeof partlyEmpty = [
  [`${scraped} / Tokens per joule`, ["{{job}}: machine"], notGauged],
  // macmon and mactop are for Apple silicon.
  [`${scraped} / Temperatures`, ["CPU (macmon)", "GPU (macmon)", "chip (mactop)", "GPU (mactop)"], intel],
];

/** Documents' queries for what did not happen here. */
const notHere: readonly (readonly [RegExp, string])[] = [
  [/^powermetrics_thermal_pressure_state\{state!="nominal"\} == 1/, "all are cool"],
  [/^ioreg_battery_cycles > 800/, "the batteries are young"],
  [/permanent_failure/, "no battery failed"],
  [/push_time_seconds/, "there is no Pushgateway"],
  [/simulated="true"/, "all are simulated"],
];

test("every query returns data", { skip: skipWithout("prometheus") }, async (t) => {
  await using prometheus = await startPrometheus();
  for (const mac of macs) await prometheus.push(mac.instance, await macHistory(mac, startMs));

  await t.test("of every panel on each class of Mac, but for what is listed", () => panelsOf(prometheus));
  await t.test("of the documents", (st) => documentsOf(st, prometheus));
  await t.test("and draws a few of many Macs where it would draw each", async () => {
    const history = await macHistory({ instance: "many", flags: "--chip m4", scraped: [] }, startMs);
    for (let index = 0; index < many; index++)
      await prometheus.push(`many-${index}`, history.map(varied(index)));
    await manyOf(prometheus);
  });
});

test(
  "VictoriaMetrics takes every query of the dashboards",
  { skip: skipWithout("victoria-metrics") },
  async () => {
    await using receiver = await startReceiver(
      "victoria-metrics",
      (address, folder) => [`-httpListenAddr=${address}`, `-storageDataPath=${folder}`],
      "/health",
    );
    for (const { of, expression } of dashboardFiles.flatMap(panelQueries)) {
      const text = await receiver.ask(
        `/api/v1/query?${new URLSearchParams({ query: expression }).toString()}`,
      );
      assert.match(text, /^\{"status":"success"/, of);
    }
  },
);

async function panelsOf(prometheus: LivePrometheus): Promise<void> {
  const found: string[] = [];
  for (const path of dashboardFiles) {
    const panels = Object.groupBy(panelQueries(path), ({ panel }) => panel);
    for (const [panel, queries = []] of Object.entries(panels))
      for (const { instance } of macs) {
        const empty = await emptyOn(prometheus, instance, queries);
        if (empty.length === queries.length) found.push(`${instance}: ${panel}`);
        else found.push(...empty.map((legend) => `${instance}: ${panel}: ${legend}`));
      }
  }
  assert.deepEqual(found.toSorted(), [...listedAsEmpty(), ...listedAsPartlyEmpty()].toSorted());
}

/** Legends of the queries that return nothing on one Mac. */
async function emptyOn(
  prometheus: LivePrometheus,
  instance: string,
  queries: readonly PanelQuery[],
): Promise<readonly string[]> {
  const answers = await Promise.all(
    queries.map(({ expression }) =>
      prometheus.ask(expression.replaceAll('instance=~".+"', `instance=~"${instance}"`), endMs),
    ),
  );
  return queries.flatMap(({ legend }, index) => (answers[index]?.length === 0 ? [legend] : []));
}

/** By the table of config/grafana/README.md. */
function listedAsEmpty(): readonly string[] {
  const rows = [...readText("config/grafana/README.md").matchAll(/^\| \*(.+?)\* \| (.+?) \| .+ \|$/gm)];
  return rows.flatMap(([, panel = "", on = ""]) => {
    assert.ok(classes[on], `unexpected class of Macs: ${on}`);
    return classes[on].map((instance) => `${instance}: ${panel}`);
  });
}

function listedAsPartlyEmpty(): readonly string[] {
  return [...partlyEmpty, ...scrapedPartlyEmpty].flatMap(([panel, legends, on]) =>
    on.flatMap((instance) => legends.map((legend) => `${instance}: ${panel}: ${legend}`)),
  );
}

const many = 60;

/** Other values at each time, so that no Mac stays the highest. */
function varied(index: number): (snapshot: Snapshot, step: number) => Snapshot {
  return (snapshot, step) => ({
    ...snapshot,
    values: snapshot.values.map((value) => value * (1 + ((17 * index + 29 * step) % many) / many)),
  });
}

/** Twenty of them; the table of the fleet has a row for each. */
async function manyOf(prometheus: LivePrometheus): Promise<void> {
  const paths = dashboardFiles.filter((path) => !path.endsWith("host.json"));
  for (const { of, panel, expression, instant } of paths.flatMap(panelQueries)) {
    if (panel === "Machines / Machines") continue;
    const chosen = expression.replaceAll('instance=~".+"', 'instance=~"many-.*"').replaceAll("[6h]", "[5m]");
    const series = instant
      ? await prometheus.ask(chosen, endMs)
      : await prometheus.draw(chosen, startMs + 60_000, endMs);
    const drawn = new Set(series.map(({ instance }) => instance));
    assert.ok(drawn.size <= 20, `${of} draws ${drawn.size}`);
  }
}

async function documentsOf(t: TestContext, prometheus: LivePrometheus): Promise<void> {
  for (const { of, expression } of documents.flatMap(documentQueries)) {
    const series = await prometheus.ask(withoutRecorded(expression), endMs);
    const [, reason] = notHere.find(([pattern]) => pattern.test(expression)) ?? [];
    assert.equal(series.length > 0, reason === undefined, `${of}: ${expression}`);
    if (reason !== undefined) t.diagnostic(`${of} returns nothing here: ${reason}`);
  }
}

const recorded = new Map(
  ruleFiles
    .flatMap(readRules)
    .flatMap((rule) => ("record" in rule ? [[rule.record, rule.expr] as const] : [])),
);

/** What recording rules would have recorded, worked out on the spot: nothing evaluates rules in the past. */
function withoutRecorded(expression: string, within: readonly string[] = []): string {
  return expression.replace(/\b(\w+:\w+:\w+)(\[\w+)?/g, (all, name: string, range?: string) => {
    const rule = recorded.get(name);
    // A rule that names itself had nothing of itself at first.
    if (rule === undefined || within.includes(name)) return all;
    const inner = `(${withoutRecorded(rule, [...within, name])})`;
    return range === undefined ? inner : `${inner}${range}:1m`;
  });
}
