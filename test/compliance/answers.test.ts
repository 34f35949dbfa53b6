/** What answers mean: one agent that pushes to a receiver of each situation, judged by each behaviour; the last one ends it. */
import test from "node:test";
import { answerBehaviours } from "./behaviours.ts";
import { setScene } from "./scene.ts";

test("an agent that pushes to receivers that answer in every way", async (t) => {
  const scene = await setScene(t);
  for (const { section, name, judge } of answerBehaviours)
    await t.test(`${section}: ${name}`, () => judge(scene));
});
