/** The configuration and the recipes for other exporters: valid, and every exporter's answer is read, by its documented output or by itself. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { parse, stringify } from "yaml";
import { z } from "zod";
import { exporterMetrics } from "../../scripts/dashboards/exporters.ts";
import { run, temporaryFolder } from "../cli/agent.ts";
import { accepted, worldOf } from "../config/world.ts";
import { skipWithout, startReceiver } from "../support/receivers.ts";
import { exporters, serveExporters } from "./exporters.ts";

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const example = read("config/examples/scrape.yaml");
const group = z.looseObject({ targets: z.array(z.string()), labels: z.record(z.string(), z.string()) });
const job = z.looseObject({ job_name: z.string(), static_configs: z.tuple([group]) });
const file = z.looseObject({ scrape_configs: z.array(job) });
const { scrape_configs: jobs } = file.parse(parse(example));

/** The example's block of an exporter, with another address. */
function blockFor(name: string, address: string): object {
  const block = jobs.find(({ job_name: each }) => each === name);
  assert.ok(block, name);
  const [{ labels }] = block.static_configs;
  return { ...block, static_configs: [{ targets: [address], labels }] };
}

async function connected(configuration: object, folder: string): Promise<string> {
  const path = join(folder, "agent.yaml");
  writeFileSync(path, stringify(configuration));
  const { code, stdout, stderr } = await run(["check", "--connect", "--config", path]);
  assert.equal(code, 0, stdout + stderr);
  return stdout;
}

test("the example is valid without a warning, and each target has the agent's instance", () => {
  const { configuration, warnings } = accepted(worldOf(example));
  assert.deepEqual(warnings, []);
  assert.deepEqual(
    configuration.scrape_configs.map(({ static_configs: [first] }) => first?.labels["instance"]),
    jobs.map(() => "mac-7"),
  );
});

test("the document names each exporter of the example with its address, and its blocks are the example's", () => {
  const section = read("config/exporters.md");
  for (const {
    job_name: name,
    static_configs: [{ targets }],
  } of jobs) {
    assert.ok(section.includes(`\`${name}\``), name);
    const [port] = /\d+$/.exec(targets[0] ?? "") ?? [];
    assert.ok(section.includes(`\`${port}\``), `${name} at ${port}`);
  }
  const blocks = [...section.matchAll(/^```yaml\n([^]*?)^```$/gm)].map(([, text = ""]) => text);
  assert.ok(blocks.length > 0);
  for (const text of blocks) {
    accepted(worldOf(text));
    for (const shown of file.parse(parse(text)).scrape_configs) {
      const { static_configs } = jobs.find(({ job_name: name }) => name === shown.job_name) ?? {};
      assert.deepEqual(shown.static_configs, static_configs);
    }
  }
});

test("every exporter's documented output is scraped by its block, and replayed from a file", async (t) => {
  const folder = temporaryFolder(t);
  await using served = await serveExporters();
  const scrape_configs = Object.keys(exporters).map((name) => ({
    ...blockFor(name, served.address),
    metrics_path: `/${name}/metrics`,
  }));
  const tried = await connected({ scrape_configs }, folder);
  let everything = "";
  for (const [name, answer] of Object.entries(exporters)) {
    const samples = answer(60).match(/^(?!#).+$/gm)?.length ?? 0;
    assert.match(tried, new RegExp(`scrape_configs ${name} http://.*answers with ${samples} series`));
    const path = join(folder, `${name}.prom`);
    writeFileSync(path, answer(60));
    const { code, stdout, stderr } = await run(["replay", "--scrape", path]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^up\{.*\} 1\b/m);
    for (const [, series = ""] of answer(60).matchAll(/^(?!#)([\w:]+)/gm))
      assert.match(stdout, new RegExp(`^${series}\\{`, "m"));
    everything += stdout;
  }
  for (const name of Object.keys(exporterMetrics)) assert.ok(everything.includes(`\n${name}{`), name);
});

test("replay prints every sample of a scrape that has times of its own", async (t) => {
  const path = join(temporaryFolder(t), "stamped.prom");
  writeFileSync(path, "a 1 50\nb 2 100\nc 3 100\n");
  const { stdout } = await run(["replay", "--scrape", path]);
  assert.deepEqual(stdout.match(/^[abc]\{.*\} \d/gm)?.length, 3);
});

test(
  "node_exporter itself is scraped by its block",
  { skip: skipWithout("prometheus-node-exporter") },
  async (t) => {
    await using exporter = await startReceiver(
      "prometheus-node-exporter",
      (address) => [`--web.listen-address=${address}`],
      "/metrics",
    );
    const scrape_configs = [blockFor("node", new URL(exporter.origin).host)];
    const folder = temporaryFolder(t);
    const off = { enabled: false };
    const sources = { powermetrics: off, vm_stat: off, sysctl: off, pmset: off, ioreg: off };
    const tried = await connected({ sources, scrape_configs }, folder);
    assert.match(tried, /scrape_configs node http:\/\/.*answers with \d{3,} series/);
    const { code, stdout, stderr } = await run(["once", "--config", join(folder, "agent.yaml")]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^node_load1\{instance="[^"]+",job="node"\} \d/m);
    assert.match(stdout, /^up\{instance="[^"]+",job="node"\} 1\b/m);
  },
);
