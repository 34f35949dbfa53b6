/** What requests hold: one agent that scrapes the series of all behaviours and sends them in both versions, judged by each behaviour. */
import test from "node:test";
import { wireBehaviours } from "./behaviours.ts";
import { exchange } from "./exchange.ts";
import { jobs } from "./jobs.ts";

test("an agent that scrapes targets and sends in both versions", async (t) => {
  const evidence = await exchange(t, jobs, { queue_config: { batch_send_deadline: "500ms" } });
  for (const { section, name, judge } of wireBehaviours)
    await t.test(`${section}: ${name}`, () => judge(evidence));
});
