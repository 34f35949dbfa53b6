/** Runs the phases in order: an ordinary day, the herd as it comes, the herd with jitter and the drain rate that follows. */
import { causeOf } from "../../src/runtime/cause.ts";
import { seededRandom } from "../support/seeded-random.ts";
import type { FleetPlan, HerdPlan } from "./arguments.ts";
import { fittingRate, liveRate } from "./estimate.ts";
import { carries, extrapolation, type Herd } from "./extrapolation.ts";
import { refusalOf } from "./greet.ts";
import { runPhase, settingsOf, type Phase, type PhaseResult } from "./phase.ts";
import { openReceiver, type FleetReceiver } from "./receiver.ts";
import { recordings } from "./recording.ts";
import { phaseTable, samplesPerSecond } from "./report.ts";
import { faultsOf } from "./verdict.ts";
import { count } from "./words.ts";

export interface Measured {
  /** Of the receiver, when it tells its name. */
  readonly program?: string;
  /** The table and what follows from it; absent when nothing was delivered. */
  readonly text?: string;
  /** One line for each thing that makes the figures doubtful. */
  readonly faults: readonly string[];
}

/** @param tell progress, a line each */
export async function measureFleet(plan: FleetPlan, tell: (line: string) => void): Promise<Measured> {
  const run = beginRun(plan, tell);
  const calm = dayOf(plan);
  const day = await run.measure(calm);
  const herd = day && plan.herd && (await herdOf(run, calm, plan.herd));
  return { ...wordsFor(run, day, herd), faults: run.faults };
}

interface Run {
  readonly plan: FleetPlan;
  /** Of phases in which anything was delivered. */
  readonly results: PhaseResult[];
  readonly faults: string[];
  /** Against a receiver that has seen nothing yet, where it is ours to start. Absent when its figures are nothing to go on with. */
  readonly measure: (phase: Phase) => Promise<PhaseResult | undefined>;
}

function beginRun(plan: FleetPlan, tell: (line: string) => void): Run {
  const random = seededRandom(plan.seed);
  const kinds = recordings(plan.intervalMs);
  const results: PhaseResult[] = [];
  const faults: string[] = [];

  async function measure(phase: Phase): Promise<PhaseResult | undefined> {
    tell(`${phase.title}: at most ${phase.durationMs / 1000} s`);
    const result = await against(plan.receiver, phase, (receiver) =>
      runPhase(phase, kinds, receiver, random),
    );
    const wrong = typeof result === "string" ? [result] : faultsOf(result);
    faults.push(...wrong.map((fault) => `${phase.title}: ${fault}`));
    if (typeof result === "string") return undefined;
    if (result.tallies.sent > 0) results.push(result);
    return wrong.length > 0 ? undefined : result;
  }

  return { plan, results, faults, measure };
}

async function herdOf(run: Run, calm: Phase, wanted: HerdPlan): Promise<Herd | undefined> {
  const { offlineMs: backlogMs, durationMs, drainRate: given } = wanted;
  const herd = { ...calm, churn: 0, backlogMs, durationMs };
  const free = await run.measure({
    ...herd,
    title: "09:00, neither jitter nor drain rate",
    job: "fleet-herd",
    drainRate: 0,
    jitter: false,
  });
  const drainRate = free && (given ?? rateFor(run, free));
  if (free === undefined || drainRate === undefined) return undefined;
  const title = `09:00, jitter and drain_rate ${drainRate}`;
  const paced = await run.measure({ ...herd, title, job: "fleet-herd-paced", drainRate, jitter: true });
  return paced && { free, drainRate, given: given !== undefined, paced };
}

function rateFor({ plan, faults }: Run, free: PhaseResult): number | undefined {
  const capacity = samplesPerSecond(free);
  const live = liveRate(free.series, plan.intervalMs);
  const rate = fittingRate(capacity, live, plan.hosts);
  if (rate === undefined)
    faults.push(
      `cannot choose a drain_rate: half of ${count(capacity)} samples/s leaves nothing beside ${count(live)} of live data`,
    );
  return rate;
}

/** What follows from a phase is left out when something was wrong with it. */
function wordsFor(
  { results, faults }: Run,
  day: PhaseResult | undefined,
  herd: Herd | undefined,
): Pick<Measured, "program" | "text"> {
  const [first, free] = results;
  if (first === undefined) return {};
  const { program } = first.receiver;
  const sums = [
    ...(herd === undefined ? [] : [indented(extrapolation(herd))]),
    ...(day === undefined || faults.length > 0 ? [] : [carries(day, free)]),
  ];
  return { ...(program !== undefined && { program }), text: [phaseTable(results), ...sums].join("\n\n") };
}

function dayOf({ hosts, intervalMs, durationMs, churn, protocol }: FleetPlan): Phase {
  return {
    ...{ hosts, intervalMs, durationMs, churn, protocol },
    title: "an ordinary day",
    job: "fleet-day",
    backlogMs: 0,
    drainRate: 20_000,
    jitter: true,
  };
}

/** Text is why it can't be: the receiver does not start, or does not take what the phase sends. */
async function against(
  wanted: string,
  phase: Phase,
  run: (receiver: FleetReceiver) => Promise<PhaseResult>,
): Promise<PhaseResult | string> {
  const opened = await openReceiver(wanted).catch(causeOf);
  if (typeof opened === "string") return opened;
  await using receiver = opened;
  const refusal = await refusalOf(settingsOf(phase, receiver.url));
  return refusal === undefined ? await run(receiver) : `cannot greet the receiver: ${refusal}`;
}

/** Code, as Markdown has it. */
function indented(text: string): string {
  return text.replace(/^(?=.)/gm, "    ");
}
