import assert from "node:assert/strict";
import test from "node:test";
import { spawnChild } from "../../src/source/child.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { fakeTool, isAlive, printDocument } from "./events.ts";
import { hang, help, runPowermetrics } from "./run-powermetrics.ts";

test("documents arrive as frames while the tool still runs", async (t) => {
  const { events, stop } = runPowermetrics(
    t,
    fakeTool(`${help}${printDocument("one")}printf '\\000'\n${printDocument("two")}${hang}`),
  );
  await events.until("frame", 2);
  assert.deepEqual(events.names, ["started", "up", "frame", "frame"]);
  assert.match(events.frames[1]?.bytes.toString() ?? "", /^<\?xml.*<string>two<\/string><\/plist>$/s);
  const [pid] = events.pids;
  assert.deepEqual(await stop(), { status: "stopped" });
  assert.equal(isAlive(pid ?? 0), false);
});

test("the tool is asked for plist documents without end, of the samplers that it has", async (t) => {
  const command = fakeTool(`${help.replace("thermal", "sfi")}echo "$@"\n${printDocument("x")}${hang}`);
  const { events, log } = runPowermetrics(t, command, { extraArguments: ["--show-process-energy"] });
  await events.until("frame");
  assert.ok(
    log.texts.some((line) =>
      line.includes("-f plist -i 1000 -s cpu_power,gpu_power -a 0 --show-process-energy"),
    ),
  );
  assert.ok(
    log.texts.some(
      (line) => line.startsWith("info powermetrics here lacks samplers") && line.includes("thermal"),
    ),
  );
});

test("a tool without a list of samplers gets those that every version has", async (t) => {
  const command = fakeTool(`[ "$1" = --help ] && exit 1\necho "$@"\n${printDocument("x")}${hang}`);
  const { events, log } = runPowermetrics(t, command, { samplers: ["cpu_power", "ane_power"] });
  await events.until("frame");
  assert.ok(log.texts.some((line) => line.includes("-s cpu_power -a 0")));
  assert.ok(log.texts.some((line) => line.startsWith("warn cannot list samplers")));
});

test("a missing executable is tried again, and the log says what to set", async (t) => {
  const { events, log } = runPowermetrics(t, ["/nonexistent/powermetrics"]);
  await events.until("failed vanished", 3);
  assert.deepEqual(events.names.slice(0, 4), [
    "down",
    "failed vanished",
    "restarted vanished",
    "failed vanished",
  ]);
  assert.deepEqual(events.pids, []);
  assert.equal(log.texts.length, 1, "told once, not at every attempt");
  assert.match(
    log.texts[0] ?? "",
    /cannot start \/nonexistent\/powermetrics: no such file or directory; set sources\.powermetrics\.command/,
  );
});

const noRoot = "powermetrics must be invoked as the superuser";
for (const [where, script] of [
  ["standard error", `echo '${noRoot}' >&2; exit 1`],
  ["standard output", `echo '${noRoot}'; exit 1`],
  ["standard output without a newline", `printf '${noRoot}'; exit 1`],
  ["sudo's behalf", "echo 'sudo: a password is required' >&2; exit 1"],
] as const) {
  test(`a refusal for want of root on ${where} names the three ways and is not tried again soon`, async (t) => {
    const clock = fakeClock();
    const { events, log } = runPowermetrics(t, fakeTool(`${help}${script}`), { clock });
    await events.until("failed not_root");
    await clock.advance(9 * 60_000);
    assert.equal(events.pids.length, 1);
    assert.match(log.texts.at(-1) ?? "", /install the daemon .* sudo, or allow powermetrics in sudoers/);
    await clock.advance(60_000);
    await events.until("started", 2);
  });
}

test("a sampler that the tool refuses is left out at once", async (t) => {
  const refuse = `case "$6" in *gpu_power*) echo 'powermetrics: unrecognized sampler: gpu_power' >&2; exit 64;; esac\necho "$@"\n`;
  const { events, log, waits } = runPowermetrics(t, fakeTool(`${help}${refuse}${printDocument("x")}${hang}`));
  await events.until("frame");
  assert.deepEqual(
    events.names.filter((name) => /failed|restarted/.test(name)),
    ["failed unknown_sampler", "restarted unknown_sampler"],
  );
  assert.deepEqual(waits, []);
  assert.ok(log.texts.some((line) => line.includes("-s cpu_power,thermal -a 0")));
});

test("a tool that refuses every sampler is left alone", async (t) => {
  const refuse = `echo "powermetrics: unrecognized sampler: \${6%%,*}" >&2; exit 64`;
  const { events, log, stop } = runPowermetrics(t, fakeTool(`${help}${refuse}`));
  await events.until("failed no_sampler");
  assert.equal(events.pids.length, 3);
  assert.match(log.texts.at(-1) ?? "", /has none of these samplers; see sources\.powermetrics\.samplers/);
  assert.deepEqual(await stop(), { status: "stopped" });
});

test("a refusal of a name that we never asked for does not spin", async (t) => {
  const clock = fakeClock();
  const { events } = runPowermetrics(
    t,
    fakeTool(`${help}echo 'powermetrics: unrecognized sampler: smc' >&2; exit 64`),
    {
      clock,
    },
  );
  await events.until("failed unknown_sampler");
  await clock.advance(60_000);
  assert.equal(events.pids.length, 1);
});

