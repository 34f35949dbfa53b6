/** The account of every block through changes of the configuration and deaths: collected = sent + dropped + waiting. */
import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { dirname, join } from "node:path";
import test from "node:test";
import { createDeliveries, type Deliveries } from "../../src/delivery/deliveries.ts";
import { openJournal } from "../../src/journal/journal.ts";
import type { Journal } from "../../src/journal/types.ts";
import { silentLogger } from "../../src/runtime/log.ts";
import { seededRandom } from "../support/seeded-random.ts";
import type { Receiver } from "../../src/sink/index.ts";
import type { Sink } from "../../src/sink/sink.ts";
import { bench, basicOptions, snapshot } from "../journal/fixtures.ts";
import { defaultPacing, delivered, second, unavailable } from "../delivery/rig.ts";
import { sinkContext } from "../support/sink-context.ts";
import { temporaryFolder } from "../support/folder.ts";

const kills = 30;

/** A block as a user writes it: who it is for the test, where it sends to, and what tells it from others with that address. */
interface Block {
  readonly who: string;
  readonly host: string;
  readonly settings: string;
}

test(`every block gets each sample that it is owed once, through another address, a second block with one address, another order and ${kills} deaths`, async (context) => {
  const { path, clock } = bench(context);
  const random = seededRandom(3);
  /** Times by block; a receiver acknowledges what it stores, so that each is stored once. */
  const taken = new Map<string, number[]>();
  const owed = new Map<string, number[]>();
  const down = new Set<string>();
  let file = path;

  function sinkOf({ who, host }: Block, id: string): Sink {
    return {
      id,
      target: host,
      type: "remote_write",
      maxSamples: 2000,
      maxBodies: 1,
      maxBytes: Infinity,
      protocols: ["only"],
      encode: ({ snapshots }) => ({
        bodies: [
          {
            bytes: Buffer.from(JSON.stringify(snapshots.map(({ time }) => time))),
            samples: snapshots.reduce((sum, { values }) => sum + values.length, 0),
          },
        ],
        dropped: {},
      }),
      send({ bytes }) {
        if (down.has(host)) return Promise.resolve({ outcome: unavailable, durationMs: 1 });
        const times = JSON.parse(Buffer.from(bytes).toString()) as number[];
        taken.set(who, [...(taken.get(who) ?? []), ...times]);
        return Promise.resolve({ outcome: delivered, durationMs: 1 });
      },
      probe: () => Promise.resolve({ outcome: down.has(host) ? unavailable : delivered, durationMs: 1 }),
      renew: () => undefined,
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }

  function receiverOf(block: Block): Receiver {
    const address = `http://${block.host}/write`;
    return {
      path: block.who,
      type: "remote_write",
      address,
      destination: address,
      settings: { block: block.settings },
      pacing: defaultPacing,
      open: ({ id = "" }) => Promise.resolve(sinkOf(block, id)),
    };
  }

  let blocks: readonly Block[] = [{ who: "a", host: "one", settings: "a" }];
  /** As the agent read them last. */
  let configured = blocks;
  let [journal, deliveries] = begin();

  function begin(): [Journal, Deliveries] {
    const opened = openJournal(basicOptions(file, clock));
    const made = createDeliveries({
      journal: opened,
      sinkContext: sinkContext(() => assert.fail("no client is needed")),
      latest: () => [],
      listenerOf: () => ({ requested: () => undefined, sent: () => undefined, dropped: () => undefined }),
      clock,
      random: () => 0,
      log: silentLogger,
    });
    return [opened, made];
  }

  async function apply(): Promise<void> {
    configured = blocks;
    const applied = deliveries.apply(blocks.map(receiverOf));
    await clock.advance(0);
    await applied;
  }

  async function collect(count: number): Promise<void> {
    for (let each = 0; each < count; each++) {
      const one = snapshot(clock.now());
      assert.equal(journal.append(one), "appended");
      for (const { who } of configured) owed.set(who, [...(owed.get(who) ?? []), one.time]);
      deliveries.notify();
      await clock.advance(second);
    }
  }

  /** The files as they are, without a word to the process that wrote them. */
  async function die(): Promise<void> {
    await clock.advance(30 * second);
    const folder = temporaryFolder(context, dirname(path));
    for (const end of ["", "-wal"]) cpSync(file + end, join(folder, `journal.db${end}`));
    file = join(folder, "journal.db");
    await deliveries.finish(0);
    journal[Symbol.dispose]();
    [journal, deliveries] = begin();
    await apply();
  }

  await apply();
  for (let kill = 0; kill < kills; kill++) {
    for (const host of ["one", "two"])
      if (random() < 0.5) down.add(host);
      else down.delete(host);
    await collect(1 + Math.floor(random() * 8));
    if (kill === 5) blocks = [...blocks, { who: "b", host: blocks[0]?.host ?? "", settings: "b" }];
    else if (random() < 0.3) blocks = blocks.toReversed();
    else if (random() < 0.5)
      blocks = blocks.map((block, at) =>
        at === 0 ? { ...block, host: block.host === "one" ? "two" : "one" } : block,
      );
    if (random() < 0.7) await apply();
    await collect(1 + Math.floor(random() * 4));
    await die();
  }
  down.clear();
  await clock.advance(300 * second);
  for (const who of ["a", "b"])
    assert.deepEqual((taken.get(who) ?? []).toSorted(), (owed.get(who) ?? []).toSorted(), who);
  assert.deepEqual(journal.state().dropped, {});
  assert.deepEqual(journal.state().orphans, []);
  await deliveries.finish(0);
  journal[Symbol.dispose]();
});
