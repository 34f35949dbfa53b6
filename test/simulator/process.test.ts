/** A simulated tool behaves as a process: it reads its environment, stops, and leaves no orphan. */
import assert from "node:assert/strict";
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import test from "node:test";
import { fileURLToPath } from "node:url";

const entry = fileURLToPath(new URL("tool-process.ts", import.meta.url));
const limit = { timeout: 20_000 };

function tool(
  argv: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, [entry, ...argv], { env: { ...process.env, ...environment } });
}

async function ended(
  child: ChildProcessWithoutNullStreams,
): Promise<{ readonly code: unknown; readonly stdout: string; readonly stderr: string }> {
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(child, "close")) as readonly unknown[];
  return { code, stdout, stderr };
}

test("the environment chooses the machine", limit, async () => {
  const child = tool(["sysctl", "-n", "hw.model"], { MAC_POWERMETRICS_SIMULATE: "--chip m5max" });
  assert.deepEqual(await ended(child), { code: 0, stdout: "Mac17,6\n", stderr: "" });
});

test("SIGTERM ends an endless stream with success", limit, async () => {
  const child = tool(["powermetrics", "-f", "plist", "-i", "50", "-s", "battery"]);
  child.stdout.once("data", () => child.kill("SIGTERM"));
  const { code, stdout } = await ended(child);
  assert.equal(code, 0);
  assert.ok(stdout.endsWith("</plist>\n"));
});

test("a closed pipe ends the stream quietly", limit, async () => {
  const child = tool(["powermetrics", "-f", "plist", "-i", "50", "-s", "cpu_power"]);
  child.stdout.once("data", () => child.stdout.destroy());
  const { code, stderr } = await ended(child);
  assert.deepEqual([code, stderr], [141, ""]);
});

test("a tool that stalls ends when the process that started it is gone", limit, async (context) => {
  const argv = ["powermetrics", "-f", "plist", "-i", "20", "-s", "battery", "--fault", "stall@2"];
  const script = `"$0" "$@" & echo $! >&2; wait`;
  const shell = spawn("/bin/sh", ["-c", script, process.execPath, entry, ...argv]);
  const [orphan] = (await once(shell.stderr, "data")) as readonly Buffer[];
  let gone = false;
  context.after(() => {
    if (!gone) process.kill(Number(orphan?.toString()), "SIGKILL");
  });
  shell.stdout.once("data", () => shell.kill("SIGKILL"));
  // The orphan holds the other end of this pipe until it ends.
  const [, signal] = (await once(shell, "close")) as readonly unknown[];
  gone = true;
  assert.equal(signal, "SIGKILL");
});
