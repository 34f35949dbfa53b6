/** Runs one phase of a fleet's day: so many Macs against one receiver for so long, and what came of it. */
import { setTimeout as wait } from "node:timers/promises";
import { systemClock } from "../../src/runtime/clock.ts";
import type { Random } from "../../src/runtime/random.ts";
import { remoteWriteSchema, type RemoteWriteSettings } from "../../src/sink/remote-write/schema.ts";
import { createHost, type Host } from "./host.ts";
import type { FleetReceiver } from "./receiver.ts";
import type { Recording } from "./recording.ts";
import { newTallies, type Tallies } from "./tally.ts";
import { watchReceiver, type ReceiverCost } from "./watch.ts";

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
  /** Until the last request was answered. */
  readonly seconds: number;
  readonly tallies: Tallies;
  /** Series of all Macs. */
  readonly series: number;
  readonly backlog: Backlog;
  readonly sleeps: number;
  readonly receiver: ReceiverCost & { readonly isOurs: boolean };
  /** Of all Macs together: cores, and memory at the end. */
  readonly own: { readonly cores: number; readonly rssBytes: number };
}

/** In samples. */
export interface Backlog {
  readonly all: number;
  /** Of the Mac that has most. */
  readonly most: number;
  readonly left: number;
  /** Of each Mac. */
  readonly limits: Host["limits"] | undefined;
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
  const backlogs = hosts.map(({ cursor }) => cursor.backlogSamples());

  const watch = await watchReceiver(receiver);
  const before = { cpu: process.cpuUsage(), at: performance.now() };
  for (const host of hosts)
    if (phase.backlogMs > 0) host.wake(start);
    else host.start(start);
  const sleeps = await live(phase, hosts, random);
  await Promise.all(hosts.map((host) => host.settle()));
  const seconds = (performance.now() - before.at) / 1000;
  const { user, system } = process.cpuUsage(before.cpu);
  const own = { cores: (user + system) / 1e6 / seconds, rssBytes: process.memoryUsage.rss() };
  await fleet.disposeAsync();
  return {
    phase,
    seconds,
    tallies,
    series: hosts.reduce((sum, { series }) => sum + series, 0),
    backlog: {
      all: sumOf(backlogs),
      most: mostOf(backlogs),
      left: backlogOf(hosts),
      limits: hosts[0]?.limits,
    },
    sleeps,
    receiver: { ...(await watch.end(seconds)), isOurs: receiver.isOurs },
    own,
  };
}

interface World {
  readonly random: Random;
  readonly tallies: Tallies;
  readonly start: number;
}

/** Of each Mac's sink, everything else at its default. */
export function settingsOf(
  { protocol, drainRate }: Pick<Phase, "protocol" | "drainRate">,
  url: string,
): RemoteWriteSettings {
  const queue_config = { drain_rate: drainRate };
  return remoteWriteSchema.parse({ url, protobuf_message: messages[protocol], queue_config });
}

function createHosts(
  phase: Phase,
  recordings: readonly Recording[],
  url: string,
  { random, tallies, start }: World,
): readonly Host[] {
  const { job, hosts, intervalMs, backlogMs, jitter } = phase;
  const settings = settingsOf(phase, url);
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

/** The day itself: snapshots fall due, lids close and open. Ends early when a backlog is all delivered. Tells how many slept. */
async function live(
  { durationMs, churn, backlogMs }: Phase,
  hosts: readonly Host[],
  random: Random,
): Promise<number> {
  const wakeAt = new Map<Host, number>();
  const end = systemClock.now() + durationMs;
  let sleeps = 0;
  for (let now = systemClock.now(); now < end; now = systemClock.now()) {
    for (const host of hosts) {
      host.tick(now);
      if (!host.isAwake && (wakeAt.get(host) ?? Infinity) <= now) host.wake(now);
      if (!host.isAwake || random() >= (churn * tickMs) / 60_000) continue;
      sleeps++;
      wakeAt.set(host, now + 20_000 + random() * 40_000);
      await host.sleep();
    }
    if (backlogMs > 0 && backlogOf(hosts) === 0) break;
    await wait(tickMs);
  }
  return sleeps;
}

function backlogOf(hosts: readonly Host[]): number {
  return sumOf(hosts.map(({ cursor }) => cursor.backlogSamples()));
}

function mostOf(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), 0);
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
