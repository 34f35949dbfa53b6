/** Queries of dashboards, rules and answers: that they parse, name what exists, and that alerts fire when and only when they should. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { parse } from "yaml";
import { z } from "zod";
import { catalogue } from "../../src/meter/catalogue.ts";
import { exporterMetrics } from "../../scripts/dashboards/exporters.ts";
import { findReceiver, skipWithout } from "../support/receivers.ts";
import {
  allQueries,
  dashboardFiles,
  readDashboard,
  readRules,
  readText,
  ruleFiles,
  selectorsIn,
} from "./queries.ts";
import { disposableFolder } from "../support/folder.ts";

const skip = skipWithout("promtool");
const root = fileURLToPath(new URL("../../", import.meta.url));
const caseFiles = ["alerts", "alerts-slow", "recording"].map((name) => `test/rules/${name}.yaml`);

/** Resolves to what promtool printed, or fails with it. */
async function promtool(...parameters: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(findReceiver("promtool") ?? "promtool", parameters, {
    cwd: root,
  });
  return stdout;
}

const rules = ruleFiles.flatMap(readRules);
const recorded = new Set(rules.flatMap((rule) => ("record" in rule ? [rule.record] : [])));
const alerts = rules.filter((rule) => "alert" in rule);

test("every query parses", { skip }, async () => {
  using folder = disposableFolder();
  const asRules = allQueries().map(({ expression }, index) => ({
    record: `query_${index}`,
    expr: expression,
  }));
  const file = join(folder.path, "queries.json");
  await writeFile(file, JSON.stringify({ groups: [{ name: "queries", rules: asRules }] }));
  assert.match(await promtool("check", "rules", file), new RegExp(`SUCCESS: ${asRules.length} rules found`));
});

test("every query names only metrics and labels that exist", () => {
  const added = ["job", "instance", "le", "class"];
  // Of a Pushgateway.
  const foreign = new Set(["push_time_seconds"]);
  for (const { of, expression } of allQueries()) {
    const selectors = selectorsIn(expression);
    assert.ok(selectors.length > 0 || of.endsWith(":constant"), `${of} selects nothing`);
    for (const { name, labels } of selectors) {
      if (recorded.has(name) || foreign.has(name)) continue;
      const metric = catalogue.get(name) ?? catalogue.get(name.replace(/_(bucket|sum|count)$/, ""));
      const known = metric?.labels ?? exporterMetrics[name];
      assert.ok(known, `${of} names ${name}, which neither the catalogue nor an exporter has`);
      for (const label of labels) {
        assert.ok([...known, ...added].includes(label), `${of}: ${name} has no label ${label}`);
      }
    }
  }
});

test("the search for names finds them in every kind of expression", () => {
  const names = (expression: string): string[] => selectorsIn(expression).map(({ name }) => name);
  assert.deepEqual(names('sum by (job) (rate(a_total{x="b (c) or d"}[5m] offset 1h)) / 3.6e6'), ["a_total"]);
  assert.deepEqual(names('a * on (x) group_left (y) b unless c{z!~"1"} or vector(0)'), ["a", "b", "c"]);
  assert.deepEqual(names("a:b:c > 2 and topk by (x) (1, d)"), ["a:b:c", "d"]);
  assert.deepEqual(selectorsIn('a{x="1", yy!~"2,z=3"} > bool 0'), [{ name: "a", labels: ["x", "yy"] }]);
});

test("the rules and the example configuration are valid", { skip }, async () => {
  assert.match(await promtool("check", "rules", ...ruleFiles), /SUCCESS/);
  const checked = await promtool("check", "config", "config/prometheus/prometheus.yaml");
  assert.match(checked, /SUCCESS: 2 rule files found/);
});

test("recording rules and alerts do what their cases say", { skip }, async () => {
  assert.match(await promtool("test", "rules", ...caseFiles), /SUCCESS/);
});

test("recording rules are named level:metric:operation", () => {
  for (const name of recorded) assert.match(name, /^[a-z_]+:[a-z0-9_]+:[a-z0-9_]+$/);
});

test("every alert says what happened, what it means and what to do, and how severe it is", () => {
  for (const { alert, annotations, labels } of alerts) {
    for (const key of ["summary", "description", "runbook"])
      assert.ok(annotations[key], `${alert} has no ${key}`);
    assert.match(labels["severity"] ?? "", /^(info|warning|critical)$/, alert);
  }
});

test("every alert leads to its section of the runbooks, to a dashboard, and there to a panel of what it watches", () => {
  const sections = readText("config/prometheus/runbooks.md").matchAll(/^## (.+)$/gm);
  const anchors = new Set([...sections].map(([, title = ""]) => title.toLowerCase()));
  const dashboards = dashboardFiles.map(readDashboard);
  for (const { alert, annotations, expr } of alerts) {
    const [address, anchor = ""] = annotations["runbook_url"]?.split("#") ?? [];
    assert.match(address ?? "", /^https:.*\/config\/prometheus\/runbooks\.md$/, alert);
    assert.equal(anchor, alert.toLowerCase());
    assert.ok(anchors.has(anchor), alert);

    const { dashboard_url: toDashboard = "", panel_url: toPanel = "" } = annotations;
    const [, uid, id] = /\/d\/([\w-]+)\?.*&viewPanel=(\d+)$/.exec(toPanel) ?? [];
    assert.equal(toPanel, `${toDashboard}&viewPanel=${id}`);
    const panel = dashboards.find((it) => it.uid === uid)?.panels.find((it) => it.id === Number(id));
    assert.ok(panel, `${alert}: ${uid} has no panel ${id}`);
    const shown = new Set(panel.targets.flatMap((target) => namesIn(target.expr)));
    assert.ok(
      namesIn(withoutRecorded(expr)).some((name) => shown.has(name)),
      `${alert}: ${panel.title}`,
    );
  }
});

function namesIn(expression: string): readonly string[] {
  return selectorsIn(expression).map(({ name }) => name);
}

/** With what is recorded under a name in its place; a rule that names itself does so once more. */
function withoutRecorded(expression: string): string {
  return expression.replace(
    /\b\w+:\w+:\w+/g,
    (name) => rules.find((rule) => "record" in rule && rule.record === name)?.expr ?? name,
  );
}

const casesSchema = z.object({
  tests: z.array(
    z.object({
      name: z.string(),
      promql_expr_test: z.array(z.object({ expr: z.string(), exp_samples: z.array(z.unknown()) })),
    }),
  ),
});

test("every alert has a case in which it does not fire, one in which it does, and one in which it is over", () => {
  const groups = caseFiles.flatMap((file) => casesSchema.parse(parse(readText(file))).tests);
  for (const { alert } of alerts) {
    const cases = groups.find(({ name }) => name === alert)?.promql_expr_test ?? [];
    const firing = `ALERTS{alertname="${alert}",alertstate="firing"}`;
    assert.deepEqual(
      cases.map(({ expr, exp_samples }) => [expr, exp_samples.length > 0]),
      [false, true, false].map((fires) => [firing, fires]),
      alert,
    );
  }
});
