import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { systemClock } from "../../src/runtime/clock.ts";
import { childEnvironment, runTool, type Argv, type ChildExit, type Spawn } from "../../src/source/child.ts";
import { createPoll, runsOf, splitReports, type PollOptions } from "../../src/source/poll.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { collectEvents, fakeTool, type Events } from "./events.ts";
import { recordingLogger, type RecordingLogger } from "../support/log.ts";

const environment = childEnvironment({ PATH: "/usr/bin:/bin" });

interface Running {
  readonly events: Events;
  readonly log: RecordingLogger;
  readonly stop: () => Promise<unknown>;
}

function run(
  t: TestContext,
  command: Argv,
  { spawn, clock = systemClock, ...options }: Partial<PollOptions> & { spawn?: Spawn } = {},
): Running {
  const events = collectEvents();
  const log = recordingLogger();
  const controller = new AbortController();
  const { name = "vm_stat" } = options;
  const source = createPoll({
    name,
    command,
    runs: runsOf(name, { battery: true, gpu: true }),
    intervalMs: 10_000,
    clock,
    log,
    run: (argv, limits) => runTool(argv, { ...limits, clock, environment, spawn }),
    ...options,
  });
  const end = source.run(events, controller.signal);
  const stop = (): Promise<unknown> => {
    controller.abort();
    return end;
  };
  t.after(stop);
  return { events, log, stop };
}

/** Tools that take as long as their entry says by the given clock, and note when they began. */
function timedSpawn(
  clock: ReturnType<typeof fakeClock>,
  durations: readonly number[],
): { spawn: Spawn; starts: number[] } {
  const starts: number[] = [];
  const spawn: Spawn = (_argv, { onStdout }) => {
    const { promise, resolve } = Promise.withResolvers<ChildExit>();
    const timer = clock.after(durations[starts.length] ?? 0, () => {
      onStdout(Buffer.from("report"));
      resolve({ kind: "exited", code: 0 });
    });
    starts.push(clock.monotonic());
    return {
      pid: 1,
      ended: promise,
      stop() {
        timer[Symbol.dispose]();
        resolve({ kind: "signalled", signal: "SIGTERM" });
        return promise;
      },
    };
  };
  return { spawn, starts };
}

test("the first report comes at once, the next ones on every interval since the start, whatever a run took", async (t) => {
  const clock = fakeClock();
  const { spawn, starts } = timedSpawn(clock, [1200, 300, 0, 2500]);
  const { events } = run(t, ["/vm_stat"], { clock, spawn });
  await clock.advance(35_000);
  assert.deepEqual(starts, [0, 10_000, 20_000, 30_000]);
  assert.equal(events.frames.length, 4);
  assert.deepEqual(events.names.slice(0, 2), ["up", "frame"]);
});

test("a frame carries the time at which it was complete", async (t) => {
  const clock = fakeClock(1_000_000);
  const { spawn } = timedSpawn(clock, [700]);
  const { events } = run(t, ["/vm_stat"], { clock, spawn });
  await clock.advance(700);
  assert.equal(events.frames[0]?.receivedAt, 1_000_700);
});

test("a run that takes too long is ended, skips the beats it missed, and later ones keep the grid", async (t) => {
  const clock = fakeClock();
  const { spawn, starts } = timedSpawn(clock, [60_000, 0]);
  const { events } = run(t, ["/vm_stat"], { clock, spawn, intervalMs: 2000 });
  await clock.advance(6500);
  assert.deepEqual(starts, [0, 4000, 6000]);
  assert.deepEqual(events.names, ["down", "failed timeout", "up", "frame", "frame"]);
});

/** One run for each that is said, then for ever the last; a tool that hangs can't be ended. */
function stubbornSpawn(
  clock: ReturnType<typeof fakeClock>,
  runs: readonly ("hangs" | "ends")[],
): { spawn: Spawn; starts: number[] } {
  const starts: number[] = [];
  const spawn: Spawn = (_argv, { onStdout }) => {
    const { promise, resolve } = Promise.withResolvers<ChildExit>();
    if ((runs[starts.length] ?? runs.at(-1)) === "ends") {
      onStdout(Buffer.from("report"));
      resolve({ kind: "exited", code: 0 });
    }
    starts.push(clock.monotonic());
    return {
      pid: 1,
      ended: promise,
      stop() {
        resolve({ kind: "abandoned" });
        return promise;
      },
    };
  };
  return { spawn, starts };
}

