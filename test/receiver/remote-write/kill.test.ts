/** kill -9 at random moments of collecting and delivering: all that was committed arrives. More rounds: AGENT_KILLS=50. */
import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { setAsides } from "../../../src/journal/files.ts";
import { seededRandom } from "../../support/seeded-random.ts";
import { shortIntervals, startAgent, temporaryFolder, until } from "../../cli/agent.ts";
import { skipWithout } from "../../support/receivers.ts";
import { assertSame, journalled } from "./journalled.ts";
import { prometheus } from "./prometheus.ts";
import { countOf, samplesOf } from "./stored.ts";

const kills = Number(process.env["AGENT_KILLS"] ?? 2);
const longestMs = 2000;
const all = '{job="macs"}';

test(
  `after ${kills} times kill -9, every sample that any of the agents committed is in Prometheus`,
  { skip: skipWithout("prometheus") },
  async (t) => {
    const database = await prometheus(t);
    const folder = temporaryFolder(t);
    const path = join(folder, "journal.db");
    const random = seededRandom(Number(process.env["AGENT_SEED"] ?? kills));
    const start = () =>
      startAgent(t, {
        configuration: `${shortIntervals}
global: { job: macs, instance: mac.test, external_labels: { team: platform } }
journal: { commit_interval: 100ms }
remote_write: [{ url: "${database.url}", queue_config: { batch_send_deadline: 100ms, max_backoff: 300ms } }]
`,
        environment: { STATE_DIRECTORY: folder },
      });
    let committed = 0;
    for (let kill = 0; kill < kills; kill++) {
      // The receiver is away every other time, so that there is a backlog to be killed over.
      if (kill % 2 === 1) await database.stop();
      const agent = await start();
      // Some die before their first sample.
      if (kill % 3 < 2) await agent.metrics((text) => text.includes("\npowermetrics_"));
      // Not a wait for anything: the moment of death has to be any.
      await wait(random() * longestMs);
      assert.deepEqual(await agent.kill("SIGKILL"), { code: null, signal: "SIGKILL" });
      const samples = countOf(journalled(path));
      assert.ok(samples >= committed, `${samples} samples are committed, and ${committed} were before`);
      committed = samples;
      if (kill % 2 === 1) await database.start();
    }
    const last = await start();
    await until(
      async () => ((await samplesOf(database, all, Date.now())).size > 100 ? true : undefined),
      () => "nothing arrived",
    );
    assert.deepEqual(await last.kill("SIGTERM"), { code: 0, signal: null });
    assert.deepEqual(setAsides(path), []);
    const stored = await samplesOf(database, all, Date.now(), 2);
    assertSame(stored, journalled(path));
    t.diagnostic(`${countOf(stored)} samples`);
  },
);