test("garbage around documents is counted and logged, and the documents come through", async (t) => {
  const script = `${help}echo 'proc_pidpath 1460 failed(0)'\n${printDocument("one")}echo 'ERROR: cannot find the IO registry entry'\n${printDocument("two")}${hang}`;
  const { events, log } = runPowermetrics(t, fakeTool(script));
  await events.until("frame", 2);
  assert.ok(events.names.includes("dropped garbage 27"));
  assert.equal(events.frames.length, 2);
  assert.ok(
    log.texts.some(
      (line) => line.includes("powermetrics said") && line.includes("proc_pidpath 1460 failed(0)"),
    ),
  );
});

test("lines that powermetrics prints at every sample are logged once, over restarts too, and counted", async (t) => {
  const said = ["Second underflow occured.", "proc_pidpath 1460 failed(0)", "Invalid key detected!"];
  const script = said
    .map((line) => `echo '${line}' >&2\n`)
    .join("")
    .repeat(3);
  const entry = "echo 'ERROR: cannot find the IO registry entry for IODeviceTree:/arm-io/pmgr'\n";
  const { events, log } = runPowermetrics(t, fakeTool(`${help}${script}${entry}${printDocument("x")}exit 1`));
  await events.until("restarted exited", 2);
  const count = (kind: string): number => events.names.filter((name) => name === `remarked ${kind}`).length;
  assert.ok(count("second_underflow") >= 6 && count("no_process_path") >= 6 && count("invalid_smc_key") >= 6);
  assert.ok(count("no_registry_entry") >= 2);
  for (const line of [...said, "ERROR: cannot find the IO registry entry"])
    assert.equal(
      log.texts.filter((one) => one.startsWith("warn powermetrics said") && one.includes(line)).length,
      1,
      line,
    );
});

test("garbage without end is logged at a bounded rate", async (t) => {
  const script = `${help}i=0; while [ $i -lt 500 ]; do echo "noise $i"; i=$((i+1)); done\n${printDocument("x")}exit 0`;
  const { events, log } = runPowermetrics(t, fakeTool(script), { restart: "never" });
  await events.until("failed exited");
  assert.equal(log.texts.filter((line) => line.includes("powermetrics said {")).length, 10);
  assert.ok(log.texts.some((line) => line.includes('held back {"lines":')));
});

test("a truncated last document is dropped and counted, and the tool is started again", async (t) => {
  const { events } = runPowermetrics(
    t,
    fakeTool(`${help}${printDocument("x")}printf '<?xml version="1.0"?><plist><dict>'; exit 0`),
  );
  await events.until("restarted exited");
  assert.ok(events.names.includes("dropped truncated 34"));
  assert.equal(events.frames.length, 1);
});

test("a tool that aborts in a loop is started again with backoff, counted each time and logged once", async (t) => {
  const { events, log, waits } = runPowermetrics(
    t,
    fakeTool(`${help}echo 'assertion failed' >&2; kill -ABRT $$`),
  );
  await events.until("restarted aborted", 3);
  assert.equal(waits.length, 3);
  const told = log.texts.filter((line) => line.includes("unexpected end of powermetrics"));
  assert.equal(told.length, 1);
  assert.match(told[0] ?? "", /signal SIGABRT: assertion failed/);
});

test("a wrapper that reports its child's abort by status 134 counts as an abort", async (t) => {
  const { events } = runPowermetrics(t, fakeTool(`${help}exit 134`));
  await events.until("failed aborted");
});

test("three documents make a child healthy, and the next restart is quick again", async (t) => {
  const healthy = printDocument("a") + printDocument("b") + printDocument("c");
  const { events, waits } = runPowermetrics(t, fakeTool(`${help}${healthy}exit 1`));
  await events.until("restarted exited", 3);
  assert.equal(waits.length, 1);
});

test("a source that may not restart returns with the cause", async (t) => {
  const { events, end } = runPowermetrics(t, fakeTool(`${help}${printDocument("x")}exit 2`), {
    restart: "never",
  });
  assert.deepEqual(await end, {
    status: "ended",
    reason: "exited",
    message: "unexpected end of powermetrics: exit status 2",
  });
  assert.ok(!events.names.some((name) => name.startsWith("restarted")));
});

test("stopping while the tool is asked for its samplers ends that child too", async (t) => {
  const pids: number[] = [];
  const { events, stop } = runPowermetrics(t, fakeTool("exec sleep 60"), {
    spawn(argv, options) {
      const child = spawnChild(argv, options);
      pids.push(child.pid ?? 0);
      return child;
    },
  });
  assert.deepEqual(await stop(), { status: "stopped" });
  assert.deepEqual(pids.map(isAlive), [false]);
  assert.deepEqual(events.names, []);
});

test("stopping during a wait for the next attempt ends at once", async (t) => {
  const clock = fakeClock();
  const { events, stop } = runPowermetrics(t, fakeTool(`${help}exit 1`), { clock });
  await events.until("failed exited");
  assert.deepEqual(await stop(), { status: "stopped" });
  assert.equal(clock.pending, 0);
});
