/** Measures how fast a backlog leaves, what it costs meanwhile, and what it costs while it waits. */
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import type { Snapshot } from "../../src/meter/snapshot.ts";
import { nodeFlags } from "../../src/daemon/launchd-files.ts";
import { findReceiver, startReceiver, type Receiver } from "../support/receivers.ts";
import { drainOfVmagent } from "./drain-vmagent.ts";
import { fill, openAt } from "./open-journal.ts";
import { message, readProcess, startProcess } from "./process.ts";
import { startCounting } from "./receiver.ts";
import { aimTable, amount, median, withSpread, type Bench, type Plan, type Table } from "./report.ts";
import { noonMs, snapshots } from "./workload.ts";
import { freePort } from "../support/free-port.ts";
import { disposableFolder } from "../support/folder.ts";

const resultSchema = z.object({
  sent: z.number(),
  dropped: z.number(),
  seconds: z.number(),
  cpuSeconds: z.number(),
  grownMb: z.number(),
  /** Memory while the second half leaves, divided by memory while the first does. */
  secondHalf: z.number(),
});
export type Drained = Omit<z.infer<typeof resultSchema>, "secondHalf"> & {
  readonly secondHalf?: number;
  readonly bytes?: number;
};

/** 8 hours at 1 s, and 7 days at 10 s. */
const shift = 28_800;
const week = 60_480;

export const drain: Bench = {
  name: "drain",
  question: "how fast does a backlog drain, and what does it cost?",
  async run(plan) {
    using folder = disposableFolder();
    return await tables(plan, folder.path);
  },
};

async function tables(plan: Plan, folder: string): Promise<readonly Table[]> {
  const count = Math.round(shift * plan.scale);
  const rows = snapshots(Math.min(count, 1800), noonMs);
  const series = rows[0]?.set.series.length ?? 0;
  plan.tell(`  filling a journal with ${count} snapshots`);
  const seed = join(folder, "seed");
  fillAt(seed, rows, count, 1000);

  const found = new Map<string, Drained[]>();
  const note = (name: string, drained: Drained): void =>
    void found.set(name, [...(found.get(name) ?? []), drained]);
  const skipped: string[] = [];
  const vmagent = findReceiver("vmagent");
  if (vmagent === undefined) skipped.push("skipped: vmagent (neither on PATH nor in RECEIVERS_DIR)");
  for (let round = 0; round < plan.rounds; round++) {
    plan.tell(`  round ${round}`);
    await using counting = await startCounting();
    const counted = await drainTo(`${counting.url("ours")}/api/v1/write`, seed, folder);
    const { bytes, samples } = await counting.received("ours");
    note("ours, to a counting receiver", {
      ...counted,
      sent: samples,
      dropped: count * series - samples,
      bytes,
    });
    for (const name of ["prometheus", "victoria-metrics"] as const) {
      if (findReceiver(name) === undefined) {
        if (round === 0) skipped.push(`skipped: ${name} (neither on PATH nor in RECEIVERS_DIR)`);
        continue;
      }
      await using receiver = await realReceiver(name, folder);
      note(`ours, to ${name}`, await drainTo(`${receiver.origin}/api/v1/write`, seed, folder));
    }
    if (vmagent !== undefined)
      note(
        "vmagent, from its queue on disk, to a counting receiver",
        await drainOfVmagent(vmagent, rows, count, folder),
      );
  }
  const memory = await memoryOfBacklog(plan, folder);
  return [speedTable(found, count, series, skipped), memory.table, aims(found, series, memory.growthMb)];
}

function fillAt(folder: string, rows: readonly Snapshot[], count: number, everyMs: number): void {
  mkdirSync(folder);
  using journal = openAt(join(folder, "journal.db"));
  fill(journal, rows, count, everyMs);
}

/** A copy of the seed is drained, in a process of its own. */
async function drainTo(url: string, seed: string, folder: string): Promise<Drained> {
  const copy = join(folder, "copy");
  cpSync(seed, copy, { recursive: true });
  try {
    return await drainedBy(join(copy, "journal.db"), url);
  } finally {
    rmSync(copy, { recursive: true });
  }
}

/** Settles once the process has ended, which closes its journal after it has told the result. */
async function drainedBy(path: string, url: string): Promise<Drained> {
  await using started = startDrain(path, url, "drain");
  await message(started);
  return resultSchema.parse(await message(started));
}

function startDrain(path: string, url: string, mode: "drain" | "hold") {
  const script = fileURLToPath(new URL("./drain-process.ts", import.meta.url));
  return startProcess(process.execPath, [...nodeFlags, script, path, url, mode], { ipc: true });
}

