/** Measures what the whole agent costs next to the programs that do comparable work, all at once on the same series. */
import { noProc } from "./process.ts";
import { names, startPeers, type Skipped } from "./peer-processes.ts";
import { aimTable, median, ratioOf, type Aim, type Bench, type Table } from "./report.ts";
import { bundled } from "./agent-process.ts";
import { startCounting } from "./receiver.ts";
import { costTable, costsOf, measureAll, ratioTable, wireRatio, type Measured } from "./windows.ts";

export const peers: Bench = {
  name: "peers",
  question: "what does the whole agent cost next to its peers?",
  // As of the default profile.
  plan: { rounds: 4, seconds: 60, warmupSeconds: 300 },
  async run(plan) {
    if (noProc !== undefined)
      return [{ title: "The peers", columns: [], rows: [], notes: [`skipped: ${noProc}`] }];
    await using running = new AsyncDisposableStack();
    const bundle = running.use(await bundled());
    const counting = running.use(await startCounting({ serves: true }));
    const { subjects, skipped } = await startPeers(running, bundle.program, counting);
    const measured = await measureAll(subjects, plan);
    return [overview(measured, skipped), ratios(measured), aimTable(aims(measured))];
  },
};

function overview(measured: readonly Measured[], skipped: readonly Skipped[]): Table {
  return costTable("All at once, the series of a simulated M3 Ultra at 1 s", measured, [
    "ours reads, parses and journals powermetrics documents of 97 KB, and polls the other tools; these are other processes and not in it: powermetrics is the simulator, the others small programs that print what the simulator's printed once",
    "the peers that scrape get the same series from another process, which is not in theirs; OpenTelemetry JS makes up 200",
    "bytes are bodies counted at the receiver, divided by the samples decoded there; on the wire the peers are compared with the same series, which leave out vm_stat, pmset and the agent's own metrics",
    ...skipped.map(({ name, reason }) => `skipped: ${name} (${reason})`),
  ]);
}

function ratios(measured: readonly Measured[]): Table {
  const own: readonly string[] = [names.ours, names.sameSeries];
  const others = measured.map(({ name }) => name).filter((name) => !own.includes(name));
  const title = "Ours, pushing each 15 s, divided by each; on the wire, the same series";
  return ratioTable(title, measured, names.ours, others, names.sameSeries);
}

function aims(measured: readonly Measured[]): readonly Aim[] {
  const ours = (key: Parameters<typeof costsOf>[2], peer: string): number | undefined =>
    ratioOf(costsOf(measured, names.ours, key), costsOf(measured, peer, key));
  const below = (text: string, value: number | undefined, limit: number): Aim => ({
    text,
    measured: value,
    limit,
    better: "below",
  });
  const wakeups = costsOf(measured, names.ours, "wakeupsPerSecond");
  return [
    below("CPU against Prometheus agent", ours("cpuSecondsPerHour", names.prometheus), 0.6),
    below("wakeups against vmagent at a 15 s flush", ours("wakeupsPerSecond", names.vmagent), 0.05),
    below("wakeups a second", wakeups && median(wakeups), 2),
    below(
      "wire, live, against Prometheus agent 1",
      wireRatio(measured, names.sameSeries, names.prometheus),
      0.5,
    ),
    below("wire, live, against vmagent", wireRatio(measured, names.sameSeries, names.vmagent), 0.4),
  ];
}
