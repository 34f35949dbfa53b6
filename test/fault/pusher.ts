/**
 * The pushing half of an agent for tests, with real sinks on real HTTP, and the account of its samples:
 *
 *     collect ─► journal ─► deliveries ─► receivers        collected = sent + dropped by reason + lost by the journal + waiting
 *
 * Time is the fake clock's; it stands still while a request is under way that will be answered.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { createDeliveries, type Deliveries } from "../../src/delivery/deliveries.ts";
import type { DeliveryListener } from "../../src/delivery/types.ts";
import { openJournal } from "../../src/journal/journal.ts";
import type { Journal, JournalOptions } from "../../src/journal/types.ts";
import type { Snapshot } from "../../src/meter/snapshot.ts";
import { createHttpClient, type HttpClient, type HttpRequest } from "../../src/runtime/http/client.ts";
import { silentLogger } from "../../src/runtime/log.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { receiversOf, type SinkBlocks } from "../../src/sink/index.ts";
import { otlpSchema } from "../../src/sink/otlp/schema.ts";
import { pushgatewaySchema } from "../../src/sink/pushgateway/schema.ts";
import { remoteWriteSchema } from "../../src/sink/remote-write/schema.ts";
import { basicOptions, snapshot, type Wanted } from "../journal/fixtures.ts";
import { fakeClock, type FakeClock } from "../support/fake-clock.ts";
import { add, assertBalanced, journalReasons, samplesOf, type Account } from "./account.ts";
import { counted, type Pushes } from "./counted-sink.ts";
import { countSnapshot, nothing, plus } from "./counting.ts";
import type { Kind, Receiver } from "./receiver.ts";
import { sinkContext } from "../support/sink-context.ts";
import { disposableFolder, fastParent } from "../support/folder.ts";

export const second = 1000;
export const minute = 60 * second;
export const hour = 60 * minute;

export interface Pusher extends AsyncDisposable {
  readonly clock: FakeClock;
  readonly path: string;
  readonly journal: () => Journal;
  readonly deliveries: () => Deliveries;
  /** Tells whether the journal took it. */
  take(snapshot: Snapshot): boolean;
  /** Takes a made-up snapshot of now and lets time pass, so often. */
  collect(count: number, everyMs: number, wanted?: Wanted): Promise<void>;
  advance(ms: number): Promise<void>;
  /** Lets up to two days pass until it is so. */
  until(so: () => boolean): Promise<void>;
  /** Nothing waits for any sink. */
  drained(): Promise<void>;
  /** Ends without a word to anybody and begins again on the same journal; `meanwhile` the files are nobody's. */
  restart(meanwhile?: () => void): Promise<void>;
  sinkOf(receiver: Receiver): string;
  accountOf(receiver: Receiver): Account;
  /** Every sample is accounted for at every sink, and what was told as sent is what its receiver took. */
  assertAccounted(): void;
}

export interface PusherOptions {
  readonly receivers: readonly Receiver[];
  readonly journal?: Partial<JournalOptions>;
  /** Of the sinks, besides their address. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** On the way to the network. */
  readonly route?: (request: HttpRequest) => HttpRequest;
  readonly listen?: (sink: string) => DeliveryListener;
}

interface Tally {
  sent: number;
  readonly dropped: Record<string, number>;
  readonly lost: Record<string, number>;
  readonly pushes: Pushes;
}

function newTally(): Tally {
  return { sent: 0, dropped: {}, lost: {}, pushes: { encoded: 0, superseded: 0, underWay: 0 } };
}

const stepMs = 1000;

/** A pusher that ends with its test. */
export async function pusher(context: TestContext, options: PusherOptions): Promise<Pusher> {
  const it = await createPusher(options);
  context.after(() => it[Symbol.asyncDispose]());
  return it;
}

