/** Measures how soon after its start the agent can be scraped. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import {
  bundled,
  fromSource,
  recordedTools,
  startWithTools,
  untilAnswer,
  type Program,
  type Tools,
} from "./agent-process.ts";
import { startBare, startProcess } from "./process.ts";
import { aimTable, comparison, median, type Bench } from "./report.ts";
import { disposableFolder } from "../support/folder.ts";
import { freePort } from "../support/free-port.ts";
import { usualChip } from "./workload.ts";

const simulator = `--chip ${usualChip}`;

export const startup: Bench = {
  name: "startup",
  question: "how soon is there an answer on /metrics?",
  async run({ rounds, scale, tell }) {
    using bundle = await bundled();
    using folder = disposableFolder();
    const tools = recordedTools(folder.path, simulator);
    const bundleTimes: number[] = [];
    const stockTimes: number[] = [];
    const sourceTimes: number[] = [];
    const sampleTimes: number[] = [];
    const documentTimes: number[] = [];
    const bareTimes: number[] = [];
    const starts = scale < 1 ? rounds : Math.max(5, rounds);
    for (let round = 0; round < starts; round++) {
      tell(`  round ${round}`);
      const ours = await agentTimes(bundle.program, tools);
      bundleTimes.push(ours.answered);
      sampleTimes.push(ours.sampled);
      documentTimes.push(await documentTime(tools));
      stockTimes.push(await stockTime());
      bareTimes.push(await bareTime());
      sourceTimes.push((await agentTimes(fromSource, tools)).answered);
    }
    return [
      comparison("From spawn to the first answer", "ms", [
        { subject: "ours, bundle", rounds: bundleTimes },
        { subject: "ours, source", rounds: sourceTimes },
        {
          subject: "OpenTelemetry JS with its HTTP exporter loaded, collected and printed on request",
          rounds: stockTimes,
        },
        { subject: "Node.js itself with an HTTP server that says ok", rounds: bareTimes },
      ]),
      comparison(
        "From spawn to the first answer with a sample, 1 s windows",
        "ms",
        [
          { subject: "ours, bundle", rounds: sampleTimes },
          { subject: "powermetrics by itself, to its first document", rounds: documentTimes },
        ],
        [
          "no agent can have a sample before powermetrics' first document, which is its start and a window of a second; here powermetrics is the simulator, whose start is a Node.js of its own",
        ],
      ),
      aimTable([
        {
          text: "first sample, ms after powermetrics by itself has its first document",
          measured: median(sampleTimes) - median(documentTimes),
          limit: 300,
          better: "below",
        },
      ]),
    ];
  },
};

async function agentTimes(
  program: Program,
  tools: Tools,
): Promise<{ readonly answered: number; readonly sampled: number }> {
  const sources = { powermetrics: { interval: "1s" } };
  await using agent = await startWithTools(program, tools, { sources }, simulator);
  const answered = await untilAnswer(`${agent.origin}/metrics`, "", agent);
  // Rarely enough that the answers do not hold up what is waited for.
  const more = await untilAnswer(`${agent.origin}/metrics`, "powermetrics_info", agent, { everyMs: 10 });
  return { answered, sampled: answered + more };
}

/** Until the end of the first document. */
async function documentTime({ powermetrics: [command = "", ...args] = [] }: Tools): Promise<number> {
  const began = performance.now();
  const child = spawn(command, [...args, "-f", "plist", "-i", "1000"], {
    env: { ...process.env, MAC_POWERMETRICS_SIMULATE: simulator },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  let text = "";
  for await (const chunk of child.stdout.setEncoding("latin1")) {
    text += String(chunk);
    if (text.includes("</plist>")) break;
  }
  const took = performance.now() - began;
  child.kill();
  await ended;
  if (!text.includes("</plist>")) throw new Error(`cannot measure ${command}: it ended without a document`);
  return took;
}

async function bareTime(): Promise<number> {
  await using bare = await startBare(2);
  return await untilAnswer(`${bare.origin}/metrics`, "", bare);
}

async function stockTime(): Promise<number> {
  const script = fileURLToPath(new URL("./stock-otel-process.ts", import.meta.url));
  const port = await freePort();
  await using stock = startProcess(process.execPath, [script, "serve", String(port), "200"]);
  return await untilAnswer(`http://127.0.0.1:${port}/metrics`, "bench_metric", stock);
}
