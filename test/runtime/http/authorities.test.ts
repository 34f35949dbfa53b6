/** The system's authorities: read by another process, which may fail in any way. */
import assert from "node:assert/strict";
import test from "node:test";
import { createSystemAuthorities, createTrust } from "../../../src/runtime/http/trust.ts";
import { silentLogger, type LogFields } from "../../../src/runtime/log.ts";
import { systemClock } from "../../../src/runtime/clock.ts";
import { systemAuthorities } from "../../../src/sink-context.ts";
import { fakeClock } from "../../support/fake-clock.ts";

test("after a reading that threw the next one, five minutes later, counts", async () => {
  const clock = fakeClock();
  const readings = [() => Promise.reject(new SyntaxError("cut")), () => Promise.resolve(["a"])];
  const authorities = createSystemAuthorities(() => readings.shift()?.() ?? assert.fail(), clock);
  await assert.rejects(authorities.refresh(), /cut/);
  await authorities.refresh();
  assert.deepEqual([authorities.current, readings.length], [[], 1]);
  await clock.advance(300_000);
  await authorities.refresh();
  assert.deepEqual(authorities.current, ["a"]);
});

test("clients of stores that found nothing share one context, which takes some 4 MB", () => {
  const [one, other] = [1, 2].map(() => {
    const authorities = createSystemAuthorities(() => Promise.resolve([]), systemClock);
    return createTrust({}, () => authorities.current).options().secureContext;
  });
  assert.ok(one !== undefined && one === other);
});

test("what a reader printed before a signal ended it, or before it failed, is not taken", async () => {
  const list = '["-----BEGIN CERTIFICATE-----"]';
  for (const [script, wanted, reason] of [
    [`echo '${list}'`, 1, undefined],
    [`printf '%s' '${list.slice(0, 20)}'; kill -9 $$`, 0, "signalled"],
    [`echo '${list}'; exit 3`, 0, "exited"],
    ["echo no >&2", 0, "no"],
  ] as const) {
    const said: unknown[] = [];
    const log = {
      ...silentLogger,
      warn: (_: string, fields: LogFields = {}) => void said.push(fields["reason"]),
    };
    const deps = { clock: systemClock, signal: new AbortController().signal, env: {} };
    const authorities = systemAuthorities({ ...deps, self: ["/bin/sh", "-c", script] }, log);
    await authorities.refresh();
    assert.deepEqual(
      [authorities.current.length, said],
      [wanted, reason === undefined ? [] : [reason]],
      script,
    );
  }
});
