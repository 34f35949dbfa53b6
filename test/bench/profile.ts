/**
 * Measures the default profile: 10 s, one remote write, nobody watching. By parts, beside the scrapers that people would
 * use instead, and as a whole choice beside an exporter with a scraper. All at once, so that ratios are of one run.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { transformSync } from "esbuild";
import { join } from "node:path";
import { nodeFlags } from "../../src/daemon/launchd-files.ts";
import { longLifeFlags } from "../../src/runtime/long-life.ts";
import { disposableFolder } from "../support/folder.ts";
import { freePort } from "../support/free-port.ts";
import { findReceiver } from "../support/receivers.ts";
import {
  bundled,
  recordedTools,
  startWithTools,
  untilAnswer,
  type Agent,
  type Settings,
  type Tools,
} from "./agent-process.ts";
import type { FloorWish } from "./floor-process.ts";
import { noProc, startProcess, type Cost, type Started } from "./process.ts";
import { startCounting } from "./receiver.ts";
import { aimTable, amount, median, ratioOf, type Aim, type Bench, type Table } from "./report.ts";
import { startPrometheusAgent, startVmagent, type BenchWorld } from "./scraper-processes.ts";
import {
  costsOf,
  costTable,
  endAll,
  measureAll,
  ratioTable,
  together,
  type Measured,
  type Subject,
} from "./windows.ts";
import { usualChip } from "./workload.ts";

const simulator = `--chip ${usualChip}`;
const everySeconds = 10;

const whole = "ours: the default profile, remote write";
const floor = "Node.js, the same input and output and no more";
const vmagent = "vmagent, 10 s flush";
const prometheus = "Prometheus agent, remote write 1";
const nodeExporter = "node_exporter";
const goExporter = "the Go exporter that ours descends from";

interface World extends BenchWorld {
  readonly startPart: (settings: Settings) => Promise<Agent>;
  /** Of the agent that the scrapers scrape, which is the default profile without a sink. */
  readonly scraped: string;
}

const off = { enabled: false };
const noPolls = { vm_stat: off, sysctl: off, pmset: off, ioreg: off };
const noEndpoint = { web: off };

/**
 * What is left out of the default profile, or put in the place of its sink; each adds to the one before it.
 *
 * @param receiver address of the part's own receiver
 */
const parts: Readonly<Record<string, (receiver: string) => Settings>> = {
  "powermetrics alone": () => ({ sources: noPolls, ...noEndpoint }),
  "and the polled tools": () => noEndpoint,
  "and the endpoint, which nobody asks": () => ({}),
  [whole]: (receiver) => ({ remote_write: [{ url: `${receiver}/api/v1/write` }] }),
  "ours, OTLP instead": (receiver) => ({ otlp: [{ metrics_endpoint: `${receiver}/v1/metrics` }] }),
  "ours, Pushgateway instead": (receiver) => ({ pushgateway: [{ url: receiver }] }),
};

export const profile: Bench = {
  name: "profile",
  question: "what does the default profile cost, part by part and beside what people would use instead?",
  // The simulated Mac does something else every few minutes.
  plan: { rounds: 4, seconds: 60, warmupSeconds: 300 },
  async run(plan) {
    if (noProc !== undefined)
      return [{ title: "The default profile", columns: [], rows: [], notes: [`skipped: ${noProc}`] }];
    await using running = new AsyncDisposableStack();
    const { path: folder } = running.use(disposableFolder());
    const counting = running.use(await startCounting());
    const { program } = running.use(await bundled());
    const tools = recordedTools(folder, simulator);
    const startPart = (settings: Settings) => startWithTools(program, tools, settings, simulator);
    const target = running.use(await startPart({}));
    // Before all others start: a poll that they held up for ten seconds would come again a minute later.
    await untilAnswer(`${target.origin}/metrics`, "ioreg_", target, { everyMs: 100 });
    const world: World = { running, counting, folder, startPart, scraped: new URL(target.origin).host };
    const ours = await startParts(world, target);
    const { subjects, skipped } = await startPeers(world);
    const least = running.use(startFloor(tools, counting.url("floor"), folder));
    const all = [...ours, { name: floor, process: least }, ...subjects];
    const measured = await measureAll(all, plan);
    await endAll(all);
    return report(measured, skipped);
  },
};

