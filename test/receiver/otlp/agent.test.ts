/** One running agent, two receivers: what comes by OTLP is what comes by remote write, and both end with the agent. */
import assert from "node:assert/strict";
import test from "node:test";
import { shortIntervals, startAgent, until } from "../../cli/agent.ts";
import { skipWithout } from "../../support/receivers.ts";
import {
  assertSameSeries,
  inPrometheus,
  inVictoria,
  otlpAddress,
  samplesIn,
  startPrometheus,
  startVictoria,
  valuesAt,
  type Stored,
} from "./stored.ts";

test(
  "every series of a running agent arrives by OTLP as it does by remote write: names, labels, values and times",
  { skip: skipWithout("victoria-metrics") || skipWithout("prometheus") },
  async (t) => {
    await using victoria = await startVictoria();
    await using prometheus = await startPrometheus();
    const queue = "queue_config: { batch_send_deadline: 500ms }";
    const agent = await startAgent(t, {
      simulator: "--chip m4",
      configuration: `${shortIntervals}
global: { job: macs, instance: mac.test, external_labels: { team: platform } }
journal: { commit_interval: 200ms }
remote_write: [{ url: "${prometheus.origin}/api/v1/write", ${queue} }]
otlp: [{ metrics_endpoint: "${otlpAddress(victoria)}", ${queue} }]
`,
    });
    await until(
      async () => (pointsIn(await inPrometheus(prometheus, Date.now())) > many ? true : undefined),
      () => "powermetrics has few samples",
    );
    assert.deepEqual(await agent.kill("SIGTERM"), { code: 0, signal: null });

    const expected = await inPrometheus(prometheus, Date.now());
    assertStretch(expected);
    // VictoriaMetrics shows what it took a second or two later.
    const all = await until(
      async () => {
        const found = await inVictoria(victoria);
        return samplesIn(found) >= samplesIn(expected) ? found : undefined;
      },
      () => `VictoriaMetrics has fewer than ${samplesIn(expected)} samples`,
    );
    assertSameSeries(all, expected);
    for (const receiver of [prometheus, victoria])
      assert.deepEqual(await valuesAt(receiver, 'count({__name__!=""})', Date.now()), []);
  },
);

const many = 40;
const requestCount = "mac_agent_sink_request_duration_seconds_count";

/** Samples of one of powermetrics' series. */
function pointsIn(stored: Stored): number {
  const found = Object.entries(stored).find(([labels]) =>
    labels.includes("powermetrics_cpu_power_milliwatts"),
  );
  return found?.[1].length ?? 0;
}

/** Worth comparing: every source is there, and the fastest with many samples. */
function assertStretch(stored: Stored): void {
  const all = Object.entries(stored);
  assert.ok(all.length > 150, `only ${all.length} series`);
  for (const name of [
    "powermetrics_cpu_power",
    "vmstat_faults",
    "vmstat_memory_total",
    "pmset_power_source_info",
    "mac_agent_",
  ])
    assert.ok(
      all.some(([labels]) => labels.includes(`"__name__","${name}`)),
      name,
    );
  // Of both sinks, told by the agent's second word on itself, which is at its stop the latest.
  const durations = all.filter(([labels]) => labels.includes(`"__name__","${requestCount}"`));
  assert.equal(durations.length, 2, requestCount);
  assert.ok(pointsIn(stored) > many);
  assert.ok(all.every(([labels]) => /"instance","mac\.test".*"job","macs".*"team","platform"/.test(labels)));
}
