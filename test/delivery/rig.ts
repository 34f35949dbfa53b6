/** The setup of delivery's tests: a real journal on a fake clock, and a sink whose receiver answers as the test says. */
import type { TestContext } from "node:test";
import { createDeliveryLoop } from "../../src/delivery/loop.ts";
import type { Delivery } from "../../src/delivery/types.ts";
import type { Cursor, Journal, JournalOptions } from "../../src/journal/types.ts";
import type { Random } from "../../src/runtime/random.ts";
import type { Pacing } from "../../src/sink/index.ts";
import type { Body, EncodedBatch, Outcome, SendResult, Sink } from "../../src/sink/sink.ts";
import { withTicks, type FakeClock } from "../support/fake-clock.ts";
import { bench, snapshot, type Wanted } from "../journal/fixtures.ts";
import { recordingLogger, type LogLine } from "../support/log.ts";

export type HistoryPacing = Extract<Pacing, { kind: "history" }>;

export const second = 1000;
export const minute = 60 * second;
export const hour = 60 * minute;

/** Each made-up snapshot holds this many samples. */
export const perSnapshot = 4;

export const delivered = { status: "delivered", code: "204", rejected: 0 } as const satisfies Outcome;
export const unavailable = {
  status: "retry",
  code: "503",
  reason: "service unavailable",
} as const satisfies Outcome;
export const reset = {
  status: "retry",
  code: "reset",
  reason: "connection reset",
} as const satisfies Outcome;
export const badRequest = {
  status: "rejected",
  code: "400",
  reason: "bad request",
} as const satisfies Outcome;
export const forbidden = { status: "refused", code: "403", reason: "who are you" } as const satisfies Outcome;
export const tooLarge = { status: "too_large", code: "413", reason: "too large" } as const satisfies Outcome;

export function switchTo(protocol: string): Outcome {
  return { status: "switch", code: "415", reason: "unsupported media type", protocol };
}

/** A request as the receiver sees it. */
export interface Seen {
  /** By the monotonic clock. */
  readonly at: number;
  readonly protocol: string;
  /** The snapshots' times; empty for a probe. */
  readonly times: readonly number[];
  /** Which of the batch's bodies this is. */
  readonly part: number;
  readonly text: string;
}

/** Undefined is an answer that never comes. */
export type Answer = (seen: Seen) => Outcome | undefined;

export interface RigOptions {
  readonly pacing?: Partial<HistoryPacing>;
  readonly journal?: Partial<JournalOptions>;
  readonly sink?: Partial<Pick<Sink, "maxSamples" | "maxBodies" | "maxBytes" | "protocols">>;
  readonly random?: Random;
  /** Of a batch; each holds as many of a snapshot's samples. */
  readonly bodies?: number;
  /** Whether the receiver has taken samples of this block before; it has unless this is false. */
  readonly proven?: boolean;
  /** Whether a body can be divided by series. */
  readonly divisible?: boolean;
  /** Whether timers share common ticks, as the system's do. */
  readonly ticks?: boolean;
}

export const defaultPacing: HistoryPacing = {
  kind: "history",
  batchDeadlineMs: 5 * second,
  minBackoffMs: 100,
  maxBackoffMs: 30 * second,
  drainRate: 0,
  sampleAgeLimitMs: 0,
  mayOvertake: true,
};

export interface Rig {
  readonly clock: FakeClock;
  readonly journalPath: string;
  readonly journal: () => Journal;
  readonly cursor: () => Cursor;
  /** What the receiver answers from now on; delivered at first. */
  answer: Answer;
  /** The receiver's clock minus the fake one; absent when it does not show its time. */
  skewMs: number | undefined;
  /** Batches, probes excluded. */
  readonly seen: Seen[];
  readonly probes: Seen[];
  readonly counts: { sent: number; readonly dropped: Record<string, number>; renewed: number };
  readonly codes: string[];
  readonly lines: LogLine[];
  /** Thrown by encode for a batch that this accepts. */
  poison: (times: readonly number[]) => boolean;
  /** The present loop's. */
  readonly delivery: () => Delivery;
  /** Takes a snapshot of now and notifies the delivery; returns its time. */
  append(wanted?: Wanted & { readonly time?: number }): number;
  /** Takes `count` snapshots, one every `everyMs`, while the clock runs. */
  collect(count: number, everyMs: number): Promise<readonly number[]>;
  start(): void;
  /** Starts, and lets it greet its receiver. */
  begin(): Promise<void>;
  /** Ends the loop as a shutdown does; resolves when it has ended. */
  finish(): Promise<void>;
  abort(): Promise<void>;
  /** Ends loop and journal and starts both anew; `path` is where the database is now. */
  restart(path?: string): Promise<void>;
}