/** Each 10 s vm_stat; of the others, which come less often, their share of a line is a little more than that. */
function startFloor(tools: Tools, receiver: string, folder: string): Started {
  const [node = "", ...args] = tools["powermetrics"] ?? [];
  const wish: FloorWish = {
    powermetrics: [node, ...args, "-f", "plist", "-i", "10000"],
    poll: `${tools["vm_stat"]?.join(" ")}; ${tools["pmset"]?.join(" ")} -g`,
    receiver,
    database: join(folder, "floor.db"),
  };
  const source = readFileSync(new URL("floor-process.ts", import.meta.url), "utf8");
  const program = join(folder, "floor.mjs");
  writeFileSync(program, transformSync(source, { loader: "ts" }).code);
  const env = { MAC_POWERMETRICS_SIMULATE: simulator };
  return startProcess(process.execPath, [...nodeFlags, ...longLifeFlags, program, JSON.stringify(wish)], {
    env,
  });
}

function keyOf(name: string): string {
  return name.replaceAll(/[^a-zA-Z0-9]+/g, "-");
}

async function startParts(world: World, target: Agent): Promise<readonly Subject[]> {
  const { running, counting, startPart } = world;
  const subjects = [];
  for (const [name, settings] of Object.entries(parts)) {
    const key = keyOf(name);
    const process = running.use(await startPart(settings(counting.url(key))));
    subjects.push({ name, process, received: () => counting.received(key) });
  }
  return [...subjects, { name: "ours, scraped each 10 s by the scrapers below", process: target }];
}

interface Peers {
  readonly subjects: readonly Subject[];
  readonly skipped: readonly string[];
}

/** Scrapers of our target, exporters, and scrapers of those. */
async function startPeers(world: World): Promise<Peers> {
  const subjects: Subject[] = [];
  const skipped: string[] = [];
  const wanted = (program: string): string | undefined => {
    const path = findReceiver(program);
    if (path === undefined) skipped.push(`skipped: ${program} is neither on PATH nor in RECEIVERS_DIR`);
    return path;
  };
  const paths = { vmagent: wanted("vmagent"), prometheus: wanted("prometheus") };
  const scrapedBy = async (target: string, of: string): Promise<void> => {
    const config = {
      global: { scrape_interval: `${everySeconds}s` },
      scrape_configs: [{ job_name: "bench", static_configs: [{ targets: [target] }] }],
    };
    const wish = (path: string, name: string) => ({ path, name, key: keyOf(name), config });
    if (paths.vmagent !== undefined)
      subjects.push(await startVmagent(world, wish(paths.vmagent, vmagent + of), everySeconds));
    if (paths.prometheus !== undefined) {
      const one = wish(paths.prometheus, prometheus + of);
      subjects.push(await startPrometheusAgent(world, one, "prometheus.WriteRequest"));
    }
  };

  await scrapedBy(world.scraped, "");
  for (const [name, { program, address, start }] of Object.entries(exporters)) {
    const path = wanted(program);
    if (path === undefined) continue;
    const at = await address();
    const process = world.running.use(start(path, at, world.folder));
    await untilAnswer(`http://${at}/metrics`, "# TYPE", process);
    subjects.push({ name, process });
    await scrapedBy(at, ` of ${name}`);
  }
  return { subjects, skipped };
}

interface Exporter {
  readonly program: string;
  readonly address: () => Promise<string>;
  readonly start: (path: string, address: string, folder: string) => Started;
}

const exporters: Readonly<Record<string, Exporter>> = {
  [nodeExporter]: {
    program: "prometheus-node-exporter",
    address: async () => `127.0.0.1:${await freePort()}`,
    start: (path, address) => startProcess(path, [`--web.listen-address=${address}`]),
  },
  [goExporter]: {
    program: "mac-powermetrics-exporter",
    // It knows no other.
    address: () => Promise.resolve("127.0.0.1:9127"),
    start: (path, _address, folder) => startProcess(path, [], { env: { PATH: withText(folder) } }),
  },
};

