/** Hours that nobody heard of, delivered afterwards with their own times, across a reboot. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { run, temporaryFolder, until } from "../../cli/agent.ts";
import { skipWithout } from "../../support/receivers.ts";
import { recordReboot } from "./recording.ts";
import {
  assertSameSeries,
  inPrometheus,
  inVictoria,
  otlpAddress,
  samplesIn,
  startPrometheus,
  startVictoria,
  valuesAt,
} from "./stored.ts";

test(
  "three hours offline with a reboot arrive by OTLP as by remote write, each sample at its time",
  { skip: skipWithout("victoria-metrics") || skipWithout("prometheus") },
  async (t) => {
    const folder = temporaryFolder(t);
    const { powermetrics, vmStat, reports } = await recordReboot(folder, 3);
    await using victoria = await startVictoria();
    await using prometheus = await startPrometheus();
    const config = join(folder, "agent.yaml");
    writeFileSync(
      config,
      `global: { job: macs, instance: mac.test }
remote_write: [{ url: "${prometheus.origin}/api/v1/write" }]
otlp: [{ metrics_endpoint: "${otlpAddress(victoria)}" }]
`,
    );
    const files = ["--powermetrics", powermetrics, "--vm-stat", vmStat];
    const { code, stderr } = await run(["replay", ...files, "--config", config, "--push"]);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^remote_write\[0\] .*: \d+ samples sent$/m);
    assert.match(stderr, /^otlp\[0\] .*: \d+ samples sent$/m);

    const now = Date.now();
    const expected = await inPrometheus(prometheus, now, 4);
    const found = await until(
      async () => {
        const all = await inVictoria(victoria);
        return samplesIn(all) >= samplesIn(expected) ? all : undefined;
      },
      () => "VictoriaMetrics has fewer samples than Prometheus",
    );
    assertSameSeries(found, expected);
    for (const name of ["powermetrics_cpu_energy_joules_total", "vmstat_faults_total"]) {
      const [, points = []] = Object.entries(found).find(([labels]) => labels.includes(`"${name}"`)) ?? [];
      assert.equal(points.length, reports, name);
    }
    for (const receiver of [prometheus, victoria])
      assert.deepEqual(await valuesAt(receiver, "resets(vmstat_faults_total[4h])", now), ["1"]);
  },
);
