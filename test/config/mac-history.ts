/**
 * Six minutes of a simulated Mac without waiting for it: its tools' documents go through the agent's own pipelines at injected
 * times. Each event that the agent counts happens once, so that its own metrics are there, too.
 */
import assert from "node:assert/strict";
import type { CollectorSettings } from "../../src/collector/collector.ts";
import type { DeliveryReport } from "../../src/delivery/types.ts";
import type { JournalState } from "../../src/journal/types.ts";
import { createOwnMeter, type OwnMeter } from "../../src/meter/own-meter.ts";
import { createSourcePipelines, type SourcePipelines } from "../../src/meter/source-pipeline.ts";
import type { Snapshot } from "../../src/meter/snapshot.ts";
import { silentLogger } from "../../src/runtime/log.ts";
import { scrapeRecorded } from "../../src/scrape/recorded.ts";
import { joinReports, runsOf, type PolledName } from "../../src/source/poll.ts";
import { createTelemetry, ownIntervalMs, sinkListener, type TelemetryOptions } from "../../src/telemetry.ts";
import { run } from "../simulator/run-tool.ts";
import { exporters } from "../scrape/exporters.ts";
import { fakeClock, type FakeClock } from "../support/fake-clock.ts";

export interface SimulatedMac {
  readonly instance: string;
  /** The simulator's: `--chip m4 --seed 3`. */
  readonly flags: string;
  /** What is scraped on it, too. */
  readonly scraped: readonly (keyof typeof exporters)[];
}

const stepMs = 15_000;
const steps = 24;
export const historyMs = steps * stepMs;

const settings: CollectorSettings = {
  tasks: { enabled: true, top: 3 },
  frequencyResidency: true,
  interrupts: true,
  simulated: true,
};

const polled: readonly PolledName[] = ["sysctl", "vm_stat", "pmset", "ioreg"];
const sink = "prometheus";

/** @param startMs whole seconds, as powermetrics' documents have them */
export async function macHistory(
  { instance, flags, scraped }: SimulatedMac,
  startMs: number,
): Promise<readonly Snapshot[]> {
  const clock = fakeClock(startMs);
  const snapshots: Snapshot[] = [];
  const publish = (snapshot: Snapshot): void => void snapshots.push(snapshot);
  const own = createOwnMeter(startMs);
  const pipelines = createSourcePipelines({ settings, own, log: silentLogger, publish });
  const stop = new AbortController();
  const telemetry = createTelemetry({ ...telemetryDeps(clock, pipelines), own, clock, publish });
  const running = telemetry.run(stop.signal);
  const documents = await documentsFrom(startMs, flags);
  assert.equal(documents.length, steps);
  for (const [index, document] of documents.entries()) {
    await clock.advance(stepMs);
    await feed(pipelines, document, { clock, flags });
    if (scraped.length > 0) {
      const body = Buffer.from(scraped.map((name) => exporters[name](clock.monotonic() / 1000)).join(""));
      const answered = await scrapeRecorded(body, instance, clock.now(), clock);
      for (const snapshot of answered.snapshots) publish(snapshot);
    }
    if (index === steps / 2) countEvents(own);
  }
  // Once more, so that the agent has reported its last samples.
  await clock.advance(ownIntervalMs);
  stop.abort();
  await running;
  return snapshots;
}

async function documentsFrom(startMs: number, flags: string): Promise<readonly string[]> {
  const asked = ["-f", "plist", "-i", String(stepMs), "-n", String(steps), "-s", "all"];
  const more = ["--show-process-coalition", "--show-process-energy", "--no-pace"];
  const start = ["--start", new Date(startMs).toISOString()];
  const { code, stdout, stderr } = await run("powermetrics", [...asked, ...more, ...start], {
    preset: flags,
  });
  assert.equal(code, 0, stderr);
  return stdout.split("\0").filter((document) => document !== "");
}

async function feed(
  pipelines: SourcePipelines,
  document: string,
  { clock, flags }: { readonly clock: FakeClock; readonly flags: string },
): Promise<void> {
  const receivedAt = clock.now();
  for (const name of polled) {
    const runs = runsOf(name, { battery: true, gpu: true });
    const printed = await Promise.all(runs.map((argv) => run(name, argv, { clock, preset: flags })));
    const bytes = joinReports(printed.map(({ stdout }) => Buffer.from(stdout)));
    pipelines[name].frame({ bytes, receivedAt });
  }
  pipelines.powermetrics.frame({ bytes: Buffer.from(document), receivedAt });
  for (const name of [...polled, "powermetrics"] as const) pipelines[name].up(true);
}

const sources = [...polled, "powermetrics"] as const;

/** Of an agent that delivers: what its journal and its sink would say. */
function telemetryDeps(
  clock: FakeClock,
  pipelines: SourcePipelines,
): Omit<TelemetryOptions, "own" | "clock" | "publish"> {
  const journal: JournalState = {
    durable: true,
    bytes: 1e6,
    snapshots: 1000,
    staged: 1,
    oldestTimeMs: clock.now(),
    dropped: { max_size: 1 },
    setAside: 0,
    cursors: [],
    orphans: [],
  };
  const report = (): DeliveryReport => ({
    sink,
    type: "remote_write",
    path: "remote_write[0]",
    address: "http://prometheus.example/",
    state: {
      status: "ok",
      protocol: "2",
      backlog: { snapshots: 1, oldestTimeMs: clock.now(), bytes: 1000 },
      sent: 1,
      dropped: {},
      failedRequests: 0,
      lastSuccessMs: clock.now(),
      skewMs: 0,
    },
  });
  return {
    log: silentLogger,
    version: "1.0.0",
    nodeVersion: "v26.0.0",
    sources: sources.map((name) => ({
      name,
      intervalMs: stepMs,
      run: () => Promise.resolve({ status: "stopped" }),
    })),
    pipelines,
    powermetricsCpu: { seconds: 1, refresh: () => Promise.resolve() },
    journal: { state: () => journal },
    deliveries: { reports: () => [report()] },
    reload: { successful: true },
    latest: { put: () => undefined },
  };
}

function countEvents(own: OwnMeter): void {
  const source = "powermetrics";
  own.count("sourceRestarts", 1, { source, reason: "exited" });
  own.count("sourceFailures", 1, { source, reason: "exited" });
  own.count("sourceParseErrors", 1, { source, kind: "truncated" });
  own.count("sourceImplausible", 1, { source, field: "cpu_power" });
  own.count("scrapeFailures", 1, { scrape_job: "node", reason: "timeout" });
  own.count("scrapeDropped", 1, { scrape_job: "node", reason: "duplicate" });
  const delivery = sinkListener(own, sink);
  delivery.requested("204", 0.1);
  delivery.sent(1000);
  delivery.dropped(1, "too_old");
}
