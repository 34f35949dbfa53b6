/** Behaviours of waiting for a batch, and of the agent's end, which comes last. */
import assert from "node:assert/strict";
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
    section: "beyond the specification",
    level: "–",
    name: "SIGTERM ends the agent with 0, whatever receivers do",
    cases: [],
    async judge({ agent }) {
      assert.deepEqual(await agent.kill("SIGTERM"), { code: 0, signal: null });
    },
  },
];
