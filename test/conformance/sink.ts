/**
 * Tests what every sink promises, whatever its protocol: one suite, driven through delivery and a journal against a
 * receiver that fails on request. A protocol may be excused from a duty, and says why.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";
import type { HttpClient } from "../../src/runtime/http/client.ts";
import type { Sink } from "../../src/sink/sink.ts";
import { createRig, type Rig } from "./rig.ts";
import { echo, half, hang, million, page, reset, status, type Protocol } from "./receiver.ts";
import type { HttpSettings } from "../../src/runtime/http/schema.ts";
import { disposableFolder, fastParent } from "../support/folder.ts";

export interface Subject extends Protocol {
  readonly name: string;
  /** Sends to this origin with these credentials; gives up a request after 30 s. */
  open(origin: string, credentials: object, createClient: (settings: HttpSettings) => HttpClient): Sink;
  /** What a 500 means here. */
  readonly serverError: "again" | "dropped";
  readonly excused: Readonly<Partial<Record<Duty, string>>>;
}

export const duties = {
  outage: "an outage loses nothing and repeats nothing",
  failures: "what passes is tried again until it is stored",
  serverError: "a 500 means what the protocol says",
  poison: "a body that is refused for good is dropped, counted, and holds nobody up",
  caution: "a receiver that has taken nothing yet costs no samples, whatever it refuses",
  hang: "a receiver that never answers is given up on and tried again",
  tooLarge: "a body that is too large goes in parts",
  retryAfter: "a receiver that says when is left alone until then",
  refusal: "a receiver that does not let us in is left alone for a minute, and nothing is lost",
  restart: "a batch under way at a crash goes out again with the same bytes, and the rest after it",
  shutdown: "a receiver that hangs does not delay the end",
  secrets: "credentials that a receiver sends back are told nobody",
} as const;
type Duty = keyof typeof duties;

export function sinkConformance(subject: Subject): void {
  const checks: Readonly<Record<Duty, (rig: Rig) => Promise<void>>> = {
    outage,
    failures,
    serverError: (rig) => serverError(rig, subject.serverError),
    poison,
    caution,
    hang: hanging,
    tooLarge,
    retryAfter,
    refusal,
    restart,
    shutdown,
    secrets,
  };
  for (const [duty, sentence] of Object.entries(duties) as [Duty, string][]) {
    const excuse = subject.excused[duty];
    test(
      `${subject.name}: ${sentence}`,
      { skip: excuse === undefined ? false : `excused: ${excuse}` },
      async () => {
        using folder = disposableFolder({ parent: fastParent });
        const rig = await createRig(subject, join(folder.path, "journal.db"), {
          authorization: { credentials: secret },
        });
        try {
          await checks[duty](rig);
        } finally {
          await rig[Symbol.asyncDispose]();
        }
      },
    );
  }
}

const secret = "s3cr3t-t0ken-of-the-test";

async function outage(rig: Rig): Promise<void> {
  rig.append(1);
  await rig.arrived(1);
  await rig.receiver.stop();
  for (const value of [2, 3, 4, 5]) {
    rig.append(value);
    await rig.clock.advance(20_000);
  }
  assert.equal(rig.state().status, "retrying");
  assert.ok(rig.state().failedRequests > 0);
  await rig.receiver.start();
  await rig.arrived(1, 2, 3, 4, 5);
  await rig.until(() => rig.state().status === "ok");
  const dropped = Object.keys(rig.state().dropped);
  assert.deepEqual(dropped, []);
}

async function failures(rig: Rig): Promise<void> {
  const failing = [
    status(503),
    status(502, {}, million),
    status(504),
    status(429),
    status(302, { location: "http://portal.test/" }),
    status(999),
    reset,
    half,
    page,
    status(503, { "retry-after": "soon" }),
  ];
  const values: number[] = [];
  for (const [index, answer] of failing.entries()) {
    rig.receiver.script.push(answer);
    values.push(index + 1);
    rig.append(index + 1);
    await rig.arrived(...values);
    assert.deepEqual(rig.receiver.script, []);
  }
  // The client itself opens a new connection, once, where a kept one turns out to be closed: that is no failure yet.
  assert.ok(rig.state().failedRequests >= failing.length - 1);
  assert.deepEqual(rig.state().dropped, {});
  assert.ok(rig.told().every((text) => text.length < 1000));
}

async function serverError(rig: Rig, meaning: Subject["serverError"]): Promise<void> {
  rig.append(0);
  await rig.arrived(0);
  rig.receiver.script.push(status(500, {}, "internal"));
  rig.append(1);
  if (meaning === "again") {
    await rig.arrived(0, 1);
    assert.deepEqual(rig.state().dropped, {});
    return;
  }
  await rig.until(() => rig.state().dropped["rejected"] === 1);
  rig.append(2);
  await rig.arrived(0, 2);
}

