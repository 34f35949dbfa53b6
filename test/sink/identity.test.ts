/** Who a series belongs to on the wire. */
import assert from "node:assert/strict";
import test from "node:test";
import { gauge } from "../../src/metric/metric.ts";
import { labelPairs, type Series } from "../../src/metric/series.ts";
import { identifiedLabels } from "../../src/sink/sink.ts";

const metric = gauge("test_power_milliwatts", "Power of the test", ["team", "core"]);
const series = (labels: Record<string, string>): Series => ({
  metric,
  name: metric.name,
  labels: labelPairs(labels),
});

test("a series' own labels win over identity, and identity over external labels", () => {
  const identity = {
    job: "j",
    instance: "i",
    externalLabels: { team: "external", job: "external", site: "here" },
  };
  assert.deepEqual(Object.fromEntries(identifiedLabels(series({ team: "own", core: "cpu0" }), identity)), {
    __name__: "test_power_milliwatts",
    job: "j",
    instance: "i",
    team: "own",
    core: "cpu0",
    site: "here",
  });
});

test("an external label cannot rename a series", () => {
  const identity = { job: "j", instance: "i", externalLabels: { __name__: "other" } };
  assert.equal(identifiedLabels(series({}), identity).get("__name__"), "test_power_milliwatts");
});

test("an empty label is no label", () => {
  const identity = { job: "", instance: "i", externalLabels: { "": "x", empty: "" } };
  assert.deepEqual([...identifiedLabels(series({}), identity).keys()].sort(), ["__name__", "instance"]);
});
