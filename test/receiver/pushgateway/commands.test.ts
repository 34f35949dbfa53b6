/** The verbs that try a Pushgateway or push to it once, for two Macs of different kinds. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { gaugeUnits, pageCounts } from "../../cli/contract.ts";
import { run, temporaryFolder, type Ended } from "../../cli/agent.ts";
import { skipWithout } from "../../support/receivers.ts";
import { recordReboot } from "../otlp/recording.ts";
import { findingsIn, linesOf, startPushgateway } from "./pushgateway.ts";

const skip = skipWithout("prometheus-pushgateway");

function configure(folder: string, url: string, instance = "mac.test"): string {
  const config = join(folder, `${instance}.yaml`);
  writeFileSync(config, `global: { job: macs, instance: ${instance} }\npushgateway: [{ url: "${url}" }]\n`);
  return config;
}

test("check --connect tells whether a Pushgateway answers, and pushes nothing", { skip }, async (t) => {
  const folder = temporaryFolder(t);
  await using gateway = await startPushgateway();
  const good = await run(["check", "--connect", "--config", configure(folder, gateway.origin)]);
  assert.equal(good.code, 0, good.stderr);
  assert.match(good.stdout, /^pushgateway\[0\] http:\/\/127\.0\.0\.1:\d+\/: answers to text in \d+ ms$/m);
  assert.deepEqual(await linesOf(gateway, "mac.test"), []);
  const bad = await run(["check", "--connect", "--config", configure(folder, "http://127.0.0.1:1")]);
  assert.equal(bad.code, 1);
  assert.match(bad.stderr, /^pushgateway\[0\] http:\/\/127\.0\.0\.1:1\/: .*refused/m);
});

test(
  "once --push of an M4 and an Intel Mac live side by side, and promtool finds fault with the page counts and the gauge's units alone",
  { skip: skip || skipWithout("promtool") },
  async (t) => {
    const folder = temporaryFolder(t);
    await using gateway = await startPushgateway();
    for (const chip of ["m4", "intel"]) {
      const config = configure(folder, gateway.origin, chip);
      const argv = ["once", "--simulate", "--push", "--config", config];
      const ended = await run(argv, { MAC_POWERMETRICS_SIMULATE: `--chip ${chip}` });
      assert.equal(ended.code, 0, ended.stderr);
      const lines = await linesOf(gateway, chip);
      assert.equal(lines.length, printedSamples(ended));
      assert.match(ended.stderr, new RegExp(`^pushgateway\\[0\\] .*: ${lines.length} samples sent$`, "m"));
    }
    assert.deepEqual((await findingsIn(gateway)).toSorted(), [...pageCounts, ...gaugeUnits].toSorted());
  },
);

function printedSamples({ stdout }: Ended): number {
  return stdout.split("\n").filter((line) => line !== "" && !line.startsWith("#")).length;
}

test("replay --push leaves the last report of a recording in the group", { skip }, async (t) => {
  const folder = temporaryFolder(t);
  await using gateway = await startPushgateway();
  const { powermetrics, vmStat } = await recordReboot(folder, 0.2);
  const files = ["--powermetrics", powermetrics, "--vm-stat", vmStat];
  const config = configure(folder, gateway.origin);
  const ended = await run(["replay", ...files, "--push", "--config", config]);
  assert.equal(ended.code, 0, ended.stderr);
  const valueOf = (line: string | undefined): number => Number(line?.split(" ").at(-1));
  const printed = ended.stdout.split("\n").find((line) => line.startsWith("vmstat_faults_total "));
  const pushed = (await linesOf(gateway, "mac.test")).filter((line) =>
    line.startsWith("vmstat_faults_total{"),
  );
  assert.deepEqual(pushed.map(valueOf), [valueOf(printed)]);
});