/** A journal, a cursor and a delivery that has not started yet. */
export function rig(context: TestContext, options: RigOptions = {}): Rig {
  const { path, clock, open } = bench(context, options.journal);
  const { bodies: parts = 1 } = options;
  let journal = open();
  let delivery: Delivery;
  let stop = new AbortController();
  let running: Promise<void> = Promise.resolve();

  const sink: Sink = {
    id: "remote_write/test",
    type: "remote_write",
    target: "receiver",
    maxSamples: 2000,
    maxBodies: 1,
    maxBytes: Infinity,
    protocols: ["two", "one"],
    ...options.sink,
    encode({ snapshots }, protocol): EncodedBatch {
      const times = snapshots.map(({ time }) => time);
      if (it.poison(times)) throw new Error("cannot encode this");
      const bodies = Array.from({ length: parts }, (_, part) => {
        const own = snapshots.map(({ values }) => [...values].filter((_, at) => at % parts === part));
        const bytes = Buffer.from(JSON.stringify({ protocol, times, part, values: own }));
        return { bytes, samples: own.flat().length };
      });
      return { bodies, dropped: {} };
    },
    ...(options.divisible === true && { halves: halvesOf }),
    send: ({ bytes }, protocol, signal) => request(Buffer.from(bytes).toString(), protocol, signal, it.seen),
    probe: (protocol, signal) => request('{"times":[],"part":0}', protocol, signal, it.probes),
    renew() {
      it.counts.renewed++;
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };

  async function request(
    text: string,
    protocol: string,
    signal: AbortSignal,
    list: Seen[],
  ): Promise<SendResult> {
    const { times, part } = JSON.parse(text) as Pick<Seen, "times" | "part">;
    const seen: Seen = { at: clock.monotonic(), protocol, times, part, text };
    list.push(seen);
    const outcome = it.answer(seen) ?? (await unanswered(signal));
    return { outcome, durationMs: 1, ...(it.skewMs !== undefined && { skewMs: it.skewMs }) };
  }

  function create(): Delivery {
    return createDeliveryLoop({
      sink,
      cursor: it.cursor(),
      pacing: { ...defaultPacing, ...options.pacing },
      listener: {
        requested: (code) => void it.codes.push(code),
        sent: (samples) => void (it.counts.sent += samples),
        dropped(samples, reason) {
          it.counts.dropped[reason] = (it.counts.dropped[reason] ?? 0) + samples;
        },
      },
      clock: options.ticks === true ? withTicks(clock) : clock,
      random: options.random ?? (() => 0.5),
      log: recordingLogger(it.lines),
    });
  }

  const it: Rig = {
    clock,
    journalPath: path,
    journal: () => journal,
    cursor: () => journal.cursor("remote_write/test", { from: "now" }),
    answer: () => delivered,
    skewMs: undefined,
    seen: [],
    probes: [],
    counts: { sent: 0, dropped: {}, renewed: 0 },
    codes: [],
    lines: [],
    poison: () => false,
    delivery: () => delivery,
    append({ time = clock.now(), ...wanted } = {}) {
      if (journal.append(snapshot(time, wanted)) === "appended") delivery.notify();
      return time;
    },
    async collect(count, everyMs) {
      const times: number[] = [];
      for (let taken = 0; taken < count; taken++) {
        times.push(it.append());
        await clock.advance(everyMs);
      }
      return times;
    },
    start: () => void (running = delivery.run(stop.signal)),
    async begin() {
      it.start();
      await clock.advance(0);
    },
    async finish() {
      delivery.finish();
      await running;
    },
    async abort() {
      stop.abort();
      await running;
    },
    async restart(at = path) {
      await it.abort();
      journal[Symbol.dispose]();
      journal = open({ path: at });
      stop = new AbortController();
      delivery = create();
      it.start();
    },
  };
  if (options.proven !== false) it.cursor().accept(`receiver ${sink.protocols[0]}`);
  delivery = create();
  context.after(() => stop.abort());
  return it;
}

function halvesOf({ bytes }: Body): readonly [Body, Body] | undefined {
  const { values, ...rest } = JSON.parse(Buffer.from(bytes).toString()) as { readonly values: number[][] };
  const most = Math.max(...values.map((own) => own.length));
  if (most < 2) return undefined;
  const middle = Math.ceil(most / 2);
  const bodyOf = (part: readonly number[][]): Body => ({
    bytes: Buffer.from(JSON.stringify({ ...rest, values: part })),
    samples: part.flat().length,
  });
  return [bodyOf(values.map((own) => own.slice(0, middle))), bodyOf(values.map((own) => own.slice(middle)))];
}

/** A snapshot with these values, an even number of them. */
export function holding(values: readonly number[]): Wanted {
  const parts = Array.from({ length: values.length / 2 }, (_, at) => `part${at}`);
  return { parts, values: Float64Array.from(values) };
}

/** The samples in a request. */
export function valuesIn({ text }: Seen): readonly number[] {
  return (JSON.parse(text) as { readonly values: number[][] }).values.flat();
}

async function unanswered(signal: AbortSignal): Promise<Outcome> {
  if (!signal.aborted)
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  return { status: "retry", code: "aborted", reason: "request aborted" };
}

/** The times of all batches in the order in which they were sent. */
export function sentTimes(seen: readonly Seen[]): readonly number[] {
  return seen.flatMap(({ times }) => times);
}
