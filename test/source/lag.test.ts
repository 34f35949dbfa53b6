import assert from "node:assert/strict";
import test from "node:test";
import { createLagWatch, documentTime } from "../../src/source/stream.ts";
import type { ChildExit, Spawn } from "../../src/source/child.ts";
import { fakeClock, type FakeClock } from "../support/fake-clock.ts";
import { runPowermetrics } from "./run-powermetrics.ts";

const stamp = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
const document = (ms: number): Buffer =>
  Buffer.from(
    `<?xml version="1.0"?><plist><dict><key>timestamp</key><date>${stamp(ms)}</date></dict></plist>\n`,
  );

test("a document's time is found where it stands, on the same line or the next", () => {
  const at = Date.UTC(2026, 0, 1, 2, 3, 4);
  assert.equal(documentTime(document(at + 900)), at);
  assert.equal(documentTime(Buffer.from(`<key>timestamp</key>\n<date>${stamp(at)}</date>`)), at);
  for (const text of [
    "<key>timestamp</key>",
    "<date>2026-01-01T00:00:00Z</date>",
    "<key>timestamp</key><date>soon</date>",
  ])
    assert.equal(documentTime(Buffer.from(text)), undefined);
});

/** After how many documents it is noticed; lags and the time between arrivals in milliseconds. */
function noticedAfter(intervalMs: number, lags: readonly number[], apartMs = intervalMs): number | undefined {
  const watch = createLagWatch(intervalMs);
  const index = lags.findIndex((lag, at) => {
    const receivedAt = 1e12 + at * apartMs;
    return watch(receivedAt - lag, receivedAt) !== undefined;
  });
  return index < 0 ? undefined : index + 1;
}

test("three documents in a row that are an interval late are noticed, and one or two are not", () => {
  assert.equal(noticedAfter(10_000, [10_200, 10_900, 10_100, 10_000]), 3);
  assert.equal(noticedAfter(10_000, [10_200, 10_900, 300, 10_100, 10_200]), undefined);
  assert.equal(noticedAfter(2000, [2400, 2900, 2000]), 3);
});

test("the precision of timestamps, a busy machine and documents read all at once are no lateness", () => {
  assert.equal(noticedAfter(1000, [999, 999, 1200, 1400, 999]), undefined);
  assert.equal(noticedAfter(10_000, [3000, 5000, 4000, 6000]), undefined);
  assert.equal(noticedAfter(10_000, [50_000, 40_000, 30_000, 20_000, 10_000], 1), undefined);
});

interface Late {
  readonly spawn: Spawn;
  readonly lines: string[];
}

/** A tool whose documents wait in a buffer for the next one, unless it is told to write line by line. */
function bufferingTool(clock: FakeClock, intervalMs: number): Late {
  const lines: string[] = [];
  const spawn: Spawn = (argv, { onStdout }) => {
    const { promise, resolve } = Promise.withResolvers<ChildExit>();
    if (argv.includes("--help")) resolve({ kind: "exited", code: 0 });
    else lines.push(argv.join(" "));
    const delayMs = argv.includes("-b") ? 0 : intervalMs;
    let running = !argv.includes("--help");
    const next = (): void => {
      if (!running) return;
      onStdout(document(clock.now() - delayMs));
      clock.after(intervalMs, next);
    };
    clock.after(intervalMs + delayMs, next);
    const stop = (): Promise<ChildExit> => {
      running = false;
      resolve({ kind: "signalled", signal: "SIGTERM" });
      return promise;
    };
    return { pid: 1, ended: promise, stop };
  };
  return { spawn, lines };
}

test("a tool that holds documents back is started again once, line by line, and told why", async (t) => {
  const clock = fakeClock();
  const { spawn, lines } = bufferingTool(clock, 10_000);
  const { events, log, waits, stop } = runPowermetrics(t, ["/tool"], { clock, spawn, intervalMs: 10_000 });
  await clock.advance(120_000);
  assert.deepEqual(lines, [
    "/tool -f plist -i 10000 -s cpu_power,gpu_power,thermal -a 0",
    "/tool -f plist -i 10000 -s cpu_power,gpu_power,thermal -a 0 -b 1",
  ]);
  assert.deepEqual(
    events.names.filter((name) => /failed|restarted/.test(name)),
    ["failed buffered", "restarted buffered"],
  );
  assert.deepEqual(waits, []);
  assert.ok(log.texts.some((line) => /arrive at once, got them 10\.0 s after .* -b 1/.test(line)));
  await stop();
});

test("a daemon without root ends for it only when the next life will know", async (t) => {
  for (const kept of [true, false]) {
    const clock = fakeClock();
    const { spawn, lines } = bufferingTool(clock, 10_000);
    const buffering = { lineBuffered: false, remember: () => kept };
    const options = { clock, spawn, intervalMs: 10_000, restart: "never", buffering } as const;
    const { events, end, log, stop } = runPowermetrics(t, ["/tool"], options);
    await clock.advance(120_000);
    if (kept) assert.equal((await end).status, "ended");
    assert.equal(events.names.includes("failed buffered"), kept);
    assert.equal(log.texts.filter((line) => line.includes("cannot be asked for here")).length, kept ? 0 : 1);
    assert.equal(lines.length, 1);
    await stop();
  }
  const clock = fakeClock();
  const { spawn, lines } = bufferingTool(clock, 10_000);
  const buffering = { lineBuffered: true, remember: () => true };
  const { stop } = runPowermetrics(t, ["/tool"], {
    clock,
    spawn,
    intervalMs: 10_000,
    restart: "never",
    buffering,
  });
  await clock.advance(60_000);
  assert.match(lines[0] ?? "", / -b 1$/);
  await stop();
});
