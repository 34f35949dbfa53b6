/** Measures how long a scraper waits. */
import { Agent as HttpAgent, get } from "node:http";
import { fileURLToPath } from "node:url";
import { findReceiver } from "../support/receivers.ts";
import { bundled, startAgent, untilAnswer } from "./agent-process.ts";
import { pushOnce } from "./pushgateway.ts";
import { startBare, startProcess } from "./process.ts";
import { aimTable, comparison, median, ratioOf, type Bench, type Figure } from "./report.ts";
import { expositions, largeChip } from "./workload.ts";
import { freePort } from "../support/free-port.ts";

const fullScrapes = 1000;
/** The slowest hundredth of one time is ten answers, which say little. */
const timesARound = 5;

interface Target {
  readonly name: string;
  readonly url: string;
  readonly times: { readonly p50: number[]; readonly p99: number[] };
}

export const scrape: Bench = {
  name: "scrape",
  question: "how long does a scrape of the running agent take?",
  async run({ rounds, scale, tell }) {
    const scrapes = Math.max(20, Math.round(fullScrapes * scale));
    await using running = new AsyncDisposableStack();
    const skipped: string[] = [];
    const targets: Target[] = [];
    const add = (name: string, url: string): void =>
      void targets.push({ name, url, times: { p50: [], p99: [] } });

    const bundle = running.use(await bundled());
    const agent = running.use(
      await startAgent({ program: bundle.program, intervalSeconds: 1, chip: largeChip }),
    );
    await untilAnswer(`${agent.origin}/metrics`, "powermetrics_info", agent);
    add("ours", `${agent.origin}/metrics`);

    const bare = running.use(await startBare(await lengthOf(`${agent.origin}/metrics`)));
    await untilAnswer(`${bare.origin}/metrics`, "", bare);
    add("Node.js itself with an HTTP server that says as many bytes", `${bare.origin}/metrics`);

    const script = fileURLToPath(new URL("./stock-otel-process.ts", import.meta.url));
    const port = await freePort();
    const stock = running.use(startProcess(process.execPath, [script, "serve", String(port), "200"]));
    await untilAnswer(`http://127.0.0.1:${port}/metrics`, "bench_metric", stock);
    add("OpenTelemetry JS, collected and printed on request", `http://127.0.0.1:${port}/metrics`);

    const gateway = findReceiver("prometheus-pushgateway");
    if (gateway === undefined)
      skipped.push("skipped: Pushgateway (prometheus-pushgateway is neither on PATH nor in RECEIVERS_DIR)");
    else {
      const address = `127.0.0.1:${await freePort()}`;
      const started = running.use(startProcess(gateway, [`--web.listen-address=${address}`]));
      await untilAnswer(`http://${address}/metrics`, "go_info", started);
      await pushOnce(`http://${address}`, expositions(1)[0] ?? "");
      add("Pushgateway with the same series", `http://${address}/metrics`);
    }

    for (let round = 0; round <= rounds; round++) {
      for (const target of targets) {
        tell(`  round ${round} of ${target.name}`);
        const times: number[] = [];
        for (let time = 0; time < timesARound; time++) times.push(...(await timesOf(target.url, scrapes)));
        if (round === 0) continue;
        target.times.p50.push(median(times));
        target.times.p99.push(times.sort((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? NaN);
      }
    }
    const figures = (key: "p50" | "p99"): Figure[] =>
      targets.map(({ name, times }) => ({ subject: name, rounds: times[key] }));
    const pushgateway = targets.find(({ name }) => name.startsWith("Pushgateway"));
    return [
      comparison(
        `p50 of ${timesARound} times ${scrapes} scrapes, each over one connection, gzip accepted`,
        "ms",
        figures("p50"),
        skipped,
      ),
      comparison("p99 of the same", "ms", figures("p99")),
      aimTable([
        {
          text: "scrape p50 against Pushgateway",
          measured: ratioOf(targets[0]?.times.p50, pushgateway?.times.p50),
          limit: 0.1,
          better: "below",
        },
      ]),
    ];
  },
};

function lengthOf(url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    get(url, { headers }, (answer) => {
      answer.resume().on("end", () => resolve(Number(answer.headers["content-length"])));
    }).on("error", reject);
  });
}

const headers = { "accept-encoding": "gzip" };

async function timesOf(url: string, scrapes: number): Promise<number[]> {
  const agent = new HttpAgent({ keepAlive: true, maxSockets: 1 });
  const times: number[] = [];
  for (let count = 0; count < scrapes; count++) times.push(await timeOf(url, agent));
  agent.destroy();
  return times;
}

function timeOf(url: string, agent: HttpAgent): Promise<number> {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    get(url, { agent, headers }, (answer) => {
      answer.resume().on("end", () => resolve(performance.now() - began));
    }).on("error", reject);
  });
}