test("a tool that can't be ended is run ever more rarely, which is told each time", async (t) => {
  const clock = fakeClock();
  const { spawn, starts } = stubbornSpawn(clock, ["hangs"]);
  const { log } = run(t, ["/vm_stat"], { clock, spawn });
  await clock.advance(3_600_000);
  assert.ok(starts.length < 10, `${starts.length} processes would be left after an hour`);
  assert.deepEqual(log.texts.slice(0, 3), [
    'warn vm_stat must end within 10000 ms, got no end; cannot kill it, see sources.vm_stat.command {"reason":"timeout"}',
    'warn polls become rarer, as each leaves a process that cannot be killed {"left":1,"every_s":20}',
    'warn polls become rarer, as each leaves a process that cannot be killed {"left":2,"every_s":40}',
  ]);
  await clock.advance(24 * 3_600_000);
  assert.equal(log.texts.filter((line) => line.includes("rarer")).length, 8, "no rarer than 256 intervals");
});

test("a stop while a tool can't be ended says nothing of polls that become rarer", async (t) => {
  const clock = fakeClock();
  const { spawn, starts } = stubbornSpawn(clock, ["hangs"]);
  const { log, stop } = run(t, ["/vm_stat"], { clock, spawn });
  await clock.advance(1000);
  assert.deepEqual(await stop(), { status: "stopped" });
  assert.deepEqual([starts.length, log.texts], [1, []]);
  assert.equal(clock.pending, 0);
});

test("polls are regular again, which is told, as soon as one leaves no process", async (t) => {
  const clock = fakeClock();
  const { spawn, starts } = stubbornSpawn(clock, ["hangs", "hangs", "hangs", "ends"]);
  const { log, events } = run(t, ["/vm_stat"], { clock, spawn });
  await clock.advance(200_000);
  assert.deepEqual(starts.slice(0, 7), [0, 20_000, 60_000, 140_000, 150_000, 160_000, 170_000]);
  assert.equal(events.frames.length, 7);
  assert.equal(log.texts.at(-1), "info polls are regular again {}");
});

test("a tool that ends now and then leaves as few processes as one that never does", async (t) => {
  const clock = fakeClock();
  const runs = Array.from({ length: 100 }, (_, index) => (index % 2 === 0 ? "hangs" : "ends"));
  const { spawn, starts } = stubbornSpawn(clock, runs);
  run(t, ["/vm_stat"], { clock, spawn });
  await clock.advance(3_600_000);
  assert.ok(starts.length < 20, `${starts.length / 2} processes would be left after an hour`);
});

test("a hanging tool is told, and does not delay another", async (t) => {
  const clock = fakeClock();
  const hanging = run(t, fakeTool("exec cat"), { clock });
  const other = run(t, fakeTool("echo hw.memsize: 1"), { clock, name: "sysctl" });
  await other.events.until("frame");
  await clock.advance(10_000);
  await hanging.events.until("failed timeout");
  assert.match(
    hanging.log.texts[0] ?? "",
    /warn vm_stat must end within 10000 ms, got no end; killed it, see sources\.vm_stat\.command/,
  );
  await other.events.until("frame", 2);
});