export async function createPusher(options: PusherOptions): Promise<Pusher> {
  const { receivers } = options;
  const { path: folder, [Symbol.dispose]: removeFolder } = disposableFolder({ parent: fastParent });
  const path = join(folder, "journal.db");
  const clock = fakeClock();
  const tallies = new Map<string, Tally>();
  let collected = nothing;
  let underWay = 0;
  let latest: readonly Snapshot[] = [];
  let journal = open();
  let deliveries = await deliver();

  function open(): Journal {
    return openJournal({ ...basicOptions(path, clock), ...options.journal });
  }

  async function deliver(): Promise<Deliveries> {
    const made = createDeliveries({
      journal,
      sinkContext: sinkContext((settings) => watched(createHttpClient(settings, { clock, env: {} }))),
      latest: () => latest,
      listenerOf,
      clock,
      random: seededRandom(1),
      log: silentLogger,
    });
    await made.apply(receiversOf(blocksOf(receivers, options.settings ?? {})).map(watchedSink));
    return made;
  }

  function watchedSink(receiver: ReturnType<typeof receiversOf>[number]): typeof receiver {
    return {
      ...receiver,
      async open(world) {
        const sink = await receiver.open(world);
        return counted(sink, tallyOf(sink.id).pushes);
      },
    };
  }

  function watched(client: HttpClient): HttpClient {
    return {
      ...client,
      async send(request) {
        underWay++;
        try {
          return await client.send(options.route?.(request) ?? request);
        } finally {
          underWay--;
        }
      },
    };
  }

  function tallyOf(sink: string): Tally {
    const tally = tallies.get(sink) ?? newTally();
    tallies.set(sink, tally);
    return tally;
  }

  function listenerOf(sink: string): DeliveryListener {
    const tally = tallyOf(sink);
    const also = options.listen?.(sink);
    return {
      requested: (code, seconds) => also?.requested(code, seconds),
      sent(samples) {
        tally.sent += samples;
        also?.sent(samples);
      },
      dropped(samples, reason) {
        add(tally.dropped, reason, samples);
        also?.dropped(samples, reason);
      },
    };
  }

  /** Until whatever is under way hangs: nothing else takes time. */
  async function settled(): Promise<void> {
    const held = (): number => receivers.reduce((sum, { holding }) => sum + holding, 0);
    while (underWay > held()) await nextTurn();
  }

  function lostNow(sink: string): Readonly<Record<string, number>> {
    const state = journal.state().cursors.find((one) => one.sink === sink);
    const all = Object.entries(state?.dropped ?? {}).filter(([reason]) => journalReasons.has(reason));
    return Object.fromEntries(all.map(([reason, { samples }]) => [reason, samples]));
  }

  function sinkOf(receiver: Receiver): string {
    const at = deliveries.reports().find(({ address }) => address.startsWith(receiver.origin));
    return at?.sink ?? assert.fail(`no sink sends to ${receiver.origin}`);
  }

  const it: Pusher = {
    clock,
    path,
    journal: () => journal,
    deliveries: () => deliveries,
    take(one) {
      latest = [...latest.filter(({ source }) => source !== one.source), one];
      if (journal.append(one) === "dropped") return false;
      collected = plus(collected, countSnapshot(one));
      deliveries.notify();
      return true;
    },
    async collect(count, everyMs, wanted) {
      for (let taken = 0; taken < count; taken++) {
        it.take(snapshot(clock.now(), wanted));
        await it.advance(everyMs);
      }
    },
    async advance(ms) {
      for (let rest = ms; rest > 0; rest -= stepMs) {
        await clock.advance(Math.min(stepMs, rest));
        await settled();
      }
    },
    async until(so) {
      for (let step = 0; !so(); step++) {
        if (step === (48 * hour) / stepMs)
          assert.fail(`not so in time: ${so.toString()}; ${JSON.stringify(deliveries.reports())}`);
        await it.advance(stepMs);
      }
    },
    drained: () => it.until(() => deliveries.reports().every(({ state }) => state.backlog.snapshots === 0)),
    async restart(meanwhile) {
      await deliveries.finish(0);
      for (const [sink, { lost }] of tallies)
        for (const [reason, samples] of Object.entries(lostNow(sink))) add(lost, reason, samples);
      journal[Symbol.dispose]();
      meanwhile?.();
      journal = open();
      deliveries = await deliver();
    },
    sinkOf,
    accountOf(receiver) {
      const sink = sinkOf(receiver);
      const { sent, dropped, lost, pushes } = tallyOf(sink);
      const allLost = { ...lost };
      for (const [reason, samples] of Object.entries(lostNow(sink))) add(allLost, reason, samples);
      const waiting = receiver.kind === "pushgateway" ? 0 : samplesOf(journal.cursor(sink, { from: "now" }));
      return { collected, sent, dropped: { ...dropped }, lost: allLost, waiting, pushes: { ...pushes } };
    },
    assertAccounted() {
      for (const receiver of receivers) assertBalanced(receiver, it.accountOf(receiver));
    },
    async [Symbol.asyncDispose]() {
      await deliveries.finish(0);
      journal[Symbol.dispose]();
      removeFolder();
      for (const receiver of receivers) await receiver[Symbol.asyncDispose]();
    },
  };
  return it;
}

function blocksOf(receivers: readonly Receiver[], settings: PusherOptions["settings"]): SinkBlocks {
  const of = (kind: Kind): readonly string[] =>
    receivers.filter((one) => one.kind === kind).map(({ origin }) => origin);
  return {
    remote_write: of("remote_write").map((origin) =>
      remoteWriteSchema.parse({ url: `${origin}/api/v1/write`, ...settings }),
    ),
    otlp: of("otlp").map((origin) => otlpSchema.parse({ endpoint: origin, ...settings })),
    pushgateway: of("pushgateway").map((origin) => pushgatewaySchema.parse({ url: origin, ...settings })),
  };
}
