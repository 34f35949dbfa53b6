/** Measures what scraping others' metrics costs next to Prometheus' agent and vmagent, all at once on the same targets. */
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { disposableFolder } from "../support/folder.ts";
import { findReceiver } from "../support/receivers.ts";
import { bundled, startConfigured, untilAnswer, type Program } from "./agent-process.ts";
import { message, noProc, startProcess } from "./process.ts";
import { startCounting } from "./receiver.ts";
import { aimTable, ratioOf, type Aim, type Bench, type Table } from "./report.ts";
import {
  startPrometheusAgent,
  startVmagent,
  type BenchWorld,
  type ScraperWish,
} from "./scraper-processes.ts";
import {
  costsOf,
  costTable,
  measureAll,
  ratioTable,
  wireRatio,
  type Measured,
  type Subject,
} from "./windows.ts";

const everySeconds = 15;
/** Series of a machine as node_exporter has them, and of something large. */
const sizes = [1500, 10_000];

interface World extends BenchWorld {
  /** Of the targets. */
  readonly address: string;
  readonly bundle: Program;
}

interface Wish {
  /** Path of the target, and its series. */
  readonly series: number;
  readonly name: string;
  /** Under which the receiver counts. */
  readonly key: string;
}

interface Scraper {
  readonly name: string;
  /** Absent for ours. */
  readonly needs?: string;
  readonly start: (world: World, wish: Wish) => Promise<Subject>;
}

const ours = "ours";
/** Four scrapes a request, so that the labels of a series go once for four samples. */
const oursEachMinute = "ours, push each minute";
const prometheus = "Prometheus agent, remote write 1";
const scrapers: readonly Scraper[] = [
  { name: ours, start: startOurs("5s") },
  { name: oursEachMinute, start: startOurs("1m") },
  prometheusAgent(prometheus, "prometheus.WriteRequest"),
  prometheusAgent("Prometheus agent, remote write 2", "io.prometheus.write.v2.Request"),
  {
    name: "vmagent",
    needs: "vmagent",
    start: (world, wish) => startVmagent(world, { ...wish, ...scraperOf("vmagent", world, wish) }, 5),
  },
];

export const scrapePeers: Bench = {
  name: "scrape-peers",
  question: "what does scraping cost next to Prometheus' agent and vmagent?",
  // With fewer seconds a round has one scrape or two.
  plan: { seconds: 60, warmupSeconds: 60 },
  async run(plan) {
    if (noProc !== undefined)
      return [{ title: "Scrapers", columns: [], rows: [], notes: [`skipped: ${noProc}`] }];
    await using running = new AsyncDisposableStack();
    const { path: folder } = running.use(disposableFolder());
    const counting = running.use(await startCounting());
    const address = await startTargets(running);
    const world = { running, counting, folder, address, bundle: running.use(await bundled()).program };
    const subjects: Subject[] = [];
    const skipped = scrapers.filter(({ needs }) => needs !== undefined && findReceiver(needs) === undefined);
    const counts = sizes.map((size) => Math.max(1, Math.round(size * plan.scale)));
    for (const series of counts)
      for (const [at, scraper] of scrapers.entries())
        if (!skipped.includes(scraper)) {
          const wish = { series, name: nameOf(scraper.name, series), key: `${at}-${series}` };
          subjects.push(await scraper.start(world, wish));
        }
    const measured = await measureAll(subjects, plan);
    return [
      costTable(`All at once, each target each ${everySeconds} s`, measured, [
        "two thirds of the counters, a third of all series, change from one scrape to the next; the targets are another process and not in it",
        "ours without a source of its own, by its defaults pushing each 5 s, as the peers do",
        ...skipped.map(
          ({ name, needs = "" }) => `skipped: ${name} (${needs} is neither on PATH nor in RECEIVERS_DIR)`,
        ),
      ]),
      ...counts.flatMap((series) => [ours, oursEachMinute].map((name) => ratios(measured, name, series))),
      aimTable(aims(measured, counts[0] ?? 0)),
    ];
  },
};

function nameOf(scraper: string, series: number): string {
  return `${scraper}, ${series} series`;
}

async function startTargets(running: AsyncDisposableStack): Promise<string> {
  const script = fileURLToPath(new URL("./scrape-target-process.ts", import.meta.url));
  const started = running.use(startProcess(process.execPath, [script], { ipc: true }));
  const { port } = z.object({ port: z.number() }).parse(await message(started));
  return `127.0.0.1:${port}`;
}

function prometheusAgent(name: string, message: Parameters<typeof startPrometheusAgent>[2]): Scraper {
  const needs = "prometheus";
  const start: Scraper["start"] = (world, wish) =>
    startPrometheusAgent(world, { ...wish, ...scraperOf(needs, world, wish) }, message);
  return { name, needs, start };
}

function scraperOf(program: string, world: World, wish: Wish): Pick<ScraperWish, "path" | "config"> {
  return { path: findReceiver(program) ?? "", config: { scrape_configs: blocksOf(world, wish) } };
}

/** The same for all. */
function blocksOf({ address }: World, { series }: Wish): readonly object[] {
  return [
    {
      job_name: "bench",
      scrape_interval: `${everySeconds}s`,
      metrics_path: `/${series}`,
      static_configs: [{ targets: [address] }],
    },
  ];
}

function startOurs(batch_send_deadline: string): Scraper["start"] {
  return async (world, wish) => {
    const { running, counting, bundle } = world;
    const off = { enabled: false };
    const url = `${counting.url(wish.key)}/api/v1/write`;
    const agent = running.use(
      await startConfigured(bundle, {
        sources: { powermetrics: off, vm_stat: off, sysctl: off, pmset: off, ioreg: off },
        scrape_configs: blocksOf(world, wish),
        remote_write: [{ url, queue_config: { batch_send_deadline } }],
      }),
    );
    await untilAnswer(`${agent.origin}/metrics`, "mac_agent_build_info", agent);
    return { name: wish.name, process: agent, received: () => counting.received(wish.key) };
  };
}

function ratios(measured: readonly Measured[], own: string, series: number): Table {
  const mine = nameOf(own, series);
  const others = scrapers
    .filter(({ needs }) => needs !== undefined)
    .map(({ name }) => nameOf(name, series))
    .filter((name) => measured.some((one) => one.name === name));
  return ratioTable(`${mine}: divided by each`, measured, mine, others);
}

/** For what a node_exporter has. */
function aims(measured: readonly Measured[], series: number): readonly Aim[] {
  const peer = nameOf(prometheus, series);
  return [ours, oursEachMinute].flatMap((name): Aim[] => {
    const mine = nameOf(name, series);
    const cpu = ratioOf(
      costsOf(measured, mine, "cpuSecondsPerHour"),
      costsOf(measured, peer, "cpuSecondsPerHour"),
    );
    const wire = wireRatio(measured, mine, peer);
    return [
      { text: `CPU against Prometheus agent: ${mine}`, measured: cpu, limit: 1, better: "below" },
      { text: `wire against Prometheus agent: ${mine}`, measured: wire, limit: 0.5, better: "below" },
    ];
  });
}
