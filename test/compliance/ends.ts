/** Behaviours of waiting for a batch, and of the agent's end, which comes last. */
import assert from "node:assert/strict";
import { until } from "../cli/agent.ts";
import type { SceneBehaviour } from "./scene.ts";

export const ends: readonly SceneBehaviour[] = [
  {
    section: "beyond the specification",
    level: "–",
    name: "a batch waits for batch_send_deadline, and has what came meanwhile",
    cases: [],
    async judge(scene) {
      const { requests } = scene.recorder("deadline");
      await until(
        () =>
          requests.some(({ message }) => message.series.some(({ samples }) => samples.length >= 3)) ||
          undefined,
        () => `none of ${requests.length} requests has three samples of a series`,
      );
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
