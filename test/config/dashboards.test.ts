/** Dashboards as files: generated, complete, and laid out without overlaps. */
import assert from "node:assert/strict";
import test from "node:test";
import { parse } from "yaml";
import { z } from "zod";
import { exporterMetrics } from "../../scripts/dashboards/exporters.ts";
import { dashboards } from "../../scripts/dashboards/index.ts";
import { catalogue } from "../../src/meter/catalogue.ts";
import {
  dashboardFiles,
  panelQueries,
  readDashboard,
  readText,
  selectorsIn,
  type Panel,
} from "../rules/queries.ts";

const all = dashboardFiles.map((path) => ({ path, ...readDashboard(path) }));

test("the files are what the description says; node scripts/dashboards.ts writes them", async () => {
  const described = await dashboards();
  assert.deepEqual(
    [...described.keys()].map((name) => `config/grafana/${name}`),
    dashboardFiles,
  );
  for (const [name, text] of described)
    assert.ok(readText(`config/grafana/${name}`) === text, `config/grafana/${name} is out of date`);
});

test("every panel has a title, a description, a unit and a query", () => {
  for (const { path, panels } of all) {
    assert.ok(panels.length > 10);
    for (const { title, description, fieldConfig, targets } of panels) {
      assert.match(title, /^([A-Z]|macOS)/, path);
      assert.match(description, /\.$/, `${path}: ${title}`);
      assert.ok(fieldConfig?.defaults.unit, `${path}: ${title} has no unit`);
      assert.ok(targets.length > 0, `${path}: ${title} has no query`);
    }
    const titles = panels.map(({ title, gridPos }) => `${title} ${gridPos.y}`);
    assert.equal(new Set(titles).size, titles.length);
  }
});

test("every dashboard is chosen by data source, job and instance, and its queries use no other variable than it has", () => {
  for (const { path, variables } of all) {
    assert.deepEqual(variables.slice(0, 3), ["datasource", "job", "instance"]);
    for (const { of, expression } of panelQueries(path)) assert.doesNotMatch(expression, /\$[a-z_{]/, of);
    const raw = readText(path);
    for (const used of raw.matchAll(/\$(job|instance|price|carbon)\b/g))
      assert.ok(variables.includes(used[1] ?? ""), path);
  }
});

test("every selector is narrowed to the chosen job and instance, what is scraped to the instance", () => {
  for (const { of, expression } of dashboardFiles.flatMap(panelQueries)) {
    for (const { name, labels } of selectorsIn(expression)) {
      const chosen = exporterMetrics[name] === undefined ? ["job", "instance"] : ["instance"];
      assert.deepEqual(labels.slice(0, chosen.length), chosen, `${of}: ${name}`);
    }
  }
});

const refSchema = z.object({ type: z.literal("prometheus"), uid: z.literal("${datasource}") });

test("every panel asks the data source that is chosen, and each dashboard and panel has an identity of its own", () => {
  for (const { path, panels } of all) {
    for (const { title, datasource } of panels)
      assert.ok(refSchema.safeParse(datasource).success, `${path}: ${title}`);
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length, path);
  }
  assert.deepEqual(
    all.map(({ uid }) => uid),
    ["mac-fleet", "mac-host", "mac-agent"],
  );
});

test("links lead to dashboards that are there, with variables that they have", () => {
  let found = 0;
  for (const [, uid = "", query = ""] of all.flatMap(({ path }) => [
    ...readText(path).matchAll(/"\/d\/([\w-]+)\?([^"]*)"/g),
  ])) {
    found++;
    const target = all.find((it) => it.uid === uid);
    assert.ok(target, uid);
    for (const [, name = ""] of query.matchAll(/var-(\w+)=/g))
      assert.ok(target.variables.includes(name), `${uid} has no variable ${name}`);
  }
  assert.ok(found > 0);
});

function overlap(a: Panel["gridPos"], b: Panel["gridPos"]): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

test("the agents' panels with series of each machine show a few of a thousand, the same ones for the whole range", () => {
  const { panels = [] } = all.find(({ path }) => path.endsWith("agent.json")) ?? {};
  const ofMachines = panels.flatMap(({ targets }) =>
    targets.filter(({ legendFormat }) => legendFormat?.includes("{{instance}}") === true),
  );
  assert.ok(ofMachines.length >= 15, String(ofMachines.length));
  for (const { expr } of ofMachines) assert.match(expr, /\b(?:topk|bottomk)\(20, .* @ end\(\)\)/);
});

test("an Intel Mac, with a package and without rails and clusters, is on the panels of power and cores", () => {
  const { panels = [] } = all.find(({ path }) => path.endsWith("host.json")) ?? {};
  const queriesOf = (title: string): string =>
    panels
      .filter((panel) => panel.title === title)
      .flatMap(({ targets }) => targets.map(({ expr }) => expr))
      .join("\n");
  for (const title of ["Where the watts go", "Energy per hour", "Power by rail", "Work per energy"])
    assert.match(queriesOf(title), /powermetrics_package_(?:power|energy)/, title);
  for (const title of ["Activity of clusters", "Frequency of clusters"])
    assert.match(queriesOf(title), /avg without \(core\) \(powermetrics_cpu_/, title);
});

test("panels lie within the grid and none covers another", () => {
  for (const { path, panels } of all) {
    for (const [index, { title, gridPos }] of panels.entries()) {
      assert.ok(gridPos.x >= 0 && gridPos.x + gridPos.w <= 24, `${path}: ${title}`);
      const covered = panels.slice(index + 1).find((other) => overlap(gridPos, other.gridPos));
      assert.equal(covered?.title, undefined, `${path}: ${title}`);
    }
  }
});

test("every metric that is exported by default is on a dashboard, or left out for a reason", () => {
  const shown = new Set(
    dashboardFiles
      .flatMap(panelQueries)
      .flatMap(({ expression }) => selectorsIn(expression).map(({ name }) => name)),
  );
  const leftOut = [
    // Complements of what is shown.
    /_(idle|down)_residency_percent$/,
    /^powermetrics_(cpu_frequency_hertz|cluster_online_percent|core_info)$/,
    /^vmstat_pages_(active|inactive|throttled)_count$/,
    /^vmstat_pages_(reactivated|purged)_total$/,
    /^vmstat_swap_free_bytes$/,
    // The mode that matters, low, is shown as pmset_low_power_mode.
    /^pmset_power_mode$/,
    // Harmless lines, which are in the log.
    /^mac_agent_source_known_messages_total$/,
    // One panel of tasks is enough for what is off by default.
    /^powermetrics_task_/,
    // Shown by its parts.
    /^mac_agent_sink_request_duration_seconds$/,
  ];
  for (const name of catalogue.keys()) {
    assert.ok(shown.has(name) || leftOut.some((pattern) => pattern.test(name)), `${name} is on no dashboard`);
  }
});

test("Grafana is told where the dashboards and their data source are", () => {
  const sources = z
    .object({ datasources: z.array(z.object({ type: z.literal("prometheus"), url: z.string() })).length(1) })
    .parse(parse(readText("config/grafana/provisioning/datasources/prometheus.yaml")));
  assert.equal(sources.datasources[0]?.url, "${PROMETHEUS_URL}");
  z.object({
    providers: z.array(z.object({ options: z.object({ path: z.literal("/var/lib/grafana/dashboards") }) })),
  }).parse(parse(readText("config/grafana/provisioning/dashboards/macs.yaml")));
});