const refused: readonly [string, Argv, string, RegExp][] = [
  [
    "missing",
    ["/nonexistent/vm_stat"],
    "vanished",
    /cannot start \/nonexistent\/vm_stat: .*set sources\.vm_stat\.command/,
  ],
  ["without permission", ["/etc/passwd"], "not_started", /cannot start \/etc\/passwd: permission denied/],
  ["empty", fakeTool("exit 0"), "empty", /unexpected output of vm_stat: got nothing, want a report/],
  ["failing", fakeTool("echo half; echo 'bad: thing' >&2; exit 7"), "exited", /exit status 7: bad: thing/],
  ["killed", fakeTool("kill -KILL $$"), "aborted", /unexpected end of vm_stat: signal SIGKILL/],
  ["flooding", fakeTool("exec yes flood"), "oversized", /must print at most 262144 bytes, got more/],
];
for (const [what, command, reason, message] of refused) {
  test(`vm_stat ${what} is a failure with its reason and no frame`, async (t) => {
    const { events, log } = run(t, command);
    await events.until(`failed ${reason}`);
    assert.deepEqual(events.names, ["down", `failed ${reason}`]);
    assert.match(log.texts[0] ?? "", message);
  });
}

test("a lasting failure is counted at every beat, logged every ten minutes, and its end is told", async (t) => {
  const clock = fakeClock();
  let broken = true;
  const spawn: Spawn = (_argv, { onStdout }) => {
    if (!broken) onStdout(Buffer.from("report"));
    const ended = Promise.resolve<ChildExit>({ kind: "exited", code: broken ? 1 : 0 });
    return { pid: 1, ended, stop: () => ended };
  };
  const { events, log } = run(t, ["/vm_stat"], { clock, spawn });
  await clock.advance(15 * 60_000);
  assert.equal(events.failures.length, 91);
  assert.equal(log.texts.length, 2);
  assert.match(log.texts[1] ?? "", /"repeated":59/);
  broken = false;
  await clock.advance(20_000);
  assert.deepEqual(log.texts.slice(2), ["info the source delivers again {}"]);
  assert.deepEqual(events.names.slice(-3), ["up", "frame", "frame"]);
});

test("what sysctl did print counts although it lacks one name", async (t) => {
  const script = `echo "hw.memsize: 8"; echo "sysctl: unknown oid 'kern.x'" >&2; exit 1`;
  const { events, log } = run(t, fakeTool(script), { name: "sysctl" });
  await events.until("frame");
  assert.deepEqual(events.names, ["failed exited", "up", "frame"]);
  assert.equal(events.frames[0]?.bytes.toString(), "hw.memsize: 8\n");
  assert.match(log.texts[0] ?? "", /unknown oid 'kern\.x'/);
});

test("one frame of pmset holds both its reports, and an empty one where a run failed", async (t) => {
  const both = run(t, fakeTool(`echo "$@"`), { name: "pmset" });
  await both.events.until("frame");
  const reports = splitReports(both.events.frames[0]?.bytes ?? Buffer.alloc(0));
  assert.deepEqual(reports.map(String), ["-g batt\n", "-g\n"]);

  const half = run(t, fakeTool(`[ "$2" = batt ] && exit 1; echo settings`), { name: "pmset" });
  await half.events.until("frame");
  assert.deepEqual(splitReports(half.events.frames[0]?.bytes ?? Buffer.alloc(0)).map(String), [
    "",
    "settings\n",
  ]);
});

test("ioreg that prints nothing has answered: where no entry matches it never prints more", async (t) => {
  const { events } = run(t, ["/bin/true"], { name: "ioreg" });
  await events.until("frame");
  assert.deepEqual(events.names, ["up", "frame"]);
  assert.deepEqual(splitReports(events.frames[0]?.bytes ?? Buffer.from("none")).map(String), ["", ""]);
});

test("ioreg is asked for what is switched on", () => {
  assert.deepEqual(
    [
      { battery: true, gpu: false },
      { battery: false, gpu: true },
      { battery: false, gpu: false },
    ].map((subjects) => runsOf("ioreg", subjects).map((argv) => argv.at(-1))),
    [["AppleSmartBattery"], ["IOAccelerator"], []],
  );
});

test("stopping ends the running tool and leaves no timer", async (t) => {
  const clock = fakeClock();
  const { events, stop } = run(t, fakeTool("exec sleep 60"), { clock });
  assert.deepEqual(await stop(), { status: "stopped" });
  assert.deepEqual(events.names, []);
  assert.equal(clock.pending, 0);
});
