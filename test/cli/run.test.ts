/** `run` as a process: what /metrics shows, and how it ends. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import test from "node:test";
import { findReceiver, skipWithout } from "../support/receivers.ts";
import { fetchText, namesIn, run, startAgent, until } from "./agent.ts";
import { fixedMetrics, pageCounts, temperature } from "./contract.ts";

const missingIn = (text: string): readonly string[] =>
  fixedMetrics.filter((name) => !namesIn(text).has(name));

test("the contract has thirty metrics", () => {
  assert.equal(new Set(fixedMetrics).size, 30);
});

test("on Apple Silicon /metrics has every fixed metric but the temperature", async (t) => {
  const agent = await startAgent(t, { simulator: "--chip m4" });
  const text = await agent.metrics((it) => missingIn(it).length <= 1);
  assert.deepEqual(missingIn(text), [temperature]);
  assert.equal((await fetchText(`${agent.origin}/-/healthy`)) !== undefined, true);
  assert.match(text, /^powermetrics_info\{[^}]*simulated="true"/m);
  assert.ok(agent.log().some(({ level, msg }) => level === "warn" && msg.startsWith("SIMULATED")));
});

test("on Intel /metrics has the temperature, and no power of a GPU that powermetrics does not measure", async (t) => {
  const agent = await startAgent(t, { simulator: "--chip intel" });
  const text = await agent.metrics(
    (it) => namesIn(it).has(temperature) && namesIn(it).has("vmstat_faults_total"),
  );
  assert.ok(namesIn(text).has("powermetrics_package_power_milliwatts"));
  assert.ok(!namesIn(text).has("powermetrics_cpu_power_milliwatts"), "package watts are no CPU watts");
});

test(
  "promtool finds fault with the ten page counts and with nothing else",
  { skip: skipWithout("promtool") },
  async (t) => {
    const agent = await startAgent(t, { simulator: "--chip m4" });
    const text = await agent.metrics(
      (it) => missingIn(it).length <= 1 && namesIn(it).has("mac_agent_build_info"),
    );
    const { stdout, stderr } = spawnSync(findReceiver("promtool") ?? "promtool", ["check", "metrics"], {
      input: text,
      encoding: "utf8",
    });
    const findings = `${stdout}${stderr}`.split("\n").filter((line) => line !== "");
    const wanted = pageCounts.map(
      (name) => `${name} non-histogram and non-summary metrics should not have "_count" suffix`,
    );
    assert.deepEqual(findings.toSorted(), wanted.toSorted());
  },
);

test("SIGTERM and SIGINT end the agent with 0 and leave no child behind", async (t) => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    const agent = await startAgent(t);
    await agent.metrics((text) => namesIn(text).has("powermetrics_cpu_power_milliwatts"));
    const children = childrenOf(agent.pid);
    assert.ok(children.length > 0);
    assert.deepEqual(await agent.kill(signal), { code: 0, signal: null });
    assert.deepEqual(children.filter(isAlive), []);
    assert.equal(agent.log().at(-1)?.msg, "stopped");
  }
});

test("SIGKILL of the agent ends its children as well", async (t) => {
  // A stalled tool does not write, so that the closed pipe alone would not end it.
  for (const simulator of ["", "--fault powermetrics:stall@1 --fault hang"]) {
    const agent = await startAgent(t, { simulator });
    const children = await until(
      () => (childrenOf(agent.pid).length > 0 ? childrenOf(agent.pid) : undefined),
      () => "no child was started",
    );
    assert.deepEqual(await agent.kill("SIGKILL"), { code: null, signal: "SIGKILL" });
    await until(
      () => (children.some(isAlive) ? undefined : true),
      () => `still alive: ${children.filter(isAlive).join(", ")}`,
    );
  }
});

test(
  "without a Mac and without --simulate run gives 69 and says what to do",
  { skip: process.platform === "darwin" && "this is a Mac" },
  async () => {
    const { code, stdout, stderr } = await run(["run"]);
    assert.equal(code, 69);
    assert.equal(stdout, "");
    assert.match(stderr, /^cannot find \/usr\/bin\/powermetrics: .*--simulate/);
  },
);

function childrenOf(pid: number): readonly number[] {
  return execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" })
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number))
    .filter(([, parent]) => parent === pid)
    .map(([child]) => child ?? 0);
}

/** A zombie that nobody has collected is gone. */
function isAlive(pid: number): boolean {
  const { stdout } = spawnSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" });
  return stdout.trim() !== "" && !stdout.startsWith("Z");
}