async function poison(rig: Rig): Promise<void> {
  rig.append(0);
  await rig.arrived(0);
  rig.receiver.script.push(status(400, {}, `unknown label\n${million}`));
  rig.append(1);
  await rig.until(() => rig.state().dropped["rejected"] === 1);
  rig.append(2);
  await rig.arrived(0, 2);
  assert.ok(!rig.receiver.stored.includes(1));
  const { lastFailure } = rig.state();
  assert.match(lastFailure?.reason ?? "", /^unexpected status: got 400, want 2xx: unknown label\\nx+/);
  assert.ok((lastFailure?.reason.length ?? 0) < 700);
}

async function caution(rig: Rig): Promise<void> {
  const refusals = [400, 408, 422].map((code) => status(code, {}, "no"));
  rig.receiver.script.push(...refusals, status(413));
  rig.append(1);
  await rig.arrived(1);
  assert.deepEqual(rig.receiver.script, []);
  assert.deepEqual(rig.state().dropped, {});
}

async function hanging(rig: Rig): Promise<void> {
  rig.receiver.script.push(hang);
  rig.append(1);
  await rig.arrived(1);
  const [first, second] = rig.receiver.seen;
  assert.ok(first?.abandoned);
  assert.ok((second?.at ?? 0) - first.at >= 30_000);
  assert.equal(rig.state().lastFailure?.code, "timeout");
}

async function tooLarge(rig: Rig): Promise<void> {
  rig.receiver.script.push(status(413), status(413));
  for (const value of [1, 2, 3, 4]) rig.append(value);
  await rig.arrived(1, 2, 3, 4);
  const [first, second, third] = rig.receiver.seen.map(({ values }) => values.length);
  assert.deepEqual([first, second, third], [4, 2, 1]);
  assert.deepEqual(rig.state().dropped, {});
}

async function retryAfter(rig: Rig): Promise<void> {
  rig.receiver.script.push(status(429, { "retry-after": "120" }), status(503, { "retry-after": "300" }));
  rig.append(1);
  await rig.arrived(1);
  assertGaps(rig, [120_000, 300_000]);
}

async function refusal(rig: Rig): Promise<void> {
  rig.receiver.script.push(status(401, {}, "who are you"));
  rig.append(1);
  await rig.until(() => rig.state().status === "refused");
  await rig.arrived(1);
  assertGaps(rig, [60_000]);
  assert.deepEqual(rig.state().dropped, {});
}

/** At least so long between the requests, and not much longer. */
function assertGaps({ receiver: { seen } }: Rig, least: readonly number[]): void {
  const gaps = seen.slice(1).map(({ at }, index) => at - (seen[index]?.at ?? 0));
  for (const [index, ms] of least.entries()) {
    assert.ok((gaps[index] ?? 0) >= ms, `waited ${gaps[index]} ms, want ${ms}`);
    assert.ok((gaps[index] ?? Infinity) < ms + 30_000, `waited ${gaps[index]} ms, want ${ms}`);
  }
}

async function restart(rig: Rig): Promise<void> {
  rig.receiver.script.push(hang);
  for (const value of [1, 2, 3]) rig.append(value);
  await rig.until(() => rig.receiver.seen.length === 1);
  rig.append(4);
  await rig.crash();
  await rig.arrived(1, 2, 3, 4);
  const [before, after] = rig.receiver.seen;
  assert.deepEqual(after?.body, before?.body);
}

async function shutdown(rig: Rig): Promise<void> {
  rig.receiver.script.push(hang, hang);
  rig.append(1);
  await rig.until(() => rig.receiver.seen.length === 1);
  const before = rig.clock.monotonic();
  await rig.finish(2000);
  assert.ok(rig.clock.monotonic() - before <= 2100);
  assert.equal(rig.state().status, "stopped");
  await rig.until(() => rig.receiver.seen[0]?.abandoned === true);
}

async function secrets(rig: Rig): Promise<void> {
  rig.append(0);
  await rig.arrived(0);
  rig.receiver.script.push(echo(400), echo(503), echo(401));
  rig.append(1);
  await rig.until(() => rig.state().failedRequests === 1);
  rig.append(2);
  await rig.arrived(0, 2);
  const told = rig.told().join("\n");
  assert.match(told, /<secret>/);
  assert.ok(!told.includes(secret));
  assert.ok(!told.includes(secret.slice(0, 10)));
}
