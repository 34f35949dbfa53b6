/** One imitated Mac: a real sink with its own connection and the real delivery loop, over a journal that is computed. */
import { once } from "node:events";
import { createDeliveryLoop, type DeliveryLoopOptions } from "../../src/delivery/loop.ts";
import type { Delivery } from "../../src/delivery/types.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { createHttpClient } from "../../src/runtime/http/client.ts";
import { silentLogger } from "../../src/runtime/log.ts";
import type { Random } from "../../src/runtime/random.ts";
import { historyPacing } from "../../src/sink/index.ts";
import type { RemoteWriteSettings } from "../../src/sink/remote-write/schema.ts";
import { createRemoteWriteSink } from "../../src/sink/remote-write/sink.ts";
import type { Sink, SendResult } from "../../src/sink/sink.ts";
import { createFleetCursor, type FleetCursor } from "./cursor.ts";
import type { Recording } from "./recording.ts";
import { accountOf, countFailure, countRequest, type Tallies } from "./tally.ts";

export interface HostPlan {
  readonly job: string;
  readonly number: number;
  readonly recording: Recording;
  readonly settings: RemoteWriteSettings;
  readonly intervalMs: number;
  /** When it takes its first live snapshot; its backlog ends one interval before. */
  readonly firstTime: number;
  /** Snapshots that it took before. */
  readonly backlog: number;
  /** Decides the delay before the first request after wake, and the jitter of the backoff. */
  readonly random: Random;
  readonly tallies: Tallies;
}

export interface Host extends AsyncDisposable {
  readonly cursor: FleetCursor;
  readonly series: number;
  /** How many samples a request takes, and how many requests a batch. */
  readonly limits: Pick<Sink, "maxSamples" | "maxBodies">;
  /** Takes the snapshots that are due at this time; nothing while it sleeps. */
  tick(now: number): void;
  /** Begins as one of many that have been at it for long: without the delay of a herd. */
  start(now: number): void;
  /** Closes the lid, whatever is on its way. */
  sleep(): Promise<void>;
  /** Begins no more requests and waits for the answer to the one that is on its way: its samples are counted, not in doubt. */
  readonly settle: () => Promise<void>;
  /** Opens the lid: new connections, and the delay that spreads a herd. */
  wake(now: number): void;
  readonly isAwake: boolean;
}

export function createHost(plan: HostPlan): Host {
  const { intervalMs, tallies, random } = plan;
  const { sink, settle } = settling(counting(openSink(plan), tallies));
  const pacing = drivenAs(plan.settings);
  const cursor = cursorOf(plan, sink);
  let nextTime = plan.firstTime;
  let running:
    | { readonly delivery: Delivery; readonly stop: AbortController; readonly ended: Promise<void> }
    | undefined;

  function start(now: number): Delivery {
    while (nextTime < now) nextTime += intervalMs;
    const delivery = createDeliveryLoop({
      sink,
      cursor,
      pacing,
      listener: accountOf(tallies),
      clock: systemClock,
      random,
      log: silentLogger,
    });
    const stop = new AbortController();
    running = { delivery, stop, ended: delivery.run(stop.signal) };
    return delivery;
  }

  async function sleep(): Promise<void> {
    const ending = running;
    running = undefined;
    ending?.stop.abort();
    await ending?.ended;
  }

  return {
    cursor,
    series: plan.recording.set.series.length,
    limits: { maxSamples: sink.maxSamples, maxBodies: sink.maxBodies },
    start: (now) => void start(now),
    wake: (now) => start(now).woke(),
    sleep,
    settle,
    get isAwake() {
      return running !== undefined;
    },
    tick(now) {
      if (running === undefined || now < nextTime) return;
      cursor.append(nextTime);
      nextTime += intervalMs;
      running.delivery.notify();
    },
    async [Symbol.asyncDispose]() {
      await sleep();
      await sink[Symbol.asyncDispose]();
    },
  };

  function cursorOf({ recording, number, backlog, firstTime }: HostPlan, { id }: Sink): FleetCursor {
    const life = {
      recording,
      phase: number * 7,
      intervalMs,
      bootMs: firstTime - 5 * 86_400_000,
      onDelivered(time: number) {
        if (time >= firstTime) tallies.ages.push(systemClock.now() - time);
      },
    };
    return createFleetCursor(id, life, { since: firstTime - backlog * intervalMs, count: backlog });
  }
}

function drivenAs({ queue_config }: RemoteWriteSettings): DeliveryLoopOptions["pacing"] {
  const pacing = historyPacing(queue_config, true);
  if (pacing.kind === "history") return pacing;
  throw new Error(`unexpected pacing: got ${pacing.kind}, want history`);
}

function openSink({ job, number, settings }: HostPlan): Sink {
  return createRemoteWriteSink(settings, {
    client: createHttpClient(settings, { clock: systemClock, env: {} }),
    identity: { job, instance: `host-${number}`, externalLabels: {} },
    version: "0.0.0-fleet",
  });
}

function counting(sink: Sink, tallies: Tallies): Sink {
  return {
    ...sink,
    async send(body, protocol, signal) {
      const result = await sink.send(body, protocol, signal);
      countRequest(tallies, result, body);
      return result;
    },
    async probe(protocol, signal) {
      const result = await sink.probe(protocol, signal);
      countFailure(tallies, result);
      return result;
    },
  };
}

/** A delivery loop has one request on its way at a time. */
function settling(sink: Sink): { readonly sink: Sink; readonly settle: () => Promise<void> } {
  let isSettling = false;
  let onItsWay: Promise<unknown> = Promise.resolve();

  function pass(send: () => Promise<SendResult>, signal: AbortSignal): Promise<SendResult> {
    if (isSettling) return calledOff(signal);
    const result = send();
    onItsWay = result;
    return result;
  }

  return {
    sink: {
      ...sink,
      send: (body, protocol, signal) => pass(() => sink.send(body, protocol, signal), signal),
      probe: (protocol, signal) => pass(() => sink.probe(protocol, signal), signal),
    },
    async settle() {
      isSettling = true;
      await onItsWay;
    },
  };
}

/** Answers only when nobody waits for it any more. */
async function calledOff(signal: AbortSignal): Promise<SendResult> {
  if (!signal.aborted) await once(signal, "abort");
  return { outcome: { status: "retry", code: "aborted", reason: "aborted" }, durationMs: 0 };
}
