import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import test from "node:test";
import fc from "../support/property.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import {
  childEnvironment,
  spawnChild,
  spawnGroup,
  type Argv,
  type Child,
  type ChildExit,
} from "../../src/source/child.ts";
import { splitLines } from "../../src/source/output.ts";
import { fakeTool, isAlive, untilGone } from "./events.ts";

interface Heard {
  stdout: string;
  stderr: string;
}

function start(
  argv: Argv,
  options: { graceMs?: number; environment?: Record<string, string> } = {},
): [Child, Heard] {
  const heard = { stdout: "", stderr: "" };
  const child = spawnChild(argv, {
    clock: systemClock,
    environment: { PATH: "/usr/bin:/bin" },
    onStdout: (chunk) => void (heard.stdout += chunk.toString()),
    onStderr: (chunk) => void (heard.stderr += chunk.toString()),
    ...options,
  });
  return [child, heard];
}

test("a child's whole output is read before its end is told", async () => {
  const [child, heard] = start(fakeTool("echo out; echo err >&2; exit 3"));
  assert.deepEqual(await child.ended, { kind: "exited", code: 3 });
  assert.deepEqual(heard, { stdout: "out\n", stderr: "err\n" });
});

test("a missing executable is a value, not an exception", async () => {
  const [child] = start(["/nonexistent/powermetrics"]);
  const exit = await child.ended;
  assert.deepEqual(exit, { kind: "not_started", code: "ENOENT", message: "no such file or directory" });
  assert.equal(child.pid, undefined);
  assert.equal(await child.stop(), exit);
});

test("a name without a path is refused, so that PATH never decides what runs as root", async () => {
  for (const argv of [["sh", "-c", "true"], ["./tool"], []]) {
    const [child] = start(argv);
    const exit = await child.ended;
    assert.equal(exit.kind, "not_started");
    assert.match(exit.message, /must begin with an absolute path/);
  }
});

test("arguments reach the tool as they are, without a shell in between", async () => {
  const [child, heard] = start(["/bin/echo", "$HOME; touch x", "*"]);
  await child.ended;
  assert.equal(heard.stdout, "$HOME; touch x *\n");
});

test("an argument that no system call takes is a value, not an exception", async () => {
  const [child] = start(["/bin/echo", "a\0b"]);
  assert.equal((await child.ended).kind, "not_started");
});

test("a child sees only the environment it needs", async () => {
  const environment = childEnvironment({
    PATH: "/bin:/usr/bin",
    SECRET_TOKEN: "hush",
    MAC_POWERMETRICS_SIMULATE: "--seed 7",
    NODE_COMPILE_CACHE: "/cache",
  });
  const [child, heard] = start(["/usr/bin/env"], { environment });
  await child.ended;
  const names = heard.stdout.trim().split("\n").sort();
  const simulated = ["MAC_POWERMETRICS_SIMULATE=--seed 7", "NODE_COMPILE_CACHE=/cache"];
  assert.deepEqual(names, ["LANG=C", "LC_ALL=C", ...simulated, "PATH=/bin:/usr/bin"]);
});

test("stop ends a child by SIGTERM", async () => {
  const [child] = start(fakeTool("exec sleep 60"));
  assert.deepEqual(await child.stop(), { kind: "signalled", signal: "SIGTERM" });
  assert.equal(isAlive(child.pid ?? 0), false);
});

test("stop ends a child that ignores SIGTERM by SIGKILL after the grace", async () => {
  const { promise: ready, resolve } = Promise.withResolvers<undefined>();
  const child = spawnChild(fakeTool("trap '' TERM; echo ready; while :; do sleep 0.05; done"), {
    clock: systemClock,
    environment: { PATH: "/usr/bin:/bin" },
    onStdout: () => resolve(undefined),
    onStderr: () => undefined,
    graceMs: 50,
  });
  await ready;
  const [first, second] = await Promise.all([child.stop(), child.stop()]);
  assert.deepEqual(first, { kind: "signalled", signal: "SIGKILL" });
  assert.equal(second, first);
});

test("a grandchild that keeps the output open does not hide the child's end", async (t) => {
  const [child, heard] = start(fakeTool("sleep 60 & echo $!"));
  assert.deepEqual(await child.ended, { kind: "exited", code: 0 });
  const grandchild = Number(heard.stdout);
  t.after(() => process.kill(grandchild));
  assert.ok(isAlive(grandchild));
});

