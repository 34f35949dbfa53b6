/** What a real Collector exports is what the agent sent, in every field of every point. */
import assert from "node:assert/strict";
import test from "node:test";
import fc from "../../support/property.ts";
import { systemClock } from "../../../src/runtime/clock.ts";
import { createHttpClient } from "../../../src/runtime/http/client.ts";
import { otlpSchema } from "../../../src/sink/otlp/schema.ts";
import { createOtlpSink } from "../../../src/sink/otlp/sink.ts";
import { shortIntervals, startAgent, until } from "../../cli/agent.ts";
import { decodeJson, decodeProtobuf } from "../../sink/otlp/messages.ts";
import { batches } from "../../sink/remote-write/batches.ts";
import { assertSamePoints, pointsIn, startCapture, type Capture, type Point } from "./captured.ts";
import { skip, startCollector } from "./collector.ts";
import { startPushing } from "./pushing.ts";
import { createStory } from "./story.ts";

const never = new AbortController().signal;

for (const encoding of ["protobuf", "json"] as const) {
  test(
    `${encoding}: a delivery through a Collector is the delivery itself, hard values and end marks included`,
    { skip },
    async (t) => {
      const [direct, through] = [await startCapture(t), await startCapture(t)];
      const collector = await startCollector(t, through.url);
      const story = createStory();
      const snapshots = [...story.next(60), story.end()];
      for (const block of [{ metrics_endpoint: direct.url }, { endpoint: `http://${collector.address}` }]) {
        const it = await startPushing(t, { ...block, encoding });
        it.publish(...snapshots);
        await it.drained();
        assert.deepEqual(it.state().dropped, {});
      }
      assertSamePoints(through.points, direct.points);
      // Without the last, each has a point of five series; cpu0 has one of three, and its end mark after it.
      assert.equal(direct.points.length, 60 * 4 + 20 + 20 + 4);
      assert.equal(endMarks(direct.points).length, 20 + 4);
    },
  );

  test(`${encoding}: random batches come out of a Collector as they went in`, { skip }, async (t) => {
    const capture = await startCapture(t);
    const collector = await startCollector(t, capture.url);
    const settings = otlpSchema.parse({
      endpoint: `http://${collector.address}`,
      encoding,
      compression: "none",
    });
    await using sink = createOtlpSink(settings, {
      client: createHttpClient({}, { clock: systemClock, env: {} }),
      identity: { job: "macs", instance: "mac.test", externalLabels: { team: 'ü"\\\n🚀' } },
      host: { name: "mac.test" },
      version: "0.0.0",
      startedAt: 0,
    });
    let compared = 0;
    for (const batch of fc.sample(batches, { numRuns: 50, seed: 12 })) {
      for (const body of sink.encode(batch, encoding).bodies) {
        const sent = pointsIn((encoding === "json" ? decodeJson : decodeProtobuf)(body.bytes));
        const { outcome } = await sink.send(body, encoding, never);
        assert.deepEqual(outcome, { status: "delivered", code: "200", rejected: 0 });
        assertSamePoints(capture.points.splice(0), sent);
        compared += sent.length;
      }
    }
    assert.ok(compared > 300, `compared ${compared} points only`);
  });
}

function endMarks(points: readonly Point[]): readonly Point[] {
  return points.filter(({ value }) => value === undefined);
}

test(
  "a running agent: each point and end mark that a receiver gets directly comes through a Collector too",
  { skip },
  async (t) => {
    const [direct, through] = [await startCapture(t), await startCapture(t)];
    const collector = await startCollector(t, through.url);
    const agent = await startAgent(t, {
      simulator: "--chip m4",
      configuration: `${shortIntervals}
global: { job: macs, instance: mac.test }
journal: { commit_interval: 200ms }
otlp:
  - { name: direct, metrics_endpoint: "${direct.url}", queue_config: { batch_send_deadline: 300ms } }
  - { name: through, endpoint: "http://${collector.address}", queue_config: { batch_send_deadline: 300ms } }
`,
    });
    await until(
      () => (powers(direct) > 40 && powers(through) > 40 ? true : undefined),
      () => `${powers(direct)} and ${powers(through)} points of power: ${JSON.stringify(agent.log())}`,
    );
    assert.deepEqual(await agent.kill("SIGTERM"), { code: 0, signal: null });
    assertSamePoints(through.points, direct.points);
    assert.ok(endMarks(through.points).length > 100, `${endMarks(through.points).length} end marks`);
  },
);

function powers({ points }: Capture): number {
  return points.filter(({ name }) => name === "powermetrics_cpu_power_milliwatts").length;
}
