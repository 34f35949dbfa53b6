/** What goes wrong with one tool stays with it: the rest of the agent keeps going, and the log says what to do. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import test from "node:test";
import { namesIn, program, startAgent, valueOf, type AgentOptions, type LogLine } from "./agent.ts";

const power = "powermetrics_cpu_power_milliwatts";
const faults = "vmstat_faults_total";
const quick = "{ interval: 100ms }";
const polls = "vm_stat: { interval: 3s }\n  sysctl: { interval: 3s }\n  pmset: { interval: 3s }";

interface Trouble extends AgentOptions {
  /** As a sentence. */
  readonly when: string;
  readonly source: "powermetrics" | "vm_stat";
  /** Of the warning that tells the user. */
  readonly says: RegExp;
  /** One of the agent's own counters that must say so; they may be 5 s old, so one test asks. */
  readonly counted?: string;
  /** Whether samples of the source itself come all the same. */
  readonly recovers?: boolean;
}

const troubles: readonly Trouble[] = [
  {
    when: "powermetrics asks for root",
    source: "powermetrics",
    simulator: "--fault not-root",
    says: /must be invoked as root.*(sudo|install)/,
  },
  {
    when: "powermetrics refuses every sampler that its help lists",
    source: "powermetrics",
    simulator: "--fault unknown-sampler",
    says: /cannot sample .*; see sources\.powermetrics\.samplers/,
  },
  {
    when: "powermetrics writes lines between its documents",
    source: "powermetrics",
    simulator: "--fault garbage",
    says: /powermetrics said/,
    recovers: true,
  },
  {
    when: "powermetrics is cut off in a document",
    source: "powermetrics",
    simulator: "--fault truncate",
    says: /unexpected end of powermetrics: exit status 1/,
    recovers: true,
  },
  {
    when: "powermetrics aborts again and again",
    source: "powermetrics",
    simulator: "--fault abort",
    says: /unexpected end of powermetrics: aborted/,
    counted: 'mac_agent_source_restarts_total{reason="aborted",source="powermetrics"}',
    recovers: true,
  },
  {
    when: "powermetrics stalls",
    source: "powermetrics",
    simulator: "--fault powermetrics:stall@2",
    says: /must write a document every 100 ms, got none/,
    recovers: true,
  },
  {
    when: "vm_stat fails",
    source: "vm_stat",
    simulator: "--fault vm_stat:fail",
    says: /unexpected end of vm_stat/,
  },
  {
    when: "vm_stat prints nothing",
    source: "vm_stat",
    simulator: "--fault vm_stat:empty",
    says: /got nothing, want a report; see sources\.vm_stat\.command/,
  },
  {
    when: "vm_stat never ends",
    source: "vm_stat",
    simulator: "--fault vm_stat:hang",
    says: /vm_stat must end within 3000 ms.*see sources\.vm_stat\.command/,
  },
];

for (const trouble of troubles) {
  const { when, source, says, counted, recovers = false } = trouble;
  test(`when ${when}, that is said and counted, and the other source goes on`, async (t) => {
    const agent = await startAgent(t, {
      configuration: `sources:\n  powermetrics: ${quick}\n  ${polls}\n`,
      ...trouble,
    });
    const told = await agent.logged(
      (line) => isComplaint(line) && line.source === source && says.test(line.msg),
    );
    assert.equal(told.source, source);
    const [own, other] = source === "powermetrics" ? [power, faults] : [faults, power];
    const text = await agent.metrics((it) => namesIn(it).has(other) && (!recovers || namesIn(it).has(own)));
    if (!recovers) assert.ok(!namesIn(text).has(own), "what was not read is absent");
    if (counted !== undefined) await agent.metrics((it) => (valueOf(it, counted) ?? 0) > 0);
  });
}

test("where a tool is missing, that is said with what to do, and the other source goes on", async (t) => {
  assert.ok(!existsSync("/nonexistent"));
  const missing = "command: [/nonexistent/vm_stat]";
  const agent = await startAgent(t, {
    simulate: false,
    configuration: `
sources:
  powermetrics: { command: ["${process.execPath}", "${program.join()}", simulate, powermetrics], interval: 100ms }
  vm_stat: { ${missing} }
  sysctl: { enabled: false }
  pmset: { enabled: false }
`,
  });
  await agent.logged(
    ({ source, msg }) =>
      source === "vm_stat" &&
      /^cannot start \/nonexistent\/vm_stat: .*set sources\.vm_stat\.command to where vm_stat is/.test(msg),
  );
  const text = await agent.metrics((it) => namesIn(it).has(power));
  assert.ok(!namesIn(text).has(faults));
});

function isComplaint({ level }: LogLine): boolean {
  return level === "warn" || level === "error";
}
