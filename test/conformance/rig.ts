/** A sink under test: journal, delivery and client on a clock that only moves while the test waits for something. */
import assert from "node:assert/strict";
import { createDeliveryLoop } from "../../src/delivery/loop.ts";
import { createLatestOnly } from "../../src/delivery/latest-only.ts";
import type { Delivery, DeliveryState } from "../../src/delivery/types.ts";
import { openJournal } from "../../src/journal/journal.ts";
import type { Snapshot } from "../../src/meter/snapshot.ts";
import { createHttpClient } from "../../src/runtime/http/client.ts";
import type { HttpSettings } from "../../src/runtime/http/schema.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { fakeClock, type FakeClock } from "../support/fake-clock.ts";
import { basicOptions } from "../journal/fixtures.ts";
import { power, series, snapshot } from "../sink/remote-write/batches.ts";
import { startReceiver, type Receiver } from "./receiver.ts";
import type { Subject } from "./sink.ts";
import { recordingLogger } from "../support/log.ts";

export interface Rig extends AsyncDisposable {
  readonly clock: FakeClock;
  readonly receiver: Receiver;
  /** One snapshot with one sample, now. */
  append(value: number): void;
  state(): DeliveryState;
  /** Every reason and every line of the log so far. */
  told(): readonly string[];
  /** Moves the clock on until it is so. */
  until(so: () => boolean): Promise<void>;
  /** With history each of the values once, in order; without, the newest. */
  arrived(...values: readonly number[]): Promise<void>;
  /** The agent dies and begins again on the same journal. */
  crash(): Promise<void>;
  /** The orderly end, for at most so long. */
  finish(budgetMs: number): Promise<void>;
}

const stepMs = 100;
const mostSteps = 10_000;

export async function createRig(subject: Subject, path: string, credentials: object): Promise<Rig> {
  const clock = fakeClock();
  const receiver = await startReceiver(subject, () => clock.monotonic());
  const reasons = new Set<string>();
  const log = recordingLogger();
  let latest: readonly Snapshot[] = [];
  let agent = startAgent();

  function startAgent() {
    const journal = openJournal({ ...basicOptions(path, clock), metricOf: () => power });
    const createClient = (settings: HttpSettings) => createHttpClient(settings, { clock, env: {}, log });
    const sink = subject.open(receiver.origin, credentials, createClient);
    const listener = { requested: () => undefined, sent: () => undefined, dropped: () => undefined };
    const shared = { sink, listener, clock, random: seededRandom(1), log };
    const delivery: Delivery =
      sink.type === "pushgateway"
        ? createLatestOnly({ ...shared, intervalMs: 15_000, latest: () => latest })
        : createDeliveryLoop({ ...shared, pacing, cursor: journal.cursor(sink.id, { from: "oldest" }) });
    const stop = new AbortController();
    return { journal, sink, delivery, stop, running: delivery.run(stop.signal) };
  }

  async function kill(): Promise<void> {
    agent.stop.abort();
    await agent.sink[Symbol.asyncDispose]();
    await agent.running;
    agent.journal[Symbol.dispose]();
  }

  function state(): DeliveryState {
    const now = agent.delivery.state();
    if (now.lastFailure !== undefined) reasons.add(now.lastFailure.reason);
    return now;
  }

  async function until(so: () => boolean): Promise<void> {
    for (let step = 0; !so(); step++) {
      if (step === mostSteps) assert.fail(`not so in time: ${so.toString()}; ${JSON.stringify(state())}`);
      state();
      await clock.advance(stepMs);
    }
  }

  return {
    clock,
    receiver,
    state,
    until,
    append(value) {
      clock.step(1);
      const one = snapshot(0, [[series(power), value]], { time: clock.now() });
      latest = [one];
      assert.equal(agent.journal.append(one), "appended");
      agent.delivery.notify();
    },
    told: () => [...log.texts, ...reasons],
    async arrived(...values) {
      const { stored } = receiver;
      if (agent.sink.type === "pushgateway") {
        await until(() => stored.at(-1) === values.at(-1));
        return;
      }
      const wanted = (): boolean => values.every((value) => stored.includes(value));
      await until(wanted);
      assert.deepEqual(stored, values);
      await until(() => agent.delivery.state().backlog.snapshots === 0);
    },
    async crash() {
      await kill();
      agent = startAgent();
    },
    async finish(budgetMs) {
      agent.delivery.finish();
      let ended = false;
      using _budget = clock.after(budgetMs, () => agent.stop.abort());
      void agent.running.then(() => (ended = true));
      await until(() => ended);
    },
    async [Symbol.asyncDispose]() {
      await kill();
      await receiver[Symbol.asyncDispose]();
    },
  };
}

const pacing = {
  kind: "history",
  batchDeadlineMs: 1000,
  minBackoffMs: 100,
  maxBackoffMs: 30_000,
  drainRate: 0,
  sampleAgeLimitMs: 0,
  mayOvertake: true,
} as const;
