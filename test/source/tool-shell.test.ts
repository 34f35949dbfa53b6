import assert from "node:assert/strict";
import { chmodSync, existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { systemClock } from "../../src/runtime/clock.ts";
import {
  childEnvironment,
  spawnGroup,
  type Argv,
  type ChildExit,
  type ChildOptions,
  type SpawnGroup,
  type ToolLimits,
  type ToolRun,
} from "../../src/source/child.ts";
import { createToolShell, type ToolShell, type ToolShellOptions } from "../../src/source/tool-shell.ts";
import fc from "../support/property.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { until } from "../support/until.ts";
import { fakeTool, isAlive, temporaryFolder, untilGone } from "./events.ts";

const environment = childEnvironment({ PATH: "/usr/bin:/bin" });

function open(t: TestContext, options: Partial<ToolShellOptions> = {}): ToolShell {
  const shell = createToolShell({ clock: systemClock, environment, ...options });
  t.after(() => shell.end());
  return shell;
}

/** Calls back with what the shell prints, once the tool shell has taken it. */
function spawnHeard(heard: (chunk: Buffer, options: ChildOptions) => void): SpawnGroup {
  return (argv, options) =>
    spawnGroup(argv, {
      ...options,
      onStdout(chunk) {
        options.onStdout(chunk);
        heard(chunk, options);
      },
    });
}

function run(shell: ToolShell, argv: Argv, limits: Partial<ToolLimits> = {}): Promise<ToolRun> {
  return shell.run(argv, { timeoutMs: 60_000, maxBytes: 100_000, ...limits });
}

/** What it printed, through the shell: the first run is the tool's own. */
async function printed(shell: ToolShell, argv: Argv): Promise<string> {
  await run(shell, argv);
  return textOf(await run(shell, argv));
}

function textOf(result: ToolRun): string {
  assert.equal(result.status, "ended");
  return result.stdout.toString("latin1");
}

function pidIn(file: string): number | undefined {
  return existsSync(file) && readFileSync(file, "latin1").endsWith("\n")
    ? Number(readFileSync(file, "latin1"))
    : undefined;
}

/** Prints who started it. */
const parent = fakeTool("echo $PPID");

test("a tool that ended properly on its own goes through the shell from then on, as others do", async (t) => {
  const shell = open(t);
  assert.equal(Number(textOf(await run(shell, parent))), process.pid);
  const starter = textOf(await run(shell, parent));
  assert.notEqual(Number(starter), process.pid);
  assert.equal(textOf(await run(shell, parent)), starter);
  assert.equal(await printed(shell, fakeTool("echo $PPID")), starter);
});

test("runs that are asked for at once come one after another, each with its own output", async (t) => {
  const shell = open(t);
  const tools = ["a", "b", "c"].map((name) => fakeTool(`echo ${name}`));
  await Promise.all(tools.map((tool) => run(shell, tool)));
  const runs = await Promise.all(tools.map((tool) => run(shell, tool)));
  assert.deepEqual(runs.map(textOf), ["a\n", "b\n", "c\n"]);
});

test("whatever a tool is called with and prints arrives as it is", async (t) => {
  const shell = open(t);
  const word = fc.string({ unit: "binary-ascii" }).filter((text) => !text.includes("\0"));
  await fc.assert(
    fc.asyncProperty(fc.array(word, { maxLength: 4 }), async (words) => {
      const argv = ["/usr/bin/printf", "<%s>", ...words];
      assert.equal(
        await printed(shell, argv),
        words.length === 0 ? "<>" : words.map((one) => `<${one}>`).join(""),
      );
    }),
    { numRuns: 25 },
  );
});

test("a tool that prints NUL and a number goes on, and so does the next", async (t) => {
  const seen = join(temporaryFolder(), "seen");
  const shell = open(t, { spawn: spawnHeard(() => writeFileSync(seen, "")) });
  const tool = fakeTool(
    String.raw`printf 'early\0000\n'; [ $PPID = ${process.pid} ] || until [ -e ${seen} ]; do :; done; echo late`,
  );
  assert.equal(await printed(shell, tool), "early\x000\nlate\n");
  assert.equal(await printed(shell, fakeTool("echo next")), "next\n");
});

test("an exit status and the first complaint are told, and the output counts", async (t) => {
  const shell = open(t);
  const tool = fakeTool(`echo half; echo "unknown oid 'kern.x'" >&2; echo more >&2; exit 1`);
  await run(shell, tool);
  assert.deepEqual(await run(shell, tool), {
    status: "ended",
    exit: { kind: "exited", code: 1 },
    stdout: Buffer.from("half\n"),
    stderr: "unknown oid 'kern.x'",
  });
});

test("what a tool complains of is not told of the next, although it ended well", async (t) => {
  const complaints = [Buffer.from("a complaint\n")];
  const shell = open(t, {
    spawn: spawnHeard((chunk, { onStderr }) => {
      // As where both pipes are read in one turn of the event loop, and this one first.
      if (chunk.includes(0))
        queueMicrotask(() => process.nextTick(() => complaints.splice(0).forEach(onStderr)));
    }),
  });
  const [good, failing] = [fakeTool("echo good"), fakeTool("exit 1")];
  await Promise.all([run(shell, good), run(shell, failing)]);
  const [, failure] = await Promise.all([run(shell, good), run(shell, failing)]);
  assert.deepEqual(failure, await run(open(t), failing));
});

test("a tool that vanished, may not be run or is killed is told as if there were no shell", async (t) => {
  const shell = open(t);
  const path = join(temporaryFolder(), "tool");
  writeFileSync(path, "#!/bin/sh\necho here\n", { mode: 0o755 });
  assert.equal(await printed(shell, [path]), "here\n");
  chmodSync(path, 0o644);
  assert.deepEqual(await run(shell, [path]), await run(open(t), [path]));
  rmSync(path);
  assert.deepEqual(await run(shell, [path]), await run(open(t), [path]));

  const told = fakeTool(`[ $PPID = ${process.pid} ] && exit 0; kill -KILL $$`);
  await run(shell, told);
  assert.equal((await run(shell, told)).status, "ended");
});

// What /bin/sh can be on a Mac, by /private/var/select/sh; a Mac's bash is 3.2.
for (const program of ["/bin/bash", "/bin/dash", "/bin/zsh"]) {
  const skip = existsSync(program) ? false : "not installed";
  test(`with ${program} as sh a tool is told as if there were no shell`, { skip }, async (t) => {
    const sh = join(temporaryFolder(), "sh");
    symlinkSync(program, sh);
    const shell = open(t, { spawn: (argv, options) => spawnGroup([sh, ...argv.slice(1)], options) });
    assert.notEqual(Number(await printed(shell, parent)), process.pid);
    const words = [
      "",
      " ",
      "'",
      '"',
      "$HOME",
      "`id`",
      "\\",
      "\n",
      "!!",
      "*",
      "~",
      "if",
      "\x01",
      "\x7f",
      "\r",
      "é",
    ];
    for (const tool of [
      ["/usr/bin/printf", "<%s>", ...words],
      fakeTool(String.raw`printf '\000no end'; exec head -c 200000 /dev/zero`),
      fakeTool("echo half; echo complaint >&2; exit 125"),
      fakeTool(`[ $PPID = ${process.pid} ] || kill -KILL $$`),
      fakeTool("exit 1"),
      ["/nonexistent"],
    ]) {
      const own = await run(shell, tool, { maxBytes: 1_000_000 });
      assert.deepEqual(await run(shell, tool, { maxBytes: 1_000_000 }), own);
    }
  });
}

/** Of whose group nothing is left with it. */
const spawnShortLived: SpawnGroup = (argv, options) =>
  Object.assign(spawnGroup(argv, options), { isGroupLeft: () => false });

test("one that hangs is ended, holds up the others once, and is run on its own until it ends properly again", async (t) => {
  const clock = fakeClock();
  const shell = open(t, { clock, spawn: spawnShortLived });
  const [switchFile, pidFile] = ["hang", "pid"].map((name) => join(temporaryFolder(), name)) as [
    string,
    string,
  ];
  const tool = fakeTool(`[ -e ${switchFile} ] || exit 0; echo $$ > ${pidFile}; exec sleep 600`);
  const bounded = { timeoutMs: 10_000 };
  await run(shell, tool, bounded);
  await run(shell, parent, bounded);

  writeFileSync(switchFile, "");
  const hanging = run(shell, tool, bounded);
  const waiting = run(shell, parent, bounded);
  const pid = await until(() => pidIn(pidFile));
  await clock.advance(10_000);
  assert.deepEqual(await hanging, { status: "timeout", exit: { kind: "signalled", signal: "SIGKILL" } });
  assert.notEqual(Number(textOf(await waiting)), process.pid);
  await untilGone(pid, t.signal);

  const hangingAgain = run(shell, tool, bounded);
  assert.notEqual(Number(textOf(await run(shell, parent, bounded))), process.pid);
  await clock.advance(10_000);
  assert.equal((await hangingAgain).status, "timeout");
  rmSync(switchFile);
  assert.equal((await run(shell, tool, bounded)).status, "ended");
});

test("whether a hanging tool was killed is told by what is left of the shell's group, after a while", async (t) => {
  for (const [survives, exit] of [
    [0, { kind: "signalled", signal: "SIGKILL" }],
    [500, { kind: "signalled", signal: "SIGKILL" }],
    [Infinity, { kind: "abandoned" }],
  ] as const) {
    const clock = fakeClock();
    const { promise: ended, resolve } = Promise.withResolvers<ChildExit>();
    const shell = open(t, {
      clock,
      spawn: () => ({
        pid: 1,
        ended,
        stop() {
          resolve({ kind: "signalled", signal: "SIGKILL" });
          return ended;
        },
        write: () => undefined,
        isGroupLeft: () => clock.monotonic() < 10_000 + survives,
      }),
    });
    await run(shell, ["/bin/true"]);
    const hanging = run(shell, ["/bin/true"], { timeoutMs: 10_000 });
    await clock.advance(10_000);
    await clock.advance(1000);
    assert.deepEqual(await hanging, { status: "timeout", exit });
  }
});

test("one that prints too much is ended, and the next run has a shell again", async (t) => {
  const shell = open(t);
  const switchFile = join(temporaryFolder(), "flood");
  const tool = fakeTool(`[ -e ${switchFile} ] || exit 0; exec yes`);
  await run(shell, tool);
  writeFileSync(switchFile, "");
  assert.deepEqual(await run(shell, tool), { status: "oversized" });
  assert.notEqual(Number(await printed(shell, parent)), process.pid);
});

test("a tool may print as much through the shell as on its own, to the byte", async (t) => {
  const shell = open(t);
  const file = join(temporaryFolder(), "output");
  for (const status of [0, 125])
    for (const [size, want] of [
      [1000, "ended"],
      [1001, "oversized"],
      [1002, "oversized"],
    ] as const) {
      const tool = fakeTool(`cat ${file}; exit ${status}`);
      writeFileSync(file, "");
      await run(shell, tool);
      writeFileSync(file, "x".repeat(size));
      assert.equal((await run(shell, tool, { maxBytes: 1000 })).status, want, `${size} bytes`);
    }
});

test("a shell that was killed costs no run", async (t) => {
  const shell = open(t);
  const starter = Number(await printed(shell, parent));
  process.kill(starter, "SIGKILL");
  await untilGone(starter, t.signal);
  assert.ok(Number(textOf(await run(shell, parent))) > 0);
  assert.notEqual(Number(await printed(shell, parent)), starter);
});

test("where no shell can be started every run is the tool's own", async (t) => {
  const ended = Promise.resolve({ kind: "not_started", code: "ENOENT", message: "no such file" } as const);
  const shell = open(t, {
    spawn: () => ({
      pid: undefined,
      ended,
      stop: () => ended,
      write: () => undefined,
      isGroupLeft: () => false,
    }),
  });
  for (let beat = 0; beat < 3; beat++) assert.equal(Number(textOf(await run(shell, parent))), process.pid);
});

test("no shell is started while root is still to be given up", async (t) => {
  let isRoot = true;
  const shell = open(t, { privileges: { isRootForNow: () => isRoot } });
  for (let beat = 0; beat < 3; beat++) assert.equal(Number(textOf(await run(shell, parent))), process.pid);
  isRoot = false;
  assert.notEqual(Number(await printed(shell, parent)), process.pid);
});

test("stopping ends the shell and what it runs, and leaves no timer", async (t) => {
  const clock = fakeClock();
  const shell = open(t, { clock });
  const switchFile = join(temporaryFolder(), "hang");
  const tool = fakeTool(`[ -e ${switchFile} ] || exit 0; exec sleep 60`);
  await run(shell, tool);
  await run(shell, parent);
  const starter = Number(textOf(await run(shell, parent)));
  writeFileSync(switchFile, "");
  const controller = new AbortController();
  const hanging = run(shell, tool, { signal: controller.signal });
  const queued = run(shell, parent, { signal: controller.signal });
  await until(() => clock.pending > 0);
  controller.abort();
  assert.deepEqual(await Promise.all([hanging, queued]), [{ status: "stopped" }, { status: "stopped" }]);
  await shell.end();
  assert.equal(isAlive(starter), false);
  assert.equal(clock.pending, 0);
});
