/** Drains the same backlog by vmagent: imported while its receiver is down, so that it lies in vmagent's queue on disk. */
import { request } from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import { seriesKey } from "../../src/metric/series.ts";
import type { Snapshot } from "../../src/meter/snapshot.ts";
import { untilAnswer } from "./agent-process.ts";
import type { Drained } from "./drain.ts";
import { readProcess, startProcess } from "./process.ts";
import { startCounting } from "./receiver.ts";
import { repeated } from "./workload.ts";
import { freePort } from "../support/free-port.ts";
import { disposableFolder } from "../support/folder.ts";

const rowsPerImport = 100;

/** Time and CPU from the first bytes at the receiver to the last sample. */
export async function drainOfVmagent(
  program: string,
  rows: readonly Snapshot[],
  count: number,
  folder: string,
): Promise<Drained> {
  using queue = disposableFolder({ parent: folder });
  const port = await freePort();
  const address = `127.0.0.1:${await freePort()}`;
  await using vmagent = startProcess(program, [
    `-httpListenAddr=${address}`,
    `-remoteWrite.url=http://127.0.0.1:${port}/vmagent/api/v1/write`,
    "-remoteWrite.forcePromProto",
    `-remoteWrite.tmpDataPath=${queue.path}`,
    "-remoteWrite.retryMinInterval=100ms",
    "-remoteWrite.retryMaxTime=1s",
    "-loggerLevel=FATAL",
  ]);
  await untilAnswer(`http://${address}/health`, "OK", vmagent);
  const total = await importAll(
    `http://${address}/api/v1/import/prometheus?extra_label=job=mac-powermetrics&extra_label=instance=Mac-Studio.local`,
    rows,
    count,
  );
  return await drainInto(port, vmagent.pid, total);
}

async function importAll(url: string, rows: readonly Snapshot[], count: number): Promise<number> {
  const firstMs = Math.floor(Date.now() / 1000) * 1000 - count * 1000;
  let lines: string[] = [];
  let total = 0;
  let pending = 0;
  for (const { set, values, time } of repeated(rows, count, firstMs, 1000)) {
    set.series.forEach((series, at) => lines.push(`${seriesKey(series)} ${values[at] ?? NaN} ${time}`));
    total += values.length;
    if (++pending < rowsPerImport) continue;
    await post(url, `${lines.join("\n")}\n`);
    lines = [];
    pending = 0;
  }
  if (lines.length > 0) await post(url, `${lines.join("\n")}\n`);
  return total;
}

function post(url: string, body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const out = request(url, { method: "POST" }, (answer) => {
      answer.resume().on("end", () => {
        if (answer.statusCode === 204) resolve();
        else reject(new Error(`unexpected answer of vmagent: got ${answer.statusCode ?? "none"}, want 204`));
      });
    });
    out.on("error", reject).end(body);
  });
}

async function drainInto(port: number, pid: number, total: number): Promise<Drained> {
  const before = readProcess(pid);
  await using counting = await startCounting({ port });
  let began: number | undefined;
  let peakKb = before.rssKb;
  let received = await counting.received("vmagent");
  const deadline = performance.now() + 120_000;
  while (received.samples < total && performance.now() < deadline) {
    await wait(20);
    received = await counting.received("vmagent");
    if (received.samples > 0) began ??= performance.now();
    peakKb = Math.max(peakKb, readProcess(pid).rssKb);
  }
  return {
    sent: received.samples,
    dropped: Math.max(0, total - received.samples),
    seconds: (performance.now() - (began ?? performance.now())) / 1000,
    cpuSeconds: (readProcess(pid).cpuNs - before.cpuNs) / 1e9,
    grownMb: (peakKb - before.rssKb) / 1024,
    bytes: received.bytes,
  };
}
