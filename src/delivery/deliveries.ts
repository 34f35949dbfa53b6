/** The loops of all receivers: started, notified, reloaded and ended as one. */
import { isDeepStrictEqual } from "node:util";
import type { Journal, KnownSink } from "../journal/types.ts";
import type { Snapshot } from "../meter/snapshot.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/log.ts";
import type { Random } from "../runtime/random.ts";
import type { Receiver, SinkContext } from "../sink/index.ts";
import type { Sink } from "../sink/sink.ts";
import { createLatestOnly } from "./latest-only.ts";
import { createDeliveryLoop } from "./loop.ts";
import { assignSinks, type AssignedReceiver } from "./sink-ids.ts";
import type { Delivery, DeliveryListener, DeliveryReport } from "./types.ts";

export interface DeliveriesOptions {
  readonly journal: Journal;
  readonly sinkContext: SinkContext;
  /** The current snapshots, for sinks without history. */
  readonly latest: () => readonly Snapshot[];
  /** Counters for one sink. */
  readonly listenerOf: (sink: string) => DeliveryListener;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

export interface Deliveries {
  /** Starts what is new, ends what is gone, leaves alone what is unchanged; cursors stay with their blocks. */
  apply(receivers: readonly Receiver[]): Promise<void>;
  /** Something was appended to the journal. */
  notify(): void;
  woke(): void;
  reports(): readonly DeliveryReport[];
  /** Delivers what waits, for at most `budgetMs` milliseconds, and ends; the rest stays in the journal. */
  finish(budgetMs: number): Promise<void>;
}

interface Running extends AssignedReceiver {
  readonly sink: Sink;
  readonly delivery: Delivery;
  readonly stop: AbortController;
  readonly ended: Promise<void>;
}

/** A changed or removed sink gets this long to finish its request; nothing is lost if it does not. */
const retireMs = 2000;
/** A loop that a bug stopped starts again after this long. */
const afterBugMs = 60_000;

export function createDeliveries(options: DeliveriesOptions): Deliveries {
  const { journal, clock } = options;
  let running: readonly Running[] = [];

  return {
    async apply(receivers) {
      const wanted = assignSinks(receivers, [...journal.sinks(), ...withoutCursor(running)]);
      const unchanged = new Map(wanted.map((one) => [one, running.find((each) => isSame(one, each))]));
      const kept = new Set(unchanged.values());
      const ending = running.filter((one) => !kept.has(one));
      await Promise.all(ending.map((one) => end(one, clock, retireMs)));
      const withHistory = wanted.filter(({ receiver }) => receiver.pacing.kind === "history");
      journal.assign(withHistory.map(({ assigned }) => assigned));
      running = await Promise.all(
        wanted.map(async (one) => {
          const same = unchanged.get(one);
          return same === undefined ? start(one, options) : { ...same, ...one };
        }),
      );
    },
    notify() {
      for (const { delivery } of running) delivery.notify();
    },
    woke() {
      for (const { delivery } of running) delivery.woke();
    },
    reports: () =>
      running.map(({ receiver: { path, address }, sink, delivery }) => ({
        sink: sink.id,
        type: sink.type,
        path,
        address,
        state: delivery.state(),
      })),
    async finish(budgetMs) {
      await Promise.all(running.map((one) => end(one, clock, budgetMs)));
      running = [];
    },
  };
}

/** Without a cursor a sink is known only while it runs. */
function withoutCursor(running: readonly Running[]): readonly KnownSink[] {
  const latest = running.filter(({ receiver }) => receiver.pacing.kind === "latest");
  return latest.map(({ assigned: { sink, block } }) => ({ sink, block }));
}

/** Two literal secrets never compare equal, so a block that holds one is started anew: a wasted connection, no loss. */
function isSame(a: AssignedReceiver, b: AssignedReceiver): boolean {
  return a.assigned.sink === b.assigned.sink && isDeepStrictEqual(a.receiver.settings, b.receiver.settings);
}

async function start(wanted: AssignedReceiver, options: DeliveriesOptions): Promise<Running> {
  const sink = await wanted.receiver.open({ ...options.sinkContext, id: wanted.assigned.sink });
  const delivery = createLoop(wanted, sink, options);
  const stop = new AbortController();
  return { ...wanted, sink, delivery, stop, ended: keepRunning(delivery, sink.id, options, stop.signal) };
}

function createLoop(
  { receiver: { pacing }, assigned: { block } }: AssignedReceiver,
  sink: Sink,
  options: DeliveriesOptions,
): Delivery {
  const shared = {
    ...options,
    sink,
    listener: options.listenerOf(sink.id),
    log: options.log.child({ sink: sink.id }),
  };
  switch (pacing.kind) {
    case "latest":
      return createLatestOnly({ ...shared, intervalMs: pacing.intervalMs });
    case "history": {
      const cursor = options.journal.cursor(sink.id, { from: "now", block });
      return createDeliveryLoop({ ...shared, pacing, cursor });
    }
  }
}

/** What waits would wait for ever behind a bug that ended the loop. */
async function keepRunning(
  delivery: Delivery,
  sink: string,
  { clock, log }: DeliveriesOptions,
  signal: AbortSignal,
): Promise<void> {
  for (let ended = false; !ended && !signal.aborted;) {
    try {
      await delivery.run(signal);
      ended = true;
    } catch (error) {
      log.error(`a bug stopped the delivery to ${sink}`, { error, again_in_s: afterBugMs / 1000 });
      await clock.sleep(afterBugMs, signal);
    }
  }
}

async function end({ sink, delivery, stop, ended }: Running, clock: Clock, budgetMs: number): Promise<void> {
  delivery.finish();
  using _budget = clock.after(budgetMs, () => stop.abort());
  await ended;
  await sink[Symbol.asyncDispose]();
}
