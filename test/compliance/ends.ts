/** Behaviours of waiting for a batch, and of the agent's end, which comes last. */
import assert from "node:assert/strict";
import { staleBits } from "./message.ts";
import { type SceneBehaviour } from "./scene.ts";

export const ends: readonly SceneBehaviour[] = [
  {
    section: "beyond the specification",
    level: "–",
    name: "a batch waits for batch_send_deadline, and has what came meanwhile",
    cases: [],
    async judge(scene) {
      const requests = await scene.requests("deadline", 3);
      assert.ok(requests.some(({ message }) => message.series.some(({ samples }) => samples.length >= 3)));
    },
  },
  {
    section: "Samples and Histogram Samples",
    level: "MUST",
    name: "SIGINT ends the agent with 0, whatever receivers do; what waits is sent, and every series ends with a stale marker",
    cases: [],
    async judge({ agent, recorder }) {
      assert.deepEqual(await agent.kill("SIGINT"), { code: 0, signal: null });
      const last = new Map<string, bigint>();
      for (const { message } of recorder("with204").requests)
        for (const { labels, samples } of message.series)
          last.set(JSON.stringify(labels), samples.at(-1)?.value ?? 0n);
      assert.ok(last.size > 10);
      assert.deepEqual(
        [...last].filter(([, value]) => value !== staleBits),
        [],
      );
    },
  },
];
