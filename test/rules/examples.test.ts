/** Example stacks: what they refer to exists, versions are pinned, and every configuration is valid for what reads it. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { parse } from "yaml";
import { z } from "zod";
import { temporaryFolder } from "../support/folder.ts";
import { findReceiver, skipWithout } from "../support/receivers.ts";
import { readText } from "./queries.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../", import.meta.url));
const examples = new URL("../../config/examples/", import.meta.url);

const composeSchema = z.object({
  services: z.record(
    z.string(),
    z.object({
      image: z.string(),
      command: z.array(z.string()).default([]),
      volumes: z.array(z.string()).default([]),
      ports: z.array(z.string()).default([]),
    }),
  ),
  volumes: z.record(z.string(), z.null()),
});
const { services, volumes } = composeSchema.parse(
  parse(readText("config/examples/compose.yaml"), { merge: true }),
);

test("every image is pinned to a version", () => {
  for (const [name, { image }] of Object.entries(services))
    assert.match(image, /:v?\d+\.\d+\.\d+(-slim)?$/, name);
});

test("every folder and file that a service mounts exists, and every volume is declared", () => {
  for (const [name, service] of Object.entries(services)) {
    for (const mount of service.volumes) {
      const [from = ""] = mount.split(":");
      if (from.startsWith(".")) assert.ok(existsSync(new URL(from, examples)), `${name} mounts ${from}`);
      else assert.ok(from in volumes, `${name} mounts the volume ${from}`);
    }
  }
});

test("no port is open to the network", () => {
  for (const [name, { ports }] of Object.entries(services)) {
    for (const port of ports) assert.match(port, /^127\.0\.0\.1:/, name);
  }
});

test("every service that an agent, Prometheus, the Collector or Grafana is told of is there", () => {
  const files = [
    "compose.yaml",
    "prometheus.yaml",
    "collector.yaml",
    ...readdirSync(new URL("agents/", examples)).map((name) => `agents/${name}`),
  ];
  for (const file of files) {
    const hosts = readText(`config/examples/${file}`).matchAll(/(?:http:\/\/|targets: \[")([a-z.]+):\d+/g);
    for (const { 1: host = "" } of hosts) {
      assert.ok(host in services || host === "localhost", `${file} names ${host}`);
    }
  }
});

test("Grafana finds dashboards and provisioning where they are mounted", () => {
  assert.deepEqual(services["grafana"]?.volumes, [
    "../grafana/provisioning:/etc/grafana/provisioning:ro",
    "../grafana:/var/lib/grafana/dashboards:ro",
  ]);
});

test("every agent's configuration is valid", async (t) => {
  const folder = temporaryFolder(t);
  const password = join(folder, "password");
  writeFileSync(password, "hunter22", { mode: 0o600 });
  for (const name of readdirSync(new URL("agents/", examples))) {
    const file = join(folder, name);
    const text = readText(`config/examples/agents/${name}`);
    writeFileSync(file, text.replace("/etc/mac-powermetrics-agent/password", password));
    const { stdout } = await run(process.execPath, ["src/cli.ts", "check", "--config", file], { cwd: root });
    assert.match(stdout, /: ok, 5 sources, [01] sink/, name);
  }
});

test("each simulated Mac that is started has its own configuration", () => {
  for (const name of ["laptop", "studio", "intel", "mini"]) {
    const command = services[name]?.command ?? [];
    assert.ok(command.includes("--simulate") && command.includes(`/etc/agents/${name}.yaml`), name);
    assert.match(readText(`config/examples/agents/${name}.yaml`), new RegExp(`^  instance: ${name}$`, "m"));
  }
});

test("Prometheus takes its configuration", { skip: skipWithout("promtool") }, async () => {
  const promtool = findReceiver("promtool") ?? "promtool";
  const { stdout } = await run(promtool, ["check", "config", "config/examples/prometheus.yaml"], {
    cwd: root,
  });
  assert.match(stdout, /SUCCESS/);
});

test("the Collector's pipelines use what is declared, and limit memory first", () => {
  const names = z.record(z.string(), z.unknown());
  const { receivers, processors, exporters, service } = z
    .object({
      receivers: names,
      processors: names,
      exporters: names,
      service: z.object({
        pipelines: z.record(
          z.string(),
          z.object({
            receivers: z.array(z.string()),
            processors: z.array(z.string()),
            exporters: z.array(z.string()),
          }),
        ),
      }),
    })
    .parse(parse(readText("config/examples/collector.yaml")));
  for (const pipeline of Object.values(service.pipelines)) {
    assert.deepEqual(pipeline.receivers, Object.keys(receivers));
    assert.deepEqual(pipeline.processors, Object.keys(processors));
    assert.deepEqual(pipeline.exporters, Object.keys(exporters));
    assert.equal(pipeline.processors[0], "memory_limiter");
  }
});
