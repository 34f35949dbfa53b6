/** Balances a soaked agent's samples: at a moment when nothing is under way, what the tools printed is what arrived, was refused or was lost. */
import assert from "node:assert/strict";
import { total } from "../fault/account.ts";
import type { Receiver } from "../fault/receiver.ts";
import { polled, type AgentStatus, type SoakedAgent } from "./agent.ts";
import type { Arrivals } from "./arrivals.ts";

export interface End {
  readonly receiver: Receiver;
  readonly arrived: Arrivals;
}

export interface Ends {
  /** Always there: what arrived here is what was collected. */
  readonly steady: End;
  /** Away for so long that the journal can't hold it all; refuses at times. */
  readonly troubled: End;
  /** Out of order at times, but gets everything. */
  readonly moody: End;
  /** Out of order at times, and owed only what is current. */
  readonly gateway: End;
}

/** Waits until all is accounted for; the account in one line. */
export async function reckon(agent: SoakedAgent, ends: Ends, documents: number): Promise<string> {
  let account: readonly Entry[] = [];
  return agent.until(
    async () => {
      account = accountOf(await agent.status(), agent, ends, documents);
      return account.every(isRight) ? JSON.stringify(account) : undefined;
    },
    () => `not accounted for: ${JSON.stringify(account.filter((entry) => !isRight(entry)))}`,
  );
}

/** What must be equal. */
interface Entry {
  readonly what: string;
  readonly want: number;
  readonly got: number;
  /** How much less than wanted it may be; 0 where absent. */
  readonly mayLack?: number;
}

/**
 * Of a batch in several requests some may have arrived when the receiver went away, and the journal may lose the batch before the
 * others are sent: all of it counts as lost then. One batch for each of two absences.
 */
export const mostCut = { samples: 2 * 16_000, snapshots: 2 * 1000 };

function isRight({ want, got, mayLack = 0 }: Entry): boolean {
  return got <= want && want - got <= mayLack;
}

function accountOf(now: AgentStatus, agent: SoakedAgent, ends: Ends, documents: number): readonly Entry[] {
  assertSound(now, ends);
  const { steady, troubled, moody } = ends;
  const reports = polled.map((tool) => {
    const [calls, got] = [agent.callsOf(tool), steady.arrived.of(tool)];
    // On a busy machine a tool may be killed at its limit. What pmset prints by its other call is a report all the same.
    const want = Math.min(calls, Math.max(got, calls - sourceOf(now, tool).failures));
    return { what: `reports of ${tool}`, want, got };
  });
  const sinks = Object.entries<End>({ ...ends }).flatMap(([name, end]) => {
    const { sent, backlog } = sinkOf(now, end);
    const cut = end === troubled ? mostCut.samples : 0;
    return [
      { what: `samples sent to ${name}`, want: end.receiver.taken.samples, got: sent, mayLack: cut },
      { what: `snapshots waiting for ${name}`, want: 0, got: backlog.snapshots },
      { what: `snapshots twice at ${name}`, want: 0, got: end.arrived.again },
    ];
  });
  return [
    { what: "documents", want: documents, got: steady.arrived.documents },
    ...reports,
    ...sinks,
    ...lossesOf(now, steady, troubled),
    { what: "snapshots at moody", want: steady.arrived.taken.size, got: moody.arrived.taken.size },
    { what: "print at moody", want: steady.receiver.taken.print, got: moody.receiver.taken.print },
  ];
}

/**
 * Collected = sent + refused + lost by the journal, in samples; what did not arrive was refused or lost, in snapshots; and what is
 * reported as rejected is what was refused, in samples.
 */
function lossesOf(now: AgentStatus, steady: End, troubled: End): readonly Entry[] {
  const missing = [...steady.arrived.taken].filter((one) => !troubled.arrived.taken.has(one));
  const refused = missing.filter((one) => troubled.arrived.refused.has(one));
  const { sent, dropped } = sinkOf(now, troubled);
  const { max_size: _lost, ...byReceiver } = dropped;
  return [
    {
      what: "samples of troubled: sent, refused or lost",
      want: steady.receiver.taken.samples,
      got: sent + total(dropped),
    },
    {
      what: "snapshots lost to troubled, or refused, that are missing there",
      want: refused.length + total(now.journal.dropped),
      got: missing.length,
      mayLack: mostCut.snapshots,
    },
    { what: "snapshots of troubled alone", want: 0, got: countAlone(troubled, steady) },
    {
      what: "samples refused by troubled",
      want: troubled.arrived.refusedSamples,
      got: total(byReceiver),
    },
  ];
}

function countAlone(one: End, other: End): number {
  return [...one.arrived.taken].filter((snapshot) => !other.arrived.taken.has(snapshot)).length;
}

/** What no moment excuses. */
function assertSound(now: AgentStatus, { steady, troubled, moody, gateway }: Ends): void {
  const told = JSON.stringify(now);
  const reasons = ["rejected", "rejected_resend", "max_size"];
  assert.deepEqual(unexpected(sinkOf(now, troubled).dropped, reasons), [], told);
  for (const end of [steady, moody, gateway]) assert.deepEqual(sinkOf(now, end).dropped, {}, told);
  assert.deepEqual(unexpected(now.journal.dropped, ["max_size"]), [], told);
  assert.equal(now.journal.durable, true, told);
  for (const { restarts, parseErrors } of now.sources)
    assert.deepEqual({ restarts, parseErrors }, { restarts: 0, parseErrors: 0 }, told);
}

function unexpected(counts: Readonly<Record<string, number>>, reasons: readonly string[]): readonly string[] {
  return Object.keys(counts).filter((reason) => !reasons.includes(reason));
}

function sourceOf(status: AgentStatus, wanted: string): AgentStatus["sources"][number] {
  return status.sources.find(({ name }) => name === wanted) ?? assert.fail(JSON.stringify(status.sources));
}

export function sinkOf(status: AgentStatus, { receiver }: End): AgentStatus["sinks"][number] {
  return (
    status.sinks.find(({ target }) => target.startsWith(receiver.origin)) ??
    assert.fail(JSON.stringify(status.sinks))
  );
}
