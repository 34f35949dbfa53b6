/** A whole agent killed with a backlog, a frozen batch and staged samples: what its journal holds arrives, and nothing else does. */
import assert from "node:assert/strict";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { openJournalReader } from "../../src/journal/reader.ts";
import { hang } from "../conformance/receiver.ts";
import { metricOf } from "../journal/fixtures.ts";
import { startAgent, temporaryFolder, until, type Agent } from "../cli/agent.ts";
import { countRemoteWrite, countSnapshot, nothing, plus, type Counted } from "./counting.ts";
import { startReceiver } from "./receiver.ts";

test("kill -9 in the middle of a request: after the next start the receiver has what the journal has, and what comes twice is the same bytes", async (context) => {
  await using receiver = await startReceiver("remote_write");
  const folder = temporaryFolder(context);
  // Of a batch of several requests those that were taken come again after a kill, with the same bytes.
  const bodies = new Set<string>();
  let distinct = nothing;
  receiver.witness = (body, status) => {
    if (status !== 200 || body.length === 0 || bodies.has(body.toString("base64"))) return;
    bodies.add(body.toString("base64"));
    distinct = plus(distinct, countRemoteWrite(body));
  };
  const start = (): Promise<Agent> => startPushing(context, folder, `${receiver.origin}/write`);
  let agent = await start();
  const arrived = (samples: number): Promise<true> =>
    until(
      () => (receiver.taken.samples >= samples ? true : undefined),
      () => `got ${receiver.taken.samples} samples, want ${samples}`,
    );
  await arrived(500);
  for (let kill = 0; kill < 2; kill++) {
    receiver.mood = hang;
    await until(
      () => (receiver.holding === 1 ? true : undefined),
      () => "no request came",
    );
    await until(
      () => (held(folder).samples > receiver.taken.samples + 300 ? true : undefined),
      () => "no backlog on the disk",
    );
    await agent.kill("SIGKILL");
    receiver.mood = undefined;
    const before = receiver.taken.samples;
    agent = await start();
    await arrived(before + 500);
  }
  assert.equal((await agent.kill("SIGTERM")).code, 0);
  assert.deepEqual(distinct.samples, held(folder).samples);
  assert.equal(distinct.print, held(folder).print);
});

function startPushing(context: TestContext, folder: string, url: string): Promise<Agent> {
  const configuration = `
sources:
  powermetrics: { interval: 100ms }
  vm_stat: { interval: 1s }
  sysctl: { enabled: false }
  pmset: { enabled: false }
  ioreg: { enabled: false }
journal: { commit_interval: 1s }
remote_write: [{ url: "${url}", queue_config: { batch_send_deadline: 200ms } }]
`;
  return startAgent(context, { configuration, environment: { STATE_DIRECTORY: folder } });
}

/** All samples that the journal of an agent holds. */
function held(folder: string): Counted {
  const opened = openJournalReader(join(folder, "journal.db"), metricOf);
  assert.ok(opened.status === "open");
  using reader = opened.reader;
  let total = nothing;
  for (const one of reader.history({ fromMs: 0, toMs: Infinity })) total = plus(total, countSnapshot(one));
  return total;
}
