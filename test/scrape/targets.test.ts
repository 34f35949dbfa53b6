/** Which targets a block has, and with which labels, as Prometheus works them out. */
import assert from "node:assert/strict";
import test from "node:test";
import { offsetOf, targetsOf, type TargetGroup } from "../../src/scrape/targets.ts";
import { configOf, rulesOf, targetOf, times } from "./scraping.ts";

function found(settings: object, groups: readonly TargetGroup[]) {
  const config = configOf(settings);
  return targetsOf(config, groups, rulesOf(config.relabel_configs), times);
}

test("a target has its address, its job and the labels of its group", () => {
  const groups = [{ targets: ["a:1", "b:2"], labels: { rack: "r", empty: "" } }];
  const { targets, problems } = found({ metrics_path: "probe", params: { module: ["x y", "z"] } }, groups);
  assert.deepEqual(problems, []);
  assert.deepEqual(
    targets.map(({ url, labels, name }) => [url.href, Object.fromEntries(labels), name]),
    ["a:1", "b:2"].map((address) => [
      `http://${address}/probe?module=x+y&module=z`,
      { instance: address, job: "node", rack: "r" },
      `node/${address}`,
    ]),
  );
  assert.deepEqual([targets[0]?.intervalMs, targets[0]?.timeoutMs], [60_000, 10_000]);
});

test("a timeout is never longer than its interval where the block says none", () => {
  const { intervalMs, timeoutMs } = targetOf(configOf({ scrape_interval: "2s" }));
  assert.deepEqual([intervalMs, timeoutMs], [2000, 2000]);
});

test("relabelling sees and sets what a target is asked by", () => {
  const relabel_configs = [
    { source_labels: ["__address__"], target_label: "__param_target" },
    { source_labels: ["__address__"], target_label: "instance" },
    { target_label: "__address__", replacement: "127.0.0.1:9115" },
    { target_label: "__metrics_path__", replacement: "/probe" },
    { target_label: "__scheme__", replacement: "https" },
    { target_label: "__scrape_interval__", replacement: "15s" },
    { target_label: "__meta_gone", replacement: "x" },
    { source_labels: ["instance"], regex: "bad.*", action: "drop" },
  ];
  const { targets } = found({ relabel_configs }, [{ targets: ["bad:1", "good:1"], labels: {} }]);
  assert.deepEqual(
    targets.map(({ url, labels, intervalMs }) => [url.href, Object.fromEntries(labels), intervalMs]),
    [["https://127.0.0.1:9115/probe?target=good%3A1", { instance: "good:1", job: "node" }, 15_000]],
  );
});

test("a target that is listed twice is scraped once, and equal names are told apart", () => {
  const relabel_configs = [{ target_label: "instance", replacement: "same" }];
  const groups = [
    { targets: ["a:1", "a:1"], labels: {} },
    { targets: ["a:1", "b:1"], labels: { rack: "r" } },
  ];
  const { targets } = found({ relabel_configs }, groups);
  assert.equal(targets.length, 3);
  assert.equal(new Set(targets.map(({ name }) => name)).size, 3);
});

test("what can't be scraped is said, and the others are scraped", () => {
  const groups = [{ targets: ["ok:1", "http://a:1", "user@b:1", "c:1/x", "d:99999"], labels: {} }];
  const { targets, problems } = found({}, groups);
  assert.deepEqual(
    targets.map(({ instance }) => instance),
    ["ok:1"],
  );
  assert.equal(problems.length, 4);
  assert.match(problems[0] ?? "", /^scrape_configs node: address "http:\/\/a:1" must be host:port$/);
});

test("more targets than target_limit are none", () => {
  const { targets, problems } = found({ target_limit: 1 }, [{ targets: ["a:1", "b:1"], labels: {} }]);
  assert.deepEqual(targets, []);
  assert.match(problems.join(), /at most 1 targets by target_limit, got 2/);
  const many = Array.from({ length: 1001 }, (_, at) => `a:${at + 1}`);
  assert.deepEqual(found({}, [{ targets: many, labels: {} }]).targets, []);
  assert.equal(found({ target_limit: 2000 }, [{ targets: many, labels: {} }]).targets.length, 1001);
});

test("places in the interval are the same each time and spread over targets and machines", () => {
  const config = configOf({ scrape_interval: "10s" });
  const places = Array.from({ length: 100 }, (_, at) => offsetOf(targetOf(config, `a:${at + 1}`), "mac"));
  assert.ok(places.every((place) => place >= 0 && place < 10_000));
  for (let tenth = 0; tenth < 10; tenth++)
    assert.ok(places.some((place) => Math.floor(place / 1000) === tenth));
  assert.equal(offsetOf(targetOf(config, "a:1"), "mac"), places[0]);
  assert.notEqual(offsetOf(targetOf(config, "a:1"), "other"), places[0]);
});
