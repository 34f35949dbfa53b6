/** The fleet's command line takes what makes sense and names everything else, a line each. */
import assert from "node:assert/strict";
import test from "node:test";
import { readArguments, type FleetPlan } from "./arguments.ts";

function plan(...args: readonly string[]): FleetPlan {
  const wish = readArguments(args);
  assert.ok(wish.status === "run", JSON.stringify(wish));
  return wish.plan;
}

function mistakes(...args: readonly string[]): readonly string[] {
  const wish = readArguments(args);
  assert.ok(wish.status === "wrong", JSON.stringify(wish));
  return wish.mistakes;
}

test("the command of the issue has a herd that was away for a night", () => {
  const receiver = "http://127.0.0.1:8428/api/v1/write";
  assert.deepEqual(plan("--hosts", "1000", "--interval", "15s", "--receiver", receiver), {
    hosts: 1000,
    intervalMs: 15_000,
    receiver,
    protocol: "v1",
    durationMs: 120_000,
    churn: 0.1,
    herd: { offlineMs: 28_800_000, durationMs: 600_000 },
    seed: 1,
  });
});

test("a herd is left out on request, and takes a drain rate", () => {
  assert.equal(plan("--no-herd").herd, undefined);
  assert.equal(plan("--herd", "--drain-rate", "500").herd?.drainRate, 500);
});

test("Prometheus is spoken to in version 2 unless told otherwise", () => {
  assert.equal(plan("--receiver", "prometheus").protocol, "v2");
  assert.equal(plan("--receiver=prometheus", "--protocol=v1").protocol, "v1");
});

for (const [args, line] of [
  [["--hosts", "-5"], "--hosts must be a whole number from 1 to 100000, got -5"],
  [["--hosts", "0"], "--hosts must be a whole number from 1 to 100000, got 0"],
  [["--hosts", "1.5"], "--hosts must be a whole number from 1 to 100000, got 1.5"],
  [["--hosts", ""], "--hosts must be a whole number from 1 to 100000, got nothing"],
  [["--hosts"], "--hosts must have a value, got none"],
  [["--no-hosts"], "--hosts must have a value, got none"],
  [["--interval", "0s"], "--interval must be a duration of at least 100ms, as 15s or 2m, got 0s"],
  [["--interval", "soon"], "--interval must be a duration of at least 100ms, as 15s or 2m, got soon"],
  [["--offline", "10s"], "--offline must be a duration of at least one interval, as 15s or 2m, got 10s"],
  [["--drain-rate", "0"], "--drain-rate must be a whole number from 1 to 1000000000, got 0"],
  [["--churn", "2"], "--churn must be a number from 0 to 1, got 2"],
  [["--protocol", "v3"], "--protocol must be v1 or v2, got v3"],
  [["--herd=yes"], "--herd must be without a value, got yes"],
  [
    ["--receiver", "nothing"],
    "--receiver must be an http URL or one of victoria-metrics, prometheus, got nothing",
  ],
  [
    ["--receiver", "ftp://user:word@host/"],
    "--receiver must be an http URL or one of victoria-metrics, prometheus, got ftp://user:***@host/",
  ],
] as const)
  test(`${args.join(" ")} is refused in one line`, () => {
    assert.deepEqual(mistakes(...args), [line]);
  });

test("what nobody knows is named beside what there is, and all mistakes at once", () => {
  assert.match(
    mistakes("--host", "5").join("\n"),
    /^flag must be one of --hosts, .*, got --host\n.*, got 5$/,
  );
  assert.equal(mistakes("--hosts", "0", "--seed", "x", "--duration", "0s").length, 3);
});

test("help shows each flag with its default, and an example", () => {
  const wish = readArguments(["-h"]);
  assert.ok(wish.status === "help");
  for (const line of [
    /--hosts N .*\(default: 1000\)/,
    /--no-herd/,
    /--drain-rate N .*half/,
    /npm run fleet -- --/,
  ])
    assert.match(wish.text, line);
});
