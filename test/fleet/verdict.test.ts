/** The figures of a phase are believed only when the receiver holds what counts as delivered. */
import assert from "node:assert/strict";
import test from "node:test";
import { newTallies, type Tallies } from "./tally.ts";
import { faultsOf, type Judged } from "./verdict.ts";

function judged(tallies: Partial<Tallies>, stored: number | undefined, isOurs = true): Judged {
  return {
    tallies: { ...newTallies(), requests: 9, ...tallies },
    receiver: { isOurs, ...(stored !== undefined && { stored }) },
  };
}

test("all is well when what was delivered is stored", () => {
  assert.deepEqual(faultsOf(judged({ sent: 700, answered: 700 }, 700)), []);
});

test("a receiver that holds less than what counts as delivered is a fault, with its numbers", () => {
  assert.deepEqual(faultsOf(judged({ sent: 7000, answered: 7000, uncertain: 2000 }, 6000)), [
    "receiver must hold the 7 000 samples that count as delivered, got 6 000",
  ]);
});

test("what came twice or was cut off may be stored or not, and no more than that", () => {
  const tallies = { sent: 700, answered: 800, uncertain: 50 };
  for (const stored of [700, 800, 850]) assert.deepEqual(faultsOf(judged(tallies, stored)), []);
  assert.deepEqual(faultsOf(judged(tallies, 851)), ["receiver must hold at most 850 samples, got 851"]);
});

test("a receiver elsewhere may hold samples of others, or not tell", () => {
  const tallies = { sent: 700, answered: 700 };
  assert.deepEqual(faultsOf(judged(tallies, 9000, false)), []);
  assert.deepEqual(faultsOf(judged(tallies, undefined, false)), []);
  assert.equal(faultsOf(judged(tallies, 600, false)).length, 1);
  assert.match(faultsOf(judged(tallies, undefined)).join("\n"), /^cannot tell what the receiver stored/);
});

test("a receiver that takes nothing is told by its answers", () => {
  const errors = new Map([["400", 9]]);
  const dropped = new Map([["rejected", 9000]]);
  assert.deepEqual(faultsOf(judged({ errors, dropped }, 0)), [
    "cannot deliver anything: 9 requests (400: 9)",
  ]);
});

test("samples that are dropped for good are a fault, those that are there since the first time are not", () => {
  const tallies = { sent: 700, answered: 700 };
  const dropped = new Map([
    ["rejected", 96],
    ["rejected_resend", 96],
  ]);
  assert.deepEqual(faultsOf(judged({ ...tallies, dropped }, 700)), [
    "cannot deliver every sample: rejected: 96",
  ]);
  dropped.delete("rejected");
  assert.deepEqual(faultsOf(judged({ ...tallies, dropped }, 700)), []);
});