/** PATH of the recorded tools for the Go exporter, which asks them at each scrape, with a powermetrics that prints its text instead of documents. */
function withText(tools: string): string {
  const cores = Array.from(
    { length: 14 },
    (_, core) =>
      `CPU ${core} frequency: ${1000 + 100 * core} MHz\nCPU ${core} active residency: ${core}.25%\n`,
  ).join("");
  const text = `${cores}CPU Power: 1339 mW\nGPU Power: 6 mW\nGPU HW active residency: 3.10%\n`;
  const folder = join(tools, "text");
  const file = join(folder, "powermetrics.txt");
  mkdirSync(folder);
  writeFileSync(file, text);
  writeFileSync(join(folder, "powermetrics"), `#!/bin/sh\nexec /bin/cat ${file}\n`, { mode: 0o755 });
  return `${folder}:${tools}`;
}

function report(measured: readonly Measured[], skipped: readonly string[]): readonly Table[] {
  const choices = choicesIn(measured);
  return [
    costTable("All at once on a simulated M4 Pro, each 10 s", measured, [
      "ours: the bundle with the flags of an installed agent; its tools are other processes and not in it, nor are the Go exporter's: powermetrics is the simulator, the others small programs that print what the simulator's printed once",
      "the scrapers get the same series as ours from another agent's endpoint, which takes their scrapes and not their CPU",
      ...skipped,
    ]),
    traffic(measured),
    choiceTable(choices),
    ratios(measured, choices),
    aimTable(aims(measured)),
  ];
}

/** What arrived while the rounds were measured, an hour of it. */
function traffic(measured: readonly Measured[]): Table {
  return {
    title: "Requests and bytes",
    columns: ["", "requests an hour", "samples an hour", "kB an hour"],
    rows: measured.flatMap(({ name, seconds, received }) =>
      received === undefined || received.requests === 0
        ? []
        : [
            [
              name,
              ...[received.requests, received.samples, received.bytes / 1000].map((count) =>
                amount((count / seconds) * 3600),
              ),
            ],
          ],
    ),
  };
}

/** All that a Mac's owner would run to get samples into a Prometheus. */
const choices: Readonly<Record<string, readonly string[]>> = {
  "ours, which does both": [whole],
  [`${goExporter} and Prometheus agent`]: [goExporter, `${prometheus} of ${goExporter}`],
  [`${nodeExporter} and vmagent`]: [nodeExporter, `${vmagent} of ${nodeExporter}`],
};

/** Each together, those that were measured. */
function choicesIn(measured: readonly Measured[]): readonly Measured[] {
  return Object.entries(choices).flatMap(([choice, names]) => together(measured, choice, names) ?? []);
}

function choiceTable(measured: readonly Measured[]): Table {
  return {
    title: "A whole choice",
    columns: ["", "CPU s/h", "wakeups/s", "RSS MB"],
    rows: measured.map(({ name }) => [
      name,
      ...(["cpuSecondsPerHour", "wakeupsPerSecond", "rssMb"] as const).map((key) =>
        amount(median(costsOf(measured, name, key) ?? [])),
      ),
    ]),
    notes: [
      "node_exporter reads this Linux and not a Mac; the Go exporter has a fifth of our series; tools that either starts are not in it",
    ],
  };
}

function ratios(measured: readonly Measured[], choices: readonly Measured[]): Table {
  const [, ...others] = choices;
  const all = [...measured.filter(({ name }) => name !== whole), ...others];
  const title = "Ours, the default profile, divided by each";
  return ratioTable(
    title,
    [...measured, ...others],
    whole,
    all.map(({ name }) => name),
  );
}

function aims(measured: readonly Measured[]): readonly Aim[] {
  const middle = (key: keyof Cost): number | undefined => {
    const rounds = costsOf(measured, whole, key);
    return rounds && median(rounds);
  };
  const cpu = (peer: string): number | undefined =>
    ratioOf(costsOf(measured, whole, "cpuSecondsPerHour"), costsOf(measured, peer, "cpuSecondsPerHour"));
  const below = { better: "below" } as const;
  return [
    { text: "CPU against vmagent", measured: cpu(vmagent), limit: 1, ...below },
    { text: "wakeups a second", measured: middle("wakeupsPerSecond"), limit: 0.6, ...below },
    { text: "RSS, MB", measured: middle("rssMb"), limit: 70, ...below },
  ];
}