function realReceiver(name: "prometheus" | "victoria-metrics", folder: string): Promise<Receiver> {
  if (name === "victoria-metrics") {
    const flags = (address: string, data: string): string[] => [
      `-httpListenAddr=${address}`,
      `-storageDataPath=${data}`,
    ];
    return startReceiver(name, flags, "/health");
  }
  const config = join(folder, "prometheus.yml");
  writeFileSync(config, "storage: { tsdb: { out_of_order_time_window: 72h } }\n");
  const flags = (address: string, data: string): string[] => [
    `--config.file=${config}`,
    "--web.enable-remote-write-receiver",
    `--web.listen-address=${address}`,
    `--storage.tsdb.path=${data}`,
  ];
  return startReceiver(name, flags, "/-/ready");
}

/** Two processes whose receiver is down: one with a week's backlog, one with next to none. */
async function memoryOfBacklog(
  plan: Plan,
  folder: string,
): Promise<{ readonly table: Table; readonly growthMb: number }> {
  const count = Math.round(week * plan.scale);
  plan.tell(`  filling a journal with ${count} snapshots at 10 s`);
  const rows = snapshots(Math.min(count, 1800), noonMs, 10_000);
  const folders = { full: join(folder, "full"), empty: join(folder, "empty") };
  fillAt(folders.full, rows, count, 10_000);
  fillAt(folders.empty, rows, 10, 10_000);
  const nowhere = `http://127.0.0.1:${await freePort()}/api/v1/write`;
  const privateMb = { full: [] as number[], empty: [] as number[] };
  for (let round = 0; round < plan.rounds; round++) {
    for (const which of ["full", "empty"] as const) {
      await using started = startDrain(join(folders[which], "journal.db"), nowhere, "hold");
      await message(started);
      await wait(Math.min(5, plan.seconds) * 1000);
      privateMb[which].push(readProcess(started.pid).privateKb / 1024);
    }
  }
  const growthMb = median(privateMb.full) - median(privateMb.empty);
  const rowsOfTable = [
    [`${count} snapshots waiting`, withSpread(privateMb.full)],
    ["10 snapshots waiting", withSpread(privateMb.empty)],
    ["difference", amount(growthMb)],
  ];
  return {
    growthMb,
    table: {
      title: "Memory with a backlog whose receiver is down, from source",
      columns: ["", "private MB"],
      rows: rowsOfTable,
    },
  };
}

function speedTable(
  found: ReadonlyMap<string, readonly Drained[]>,
  count: number,
  series: number,
  notes: readonly string[],
): Table {
  return {
    title: `${count} snapshots of ${series} series, ${(count * series).toLocaleString("en-US")} samples`,
    columns: ["", "seconds", "M samples/s", "M samples per CPU s", "memory grew MB", "B/sample", "dropped"],
    rows: [...found].map(([name, all]) => [
      name,
      withSpread(all.map(({ seconds }) => seconds)),
      withSpread(all.map(({ sent, seconds }) => sent / seconds / 1e6)),
      withSpread(all.map(({ sent, cpuSeconds }) => sent / cpuSeconds / 1e6)),
      withSpread(all.map(({ grownMb }) => grownMb)),
      amount(
        all[0]?.bytes === undefined ? undefined : median(all.map(({ bytes = NaN, sent }) => bytes / sent)),
      ),
      String(all.reduce((sum, { dropped }) => sum + dropped, 0)),
    ]),
    notes: [
      "no drain rate; to a counting receiver, dropped is what did not come; CPU is the sender's; memory is the peak above what the process had before the first request",
      ...notes,
    ],
  };
}

function aims(found: ReadonlyMap<string, readonly Drained[]>, series: number, growthMb: number): Table {
  const counted = found.get("ours, to a counting receiver") ?? [];
  const prometheus = found.get("ours, to prometheus");
  const full = shift * series;
  return aimTable([
    {
      text: "8 h at 1 s into Prometheus, seconds (from the rate measured)",
      measured: prometheus && median(prometheus.map(({ sent, seconds }) => (full / sent) * seconds)),
      limit: 10,
      better: "below",
    },
    {
      text: "M samples per CPU second of the sender",
      measured: median(counted.map(({ sent, cpuSeconds }) => sent / cpuSeconds / 1e6)),
      limit: 2.5,
      better: "above",
    },
    {
      text: "memory grew while draining, MB",
      measured: median(counted.map(({ grownMb }) => grownMb)),
      limit: 40,
      better: "below",
    },
    {
      text: "memory flat: second half of the backlog ÷ first half",
      measured: median(counted.flatMap(({ secondHalf }) => secondHalf ?? [])),
      limit: 1.1,
      better: "below",
    },
    { text: "memory with a week's backlog, MB more", measured: growthMb, limit: 5, better: "below" },
  ]);
}
