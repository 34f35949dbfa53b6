/** Owns one phase of a fleet's day: so many Macs against one receiver for so long, and what came of it. */
import { setTimeout as wait } from "node:timers/promises";
import { systemClock } from "../../src/runtime/clock.ts";
import type { Random } from "../../src/runtime/random.ts";
import { remoteWriteSchema } from "../../src/sink/remote-write/schema.ts";
import { costBetween, readProcess, type Cost } from "../bench/process.ts";
import { createHost, type Host } from "./host.ts";
import type { FleetReceiver } from "./receiver.ts";
import type { Recording } from "./recording.ts";
import { newTallies, type Tallies } from "./tally.ts";

export interface Phase {
  readonly title: string;
  readonly job: string;
  readonly hosts: number;
  readonly intervalMs: number;
  readonly durationMs: number;
  /** Part of the Macs that go to sleep each minute, for 20 to 60 seconds. */
  readonly churn: number;
  /** How long every Mac was offline before it comes back at the start; 0 for a fleet that is awake. */
  readonly backlogMs: number;
  /** Samples a second and Mac while the backlog is sent; 0 is unlimited. */
  readonly drainRate: number;
  /** The real one, or none: then everybody sends at once. */
  readonly jitter: boolean;
  readonly protocol: "v1" | "v2";
}

export interface PhaseResult {
  readonly phase: Phase;
  readonly seconds: number;
  readonly tallies: Tallies;
  readonly backlogSamples: number;
  readonly backlogLeft: number;
  readonly sleeps: number;
  readonly stored?: number;
  /** Of the receiver's process; its memory at the highest. */
  readonly receiver?: Cost;
  readonly own: Cost;
}

const messages = { v1: "prometheus.WriteRequest", v2: "io.prometheus.write.v2.Request" } as const;
const tickMs = 100;

export async function runPhase(
  phase: Phase,
  recordings: readonly Recording[],
  receiver: FleetReceiver,
  random: Random,
): Promise<PhaseResult> {
  const tallies = newTallies();
  const start = systemClock.now();
  await using fleet = new AsyncDisposableStack();
  const hosts = createHosts(phase, recordings, receiver.url, { random, tallies, start });
  for (const host of hosts) fleet.use(host);
  const backlogSamples = waitingSamples(hosts);

  const before = { receiver: receiver.read(), own: readProcess(process.pid), at: performance.now() };
  for (const host of hosts)
    if (phase.backlogMs > 0) host.wake(start);
    else host.start(start);
  const watched = await live(phase, hosts, receiver, random);
  const seconds = (performance.now() - before.at) / 1000;
  const after = receiver.read();
  const own = costBetween(before.own, readProcess(process.pid), seconds);
  const backlogLeft = waitingSamples(hosts);
  await fleet.disposeAsync();
  const stored = await receiver.stored();
  return {
    phase,
    seconds,
    tallies,
    backlogSamples,
    backlogLeft,
    sleeps: watched.sleeps,
    own,
    ...(stored !== undefined && { stored }),
    ...(before.receiver !== undefined &&
      after !== undefined && {
        receiver: costBetween(before.receiver, { ...after, rssKb: watched.rssKb }, seconds),
      }),
  };
}

interface World {
  readonly random: Random;
  readonly tallies: Tallies;
  readonly start: number;
}

function createHosts(
  { job, hosts, intervalMs, backlogMs, drainRate, jitter, protocol }: Phase,
  recordings: readonly Recording[],
  url: string,
  { random, tallies, start }: World,
): readonly Host[] {
  const queue_config = { drain_rate: drainRate };
  const settings = remoteWriteSchema.parse({ url, protobuf_message: messages[protocol], queue_config });
  return Array.from({ length: hosts }, (_, number) => {
    const recording = recordings[number % recordings.length];
    if (recording === undefined)
      throw new Error("unexpected fleet: got no recording, want one for each kind of Mac");
    return createHost({
      job,
      number,
      recording,
      settings,
      intervalMs,
      tallies,
      // Clocks of different Macs do not tick together.
      firstTime: start + Math.floor(random() * intervalMs),
      backlog: Math.floor(backlogMs / intervalMs),
      random: jitter ? random : () => 0,
    });
  });
}

/** The day itself: snapshots fall due, lids close and open. Ends early when a backlog is all delivered. */
async function live(
  { durationMs, churn, backlogMs }: Phase,
  hosts: readonly Host[],
  receiver: FleetReceiver,
  random: Random,
): Promise<{ readonly sleeps: number; readonly rssKb: number }> {
  const wakeAt = new Map<Host, number>();
  const end = systemClock.now() + durationMs;
  let sleeps = 0;
  let rssKb = 0;
  for (let now = systemClock.now(); now < end; now = systemClock.now()) {
    for (const host of hosts) {
      host.tick(now);
      if (!host.isAwake && (wakeAt.get(host) ?? Infinity) <= now) host.wake(now);
      if (!host.isAwake || random() >= (churn * tickMs) / 60_000) continue;
      sleeps++;
      wakeAt.set(host, now + 20_000 + random() * 40_000);
      await host.sleep();
    }
    rssKb = Math.max(rssKb, receiver.read()?.rssKb ?? 0);
    if (backlogMs > 0 && hosts.every(hasCaughtUp)) break;
    await wait(tickMs);
  }
  return { sleeps, rssKb };
}

/** Live snapshots may wait for their batch. */
function hasCaughtUp({ cursor }: Host): boolean {
  return cursor.backlog().snapshots <= 2;
}

function waitingSamples(hosts: readonly Host[]): number {
  return hosts.reduce((sum, { cursor }) => sum + cursor.waitingSamples(), 0);
}
