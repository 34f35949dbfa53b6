/**
 * Owns `npm run fleet`: the traffic of a thousand Macs from one process, through the real sinks and delivery loops.
 *
 *     npm run fleet -- --hosts 1000 --interval 15s --receiver victoria-metrics --herd
 *
 * Phases: an ordinary day with lids closing and opening; with --herd also 09:00, when all come back from a night offline at
 * once, first without jitter and drain rate, then with both.
 */
import { parseArgs } from "node:util";
import { parseDuration } from "../../src/runtime/duration.ts";
import { seededRandom } from "../../src/runtime/random.ts";
import { machine } from "../bench/machine.ts";
import { runPhase, type Phase, type PhaseResult } from "./phase.ts";
import { openReceiver } from "./receiver.ts";
import { recordings } from "./recording.ts";
import { count, phaseTable, samplesPerSecond, timeToFinish } from "./report.ts";

const usage = `npm run fleet -- [--hosts 1000] [--interval 15s] [--receiver URL|victoria-metrics|prometheus]
  [--protocol v1|v2] [--duration 2m] [--churn 0.1] [--herd] [--offline 8h] [--drain-rate N] [--seed 1]`;

const { values } = parseArgs({
  options: {
    hosts: { type: "string", default: "1000" },
    interval: { type: "string", default: "15s" },
    receiver: { type: "string", default: "victoria-metrics" },
    protocol: { type: "string" },
    duration: { type: "string", default: "2m" },
    churn: { type: "string", default: "0.1" },
    herd: { type: "boolean", default: false },
    offline: { type: "string", default: "8h" },
    "drain-rate": { type: "string" },
    seed: { type: "string", default: "1" },
  },
});

const intervalMs = duration("interval");
const random = seededRandom(number("seed"));
const common = {
  hosts: number("hosts"),
  intervalMs,
  durationMs: duration("duration"),
  protocol: protocol(),
};
const calm: Phase = {
  ...common,
  title: "an ordinary day",
  job: "fleet-day",
  churn: number("churn"),
  backlogMs: 0,
  drainRate: 20_000,
  jitter: true,
};
const herd: Phase = {
  ...calm,
  title: "09:00, neither jitter nor drain rate",
  job: "fleet-herd",
  churn: 0,
  backlogMs: duration("offline"),
  drainRate: 0,
  jitter: false,
};

console.error(`machine: ${machine()}`);
console.error(
  `receiver and all Macs share it; intervals of ${intervalMs / 1000} s, receiver ${values.receiver}`,
);
const kinds = recordings(intervalMs);
const results = [await measured(calm)];
if (values.herd) {
  const free = await measured(herd);
  const drainRate = values["drain-rate"] === undefined ? fittingRate(free) : number("drain-rate");
  const title = `09:00, jitter and drain_rate ${drainRate}`;
  const paced = await measured({ ...herd, title, job: "fleet-herd-paced", drainRate, jitter: true });
  results.push(free, paced);
}
console.log(phaseTable(results));
for (const result of results.slice(1)) console.log(`\n${result.phase.title}: ${timeToFinish(result)}`);

/** Each against a receiver that has seen nothing yet, where it is ours to start. */
async function measured(phase: Phase): Promise<PhaseResult> {
  console.error(`${phase.title}: at most ${phase.durationMs / 1000} s`);
  await using receiver = await openReceiver(values.receiver);
  return await runPhase(phase, kinds, receiver, random);
}

/** Half of what the receiver carried at most, live data set aside, for each Mac: the rule of config/examples/fleet.md. */
function fittingRate(free: PhaseResult): number {
  const capacity = samplesPerSecond(free);
  const live = (free.backlogSamples / free.phase.backlogMs) * 1000;
  const rate = Math.max(1, Math.floor((capacity / 2 - live) / free.phase.hosts));
  console.error(`drain_rate = (${count(capacity)} / 2 − ${count(live)}) / ${free.phase.hosts} = ${rate}`);
  return rate;
}

function duration(name: "interval" | "duration" | "offline"): number {
  return parseDuration(values[name]) ?? refuse(`--${name} must be a duration, got ${values[name]}`);
}

function number(name: "hosts" | "churn" | "drain-rate" | "seed"): number {
  const value = Number(values[name]);
  return value >= 0 ? value : refuse(`--${name} must be a number, got ${values[name] ?? ""}`);
}

/** VictoriaMetrics speaks version 1 only. */
function protocol(): "v1" | "v2" {
  const wanted = values.protocol ?? (values.receiver === "prometheus" ? "v2" : "v1");
  return wanted === "v1" || wanted === "v2" ? wanted : refuse(`--protocol must be v1 or v2, got ${wanted}`);
}

function refuse(message: string): never {
  console.error(`${message}\n${usage}`);
  process.exit(2);
}
