/** The loops of all receivers, started, notified, reloaded and ended as one, and the ids by which the journal knows them. */
import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { Journal, KnownSink, SinkAssignment, SinkBlock } from "../journal/types.ts";
import type { Snapshot } from "../meter/snapshot.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/log.ts";
import type { Random } from "../runtime/random.ts";
import { createTurns } from "../runtime/turns.ts";
import type { Receiver, SinkContext } from "../sink/index.ts";
import type { Sink } from "../sink/sink.ts";
import { createLatestOnly } from "./latest-only.ts";
import { createDeliveryLoop } from "./loop.ts";
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
  /**
   * Starts what is new, ends what is gone, leaves alone what is unchanged; cursors stay with their blocks. Changes come one after the
   * other, and after `finish` none does.
   */
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
  /** Its loop has ended, and the sink is disposed of. */
  readonly ended: Promise<void>;
}

/** A changed or removed sink gets this long to finish its request; nothing is lost if it does not. */
const retireMs = 2000;
/** A loop that a bug stopped starts again after this long. */
const afterBugMs = 60_000;

export function createDeliveries(options: DeliveriesOptions): Deliveries {
  const { journal, clock } = options;
  const inTurn = createTurns();
  let running: readonly Running[] = [];
  let finished = false;

  async function apply(receivers: readonly Receiver[]): Promise<void> {
    const wanted = assignSinks(receivers, [...journal.sinks(), ...withoutCursor(running)]);
    const unchanged = new Map(wanted.map((one) => [one, running.find((each) => isSame(one, each))]));
    const kept = new Set(unchanged.values());
    // All sinks before any loop: where one can't be opened, everything stays as it is.
    await using opened = new AsyncDisposableStack();
    const sinks = new Map<AssignedReceiver, Sink>();
    for (const one of wanted)
      if (unchanged.get(one) === undefined) sinks.set(one, opened.use(await open(one, options)));
    await Promise.all(running.filter((one) => !kept.has(one)).map((one) => end(one, clock, retireMs)));
    if (finished) return;
    opened.move();
    const withHistory = wanted.filter(({ receiver }) => receiver.pacing.kind === "history");
    journal.assign(withHistory.map(({ assigned }) => assigned));
    running = wanted.flatMap((one) => {
      const [same, sink] = [unchanged.get(one), sinks.get(one)];
      if (same !== undefined) return { ...same, ...one };
      return sink === undefined ? [] : start(one, sink, options);
    });
  }

  return {
    apply: (receivers) => inTurn(() => (finished ? Promise.resolve() : apply(receivers))),
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
      finished = true;
      // At once: a change under way may be waiting for one of them, and has no more time than this either.
      await Promise.all(running.map((one) => end(one, clock, budgetMs)));
      await inTurn(() => Promise.resolve());
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

function open({ receiver, assigned }: AssignedReceiver, { sinkContext }: DeliveriesOptions): Promise<Sink> {
  return receiver.open({ ...sinkContext, id: assigned.sink });
}

function start(wanted: AssignedReceiver, sink: Sink, options: DeliveriesOptions): Running {
  const delivery = createLoop(wanted, sink, options);
  const stop = new AbortController();
  const ended = keepRunning(delivery, sink.id, options, stop.signal).then(() => sink[Symbol.asyncDispose]());
  return { ...wanted, sink, delivery, stop, ended };
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

/** Twice where the end of all comes in the middle of a change. */
async function end({ delivery, stop, ended }: Running, clock: Clock, budgetMs: number): Promise<void> {
  delivery.finish();
  using _budget = clock.after(budgetMs, () => stop.abort());
  await ended;
}

interface AssignedReceiver {
  readonly receiver: Receiver;
  readonly assigned: SinkAssignment;
}

/** A block that wants an id, with the one that version 0.1 gave it. */
interface Wanted {
  readonly receiver: Receiver;
  readonly block: SinkBlock;
  readonly oldId: string;
}

/**
 * Gives each block of the configuration the id of its sink: the key of its cursor in the journal, and its label in logs and metrics.
 * In the order of the receivers; ids are unique as long as no two blocks of a type have the same name.
 *
 * A block with a name has the id `remote_write/NAME`, the others `remote_write-1`, `remote_write-2` … The journal remembers for each id
 * what its block looked like, so that a block keeps its backlog when its address, credentials or place change, and two blocks with
 * one address do not share one.
 */
export function assignSinks(
  receivers: readonly Receiver[],
  known: readonly KnownSink[],
): readonly AssignedReceiver[] {
  const wanted = wantedBy(receivers);
  const matches = matchesOf(wanted, known.map(recalled));
  const taken = new Set(known.map(({ sink }) => sink));
  for (const { block } of wanted) if (block.name !== undefined) taken.add(nameOf(block));
  return wanted.map((one) => {
    const { receiver, block } = one;
    const was = matches.get(one)?.sink;
    const sink = block.name === undefined ? numberOf(block, was, taken) : nameOf(block);
    taken.add(sink);
    return { receiver, assigned: { sink, block, ...(was !== undefined && { was }) } };
  });
}

function wantedBy(receivers: readonly Receiver[]): readonly Wanted[] {
  const counts = new Map<string, number>();
  return receivers.map((receiver) => {
    const { type, name, address, settings, destination } = receiver;
    const position = counts.get(type) ?? 0;
    counts.set(type, position + 1);
    const hash = hashOf(settings, URL.parse(destination)?.search ?? "");
    const block = { type, address, position, hash, ...(name !== undefined && { name }) };
    return { receiver, block, oldId: oldIdOf(receiver) };
  });
}

function oldIdOf({ type, name, destination }: Receiver): string {
  const text = `${destination}\n${name ?? ""}`;
  const hash = createHash("sha256").update(text).digest("hex").slice(0, 8);
  return `${type}/${name ?? hostAndPortOf(destination) ?? ""}-${hash}`;
}

/** Of all but name and address; secrets print as `<secret>`, so none can be guessed from it. */
function hashOf(settings: unknown, query: string): string {
  const text = JSON.stringify([settings, query], (key, value: unknown) =>
    ["name", "url", "endpoint", "metrics_endpoint"].includes(key) ? undefined : value,
  );
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

function nameOf({ type, name = "" }: SinkBlock): string {
  return `${type}/${name}`;
}

/** The number that it had, or the first free one from its place on. */
function numberOf(block: SinkBlock, before: string | undefined, taken: ReadonlySet<string>): string {
  if (before !== undefined && /^[a-z_]+-\d+$/.test(before)) return before;
  let number = block.position + 1;
  while (taken.has(`${block.type}-${number}`)) number++;
  return `${block.type}-${number}`;
}

interface Recalled {
  readonly sink: string;
  readonly block: Partial<SinkBlock> & Pick<SinkBlock, "type">;
}

/** Journals of version 0.1 knew a sink by `type/NAME-HASH` or `type/HOST-HASH` alone. */
function recalled({ sink, block }: KnownSink): Recalled {
  if (block !== undefined) return { sink, block };
  const [, type = sink, label] = /^([a-z_]+)\/(.*)-[0-9a-f]{8}$/.exec(sink) ?? [];
  return { sink, block: { type, ...(label !== undefined && { name: label, address: `//${label}/` }) } };
}

type Likeness = (wanted: SinkBlock, known: Recalled["block"]) => boolean;

/** Two names that differ are two blocks, unless the name is all that differs. */
const compatible: Likeness = (wanted, known) =>
  wanted.name === undefined || known.name === undefined || known.address?.startsWith("//") === true;
const sameAddress: Likeness = (wanted, known) => wanted.address === known.address;
const sameSettings: Likeness = (wanted, known) => wanted.hash === known.hash;
const sameHost: Likeness = (wanted, known) => hostAndPortOf(wanted.address) === hostAndPortOf(known.address);
/** Of a version 0.1 block nothing but its type may be left. */
const samePlace: Likeness = (wanted, known) =>
  known.position === undefined || wanted.position === known.position;

/** From the surest sign of being the same block to the weakest. */
const likenesses: readonly Likeness[] = [
  (wanted, known) => wanted.name !== undefined && wanted.name === known.name,
  (wanted, known) => sameAddress(wanted, known) && sameSettings(wanted, known) && samePlace(wanted, known),
  (wanted, known) => sameAddress(wanted, known) && sameSettings(wanted, known),
  (wanted, known) => compatible(wanted, known) && sameAddress(wanted, known) && samePlace(wanted, known),
  (wanted, known) => compatible(wanted, known) && sameAddress(wanted, known),
  (wanted, known) => compatible(wanted, known) && sameHost(wanted, known) && samePlace(wanted, known),
  (wanted, known) => compatible(wanted, known) && sameHost(wanted, known),
  (wanted, known) => compatible(wanted, known) && samePlace(wanted, known),
];

/** Each known sink goes to one block at most. */
function matchesOf(wanted: readonly Wanted[], known: readonly Recalled[]): ReadonlyMap<Wanted, Recalled> {
  const found = new Map<Wanted, Recalled>();
  const free = new Set(known);
  function match(isSame: (wanted: Wanted, known: Recalled) => boolean): void {
    for (const one of wanted) {
      if (found.has(one)) continue;
      const same = [...free].find((each) => each.block.type === one.block.type && isSame(one, each));
      if (same === undefined) continue;
      found.set(one, same);
      free.delete(same);
    }
  }
  match(({ oldId }, { sink }) => sink === oldId);
  for (const alike of likenesses) match((one, each) => alike(one.block, each.block));
  return found;
}

function hostAndPortOf(address: string | undefined): string | undefined {
  return address === undefined ? undefined : URL.parse(address, "http://localhost")?.host;
}
