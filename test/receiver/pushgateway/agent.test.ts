/** A running agent at a Pushgateway: the group is what the agent shows, and goes when the agent does. */
import assert from "node:assert/strict";
import test from "node:test";
import { gaugeUnits, pageCounts } from "../../cli/contract.ts";
import { fetchText, namesIn, shortIntervals, startAgent, until, type Agent } from "../../cli/agent.ts";
import { skipWithout, type Receiver } from "../../support/receivers.ts";
import { findingsIn, linesOf, startPushgateway } from "./pushgateway.ts";

const skip = skipWithout("prometheus-pushgateway") || skipWithout("promtool");

const configuration = (gateway: Receiver, instance: string, more = ""): string => `${shortIntervals}
global: { job: macs, instance: ${instance}, external_labels: { team: platform } }
pushgateway: [{ url: "${gateway.origin}", interval: 1s${more} }]
`;

/** All of the agent's sources and its own metrics are in the group. */
async function pushed(gateway: Receiver, instance: string): Promise<readonly string[]> {
  return until(
    async () => {
      const lines = await linesOf(gateway, instance);
      const names = namesIn(lines.join("\n"));
      const wanted = [
        "powermetrics_cpu_power_milliwatts",
        "vmstat_faults_total",
        "pmset_power_source_info",
        "mac_agent_build_info",
      ];
      return wanted.every((name) => names.has(name)) ? lines : undefined;
    },
    () => `the group of ${instance} is not complete`,
  );
}

test("the group has every series that the agent shows, and SIGTERM takes it away", { skip }, async (t) => {
  await using gateway = await startPushgateway();
  const agent = await startAgent(t, { configuration: configuration(gateway, "leaving") });
  const lines = await pushed(gateway, "leaving");
  assert.ok(lines.every((line) => /job="macs".*team="platform"/.test(line)));
  // A moment apart the two may tell of different samples.
  await until(
    async () => {
      const group = [...namesIn((await linesOf(gateway, "leaving")).join("\n"))];
      const shown = [...namesIn((await fetchText(`${agent.origin}/metrics`)) ?? "")];
      return group.toSorted().join() === shown.toSorted().join() ? true : undefined;
    },
    () => "the group and /metrics never had the same names",
  );
  assert.deepEqual((await findingsIn(gateway)).toSorted(), [...pageCounts, ...gaugeUnits].toSorted());
  await assertStops(agent);
  assert.deepEqual(await linesOf(gateway, "leaving"), []);
  assert.doesNotMatch(await gateway.ask("/metrics"), /^push_time_seconds\{.*leaving/m);
});

test(
  "with delete_on_shutdown: false the group stays, and with it the time of the last push",
  { skip },
  async (t) => {
    await using gateway = await startPushgateway();
    const agent = await startAgent(t, {
      configuration: configuration(gateway, "staying", ", delete_on_shutdown: false"),
    });
    await pushed(gateway, "staying");
    await assertStops(agent);
    assert.notDeepEqual(await linesOf(gateway, "staying"), []);
    assert.match(await gateway.ask("/metrics"), /^push_time_seconds\{instance="staying",job="macs"\} \S+$/m);
  },
);

async function assertStops(agent: Agent): Promise<void> {
  assert.deepEqual(await agent.kill("SIGTERM"), { code: 0, signal: null });
}
