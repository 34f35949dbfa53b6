/** Measures how soon after its start the agent can be scraped. */
import { fileURLToPath } from "node:url";
import { bundled, fromSource, startAgent, untilAnswer, type Program } from "./agent-process.ts";
import { startProcess } from "./process.ts";
import { aimTable, comparison, median, type Bench } from "./report.ts";
import { freePort } from "../support/free-port.ts";

export const startup: Bench = {
  name: "startup",
  question: "how soon is there an answer on /metrics?",
  async run({ rounds, scale, tell }) {
    using bundle = await bundled();
    const bundleTimes: number[] = [];
    const stockTimes: number[] = [];
    const sourceTimes: number[] = [];
    const sampleTimes: number[] = [];
    const bareTimes: number[] = [];
    const starts = scale < 1 ? rounds : Math.max(5, rounds);
    for (let round = 0; round < starts; round++) {
      tell(`  round ${round}`);
      const ours = await agentTimes(bundle.program);
      bundleTimes.push(ours.answered);
      sampleTimes.push(ours.sampled);
      stockTimes.push(await stockTime());
      bareTimes.push(await bareTime());
      sourceTimes.push((await agentTimes(fromSource)).answered);
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
        [{ subject: "ours, bundle", rounds: sampleTimes }],
        [
          "a window of powermetrics is a second long: no agent can have one sooner; two starts of the simulator, another Node.js each, are in it",
        ],
      ),
      aimTable([
        {
          text: "first sample, ms: a window of powermetrics and 300",
          measured: median(sampleTimes),
          limit: 1300,
          better: "below",
        },
      ]),
    ];
  },
};

async function agentTimes(
  program: Program,
): Promise<{ readonly answered: number; readonly sampled: number }> {
  await using agent = await startAgent({ program, intervalSeconds: 1, chip: "m4pro" });
  const answered = await untilAnswer(`${agent.origin}/metrics`, "", agent);
  const more = await untilAnswer(`${agent.origin}/metrics`, "powermetrics_info", agent);
  return { answered, sampled: answered + more };
}

/** What no program on Node.js is quicker than. */
async function bareTime(): Promise<number> {
  const port = await freePort();
  const script = `require("node:http").createServer((_, response) => response.end("ok")).listen(${port}, "127.0.0.1")`;
  await using bare = startProcess(process.execPath, ["-e", script]);
  return await untilAnswer(`http://127.0.0.1:${port}/metrics`, "ok", bare);
}

async function stockTime(): Promise<number> {
  const script = fileURLToPath(new URL("./stock-otel-process.ts", import.meta.url));
  const port = await freePort();
  await using stock = startProcess(process.execPath, [script, "serve", String(port), "200"]);
  return await untilAnswer(`http://127.0.0.1:${port}/metrics`, "bench_metric", stock);
}