/** Runs an agent of one child in a process of its own, and kills it with no chance to clean up. */
async function killParentOf(argv: Argv, signal: AbortSignal): Promise<void> {
  const parent = spawn(process.execPath, [`${import.meta.dirname}/orphan-parent.ts`, ...argv], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(parent.stdout, "data", { signal })) as [Buffer];
  const pid = Number(line.toString());
  assert.ok(isAlive(pid), "the child lives while its parent does");
  parent.kill("SIGKILL");
  await once(parent, "exit", { signal });
  await untilGone(pid, signal);
}

test("kill -9 of the agent leaves no orphan that reads its input", { timeout: 10_000 }, async (t) => {
  await killParentOf(fakeTool("echo ready; exec cat"), t.signal);
});

test(
  "kill -9 of the agent leaves no orphan that writes, as powermetrics does",
  { timeout: 10_000 },
  async (t) => {
    await killParentOf(fakeTool("exec < /dev/null; while :; do echo document; sleep 0.05; done"), t.signal);
  },
);

/** Runs an agent of one child that gives up root once the child speaks, and then stops it and ends. */
async function stopAfterGivingUpRoot(
  graceMs: number,
  argv: Argv,
  signal: AbortSignal,
): Promise<{ pid: number; exit: ChildExit }> {
  const args = [`${import.meta.dirname}/unprivileged-parent.ts`, String(graceMs), ...argv];
  const parent = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const [[line]] = (await Promise.all([
    once(parent.stdout, "data", { signal }),
    once(parent, "exit", { signal }),
  ])) as [[Buffer], unknown];
  return JSON.parse(line.toString()) as { pid: number; exit: ChildExit };
}

const notRoot = process.getuid?.() === 0 ? false : "only root can start what it may not signal afterwards";

test(
  "a child of root ends at its next write when the agent has given up root",
  { skip: notRoot, timeout: 10_000 },
  async (t) => {
    const { exit } = await stopAfterGivingUpRoot(
      15_000,
      fakeTool("while :; do echo document; sleep 0.05; done"),
      t.signal,
    );
    assert.deepEqual(exit, { kind: "signalled", signal: "SIGPIPE" });
  },
);

test(
  "a silent child of root does not hold up an agent that has given up root",
  { skip: notRoot, timeout: 10_000 },
  async (t) => {
    const { exit, pid } = await stopAfterGivingUpRoot(100, fakeTool("echo ready; exec sleep 60"), t.signal);
    assert.deepEqual(exit, { kind: "abandoned" });
    assert.ok(isAlive(pid), "the agent ended before its child");
    process.kill(pid);
  },
);

function split(chunks: readonly Buffer[], maxLength?: number): string[] {
  const lines: string[] = [];
  const splitter = splitLines((line) => lines.push(line), maxLength);
  for (const chunk of chunks) splitter.push(chunk);
  splitter.end();
  return lines;
}

test("lines come out the same wherever the stream is cut", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "é", "🍎", " ", "\n", "\r", "\u0007"), maxLength: 60 });
  fc.assert(
    fc.property(text, fc.array(fc.nat(60)), (content, cuts) => {
      const bytes = Buffer.from(content);
      const edges = [
        0,
        ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b),
        bytes.length,
      ];
      const chunks = edges.slice(1).map((edge, index) => bytes.subarray(edges[index], edge));
      assert.deepEqual(split(chunks, 10), split([bytes], 10));
    }),
  );
});

test("blank lines are left out, control characters are escaped, and a last line needs no newline", () => {
  assert.deepEqual(split([Buffer.from("one\n\n  \r\ntwo\u001b[31m\nthree")]), [
    "one",
    "two\\u001b[31m",
    "three",
  ]);
});

test("a line without end keeps its beginning and no more", () => {
  const endless = Array<Buffer>(1000).fill(Buffer.from("x".repeat(1000)));
  assert.deepEqual(split([...endless, Buffer.from("\nnext\n")], 20), [`${"x".repeat(20)}…`, "next"]);
});

test("a group is left as long as any process of it runs, although its leader has ended", async (t) => {
  for (const [script, isLeft] of [
    ["echo none", false],
    ["sleep 600 >/dev/null 2>&1 & echo $!", true],
  ] as const) {
    let printed = "";
    const leader = spawnGroup(fakeTool(script), {
      clock: systemClock,
      environment: { PATH: "/usr/bin:/bin" },
      onStdout: (chunk) => void (printed += chunk.toString()),
      onStderr: () => undefined,
    });
    await leader.ended;
    if (isLeft) t.after(() => process.kill(Number(printed), "SIGKILL"));
    assert.equal(leader.isGroupLeft(), isLeft);
  }
});
