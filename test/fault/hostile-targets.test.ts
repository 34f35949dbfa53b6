/** Targets that mean harm, all at once at the agent's own process: each has its reason, and neither memory nor a good target's scrapes suffer. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { z } from "zod";
import { fetchText, startAgent, temporaryFolder, until, valueOf, type Agent } from "../cli/agent.ts";
import { decodeV2, staleBits } from "../sink/remote-write/messages.ts";
import { startReceiver, type Receiver } from "./receiver.ts";

type Answer = (answer: ServerResponse, scrape: number) => void;

const megabyte = 2 ** 20;
const noProc = !existsSync("/proc/self/status") && "no /proc as Linux has it";

function says(body: string | Buffer, type = "text/plain; version=0.0.4"): Answer {
  return (answer) => void answer.setHeader("content-type", type).end(body);
}

/** Writes pieces until the other side has had enough, at most a gigabyte. */
function endless(piece: (number: number) => Buffer): Answer {
  return (answer) => {
    answer.setHeader("content-type", "text/plain; version=0.0.4");
    let [number, sent] = [0, 0];
    const write = (): void => {
      while (!answer.destroyed && sent < 1024 * megabyte) {
        const next = piece(number++);
        sent += next.length;
        if (!answer.write(next)) return void answer.once("drain", write);
      }
      answer.end();
    };
    write();
  };
}

const spaces = Buffer.alloc(65_536, " ");

/** A thousand series that no other call has. */
function seriesFrom(number: number, count = 1000): Buffer {
  return Buffer.from(Array.from({ length: count }, (_, at) => `s${number * count + at} 1\n`).join(""));
}

const manySeries = seriesFrom(0, 1_000_000);

/** What each target answers, and why that fails; of those without a reason the scrape succeeds. */
const targets: Readonly<Record<string, { readonly answer: Answer; readonly reason?: string }>> = {
  gigabyte: { answer: endless(() => spaces), reason: "body_size" },
  generator: { answer: endless((number) => seriesFrom(number)), reason: "body_size" },
  million: { answer: says(manySeries), reason: "series_limit" },
  slow: {
    answer(answer) {
      answer.setHeader("content-type", "text/plain");
      const drip = setInterval(() => answer.write("# slow\n"), 50);
      answer.on("close", () => clearInterval(drip));
    },
    reason: "timeout",
  },
  half: {
    answer(answer) {
      answer.writeHead(200, { "content-type": "text/plain", "content-length": "100" });
      answer.write("half 1\n", () => answer.destroy());
    },
    reason: "protocol",
  },
  page: { answer: says("<html>", "text/html"), reason: "content_type" },
  latin: { answer: says(Buffer.from('latin{name="M\xfcller"} 1\n', "latin1")), reason: "utf8" },
  bare: { answer: says("bare{value=NaN} 1\n"), reason: "syntax" },
  unended: { answer: says("# TYPE a gauge\na 1\n", "application/openmetrics-text"), reason: "syntax" },
  loop: { answer: (answer) => void answer.writeHead(302, { location: "/loop" }).end(), reason: "redirect" },
  twice: { answer: says('twice{a="b"} 1\ntwice{a="b"} 2\n') },
  odd: { answer: says('odd{NaN="NaN",le="",text="\\n\\"\\\\ 😀 \u200b"} NaN\nodd{NaN="+Inf"} -Inf\n') },
  good: { answer: (answer, scrape) => says(`good_total ${scrape}\n`)(answer, scrape) },
};
const failing = Object.entries(targets).flatMap(([job, { reason }]) =>
  reason === undefined ? [] : [[job, reason] as const],
);

interface Served {
  readonly address: string;
  /** Requests by target. */
  readonly count: (job: string) => number;
  /** How often the good target was asked while the one that hangs was. */
  readonly meanwhile: readonly number[];
}

async function serve(t: TestContext): Promise<Served> {
  const counts = new Map<string, number>();
  const meanwhile: number[] = [];
  const count = (job: string): number => counts.get(job) ?? 0;
  function take({ url = "" }: IncomingMessage, answer: ServerResponse): void {
    const job = url.slice(1);
    counts.set(job, count(job) + 1);
    answer.on("error", () => undefined);
    if (job === "stuck") {
      const before = count("good");
      answer.on("close", () => meanwhile.push(count("good") - before));
    } else targets[job]?.answer(answer, count(job));
  }
  const server = createServer(take).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, count, meanwhile };
}

interface Wish {
  readonly blocks: readonly object[];
  readonly receiver: Receiver;
  readonly folder: string;
  readonly journal?: object;
}

function start(t: TestContext, { blocks, receiver, folder, journal }: Wish): Promise<Agent> {
  const off = { enabled: false };
  const configuration = JSON.stringify({
    sources: { powermetrics: off, vm_stat: off, sysctl: off, pmset: off, ioreg: off },
    journal: { commit_interval: "500ms", ...journal },
    scrape_configs: blocks,
    remote_write: [{ url: `${receiver.origin}/write`, queue_config: { batch_send_deadline: "500ms" } }],
  });
  return startAgent(t, { configuration, simulate: false, environment: { STATE_DIRECTORY: folder } });
}

function blockOf(job: string, address: string, interval = "3s"): object {
  return {
    job_name: job,
    metrics_path: `/${job}`,
    scrape_interval: interval,
    static_configs: [{ targets: [address] }],
  };
}

function residentMb({ pid }: Agent): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1] ?? NaN) / 1024;
}

const status = z.object({
  targets: z.array(
    z.object({
      job: z.string(),
      up: z.boolean().optional(),
      lastFailure: z.object({ reason: z.string() }).optional(),
    }),
  ),
});

async function statesOf({ origin }: Agent) {
  const text = (await fetchText(`${origin}/api/v1/status`)) ?? '{"targets":[]}';
  return new Map(status.parse(JSON.parse(text)).targets.map((target) => [target.job, target]));
}

/** By job and name, each value once. */
function recordValues(receiver: Receiver): ReadonlyMap<string, ReadonlySet<number>> {
  const found = new Map<string, Set<number>>();
  receiver.witness = (body, answered) => {
    if (answered !== 200 || body.length === 0) return;
    for (const { labels, samples } of decodeV2(body)) {
      const { __name__: name = "", job = "" } = Object.fromEntries(labels);
      const values = found.get(`${job} ${name}`) ?? new Set();
      for (const { value } of samples)
        if (value !== staleBits) values.add(new Float64Array(BigUint64Array.of(value).buffer)[0] ?? NaN);
      found.set(`${job} ${name}`, values);
    }
  };
  return found;
}

function failuresIn(text: string, job: string, reason: string): number {
  return valueOf(text, `mac_agent_scrape_failures_total{reason="${reason}",scrape_job="${job}"}`) ?? 0;
}

test("hostile targets are down with a reason, while a good one is scraped on and memory stays bounded", async (t) => {
  await using receiver = await startReceiver("remote_write");
  const values = recordValues(receiver);
  const served = await serve(t);
  const folder = temporaryFolder(t);
  const itself = join(folder, "itself.json");
  writeFileSync(itself, "[]");
  const blocks = [
    ...Object.keys(targets).map((job) => blockOf(job, served.address, job === "good" ? "200ms" : "3s")),
    blockOf("stuck", served.address, "5s"),
    {
      job_name: "itself",
      scrape_interval: "500ms",
      file_sd_configs: [{ files: [itself], refresh_interval: "1s" }],
    },
  ];
  const agent = await start(t, { blocks, receiver, folder });
  writeFileSync(itself, JSON.stringify([{ targets: [agent.origin.replace("http://", "")] }]));
  const names = Object.keys(targets);
  await until(() => names.every((job) => served.count(job) >= 3) && served.meanwhile.length > 0);
  const before = noProc === false ? residentMb(agent) : NaN;

  const text = await agent.metrics((all) =>
    failing.every(([job, reason]) => failuresIn(all, job, reason) >= 3),
  );
  // On a busy machine any of them may be late now and then.
  for (const [job, reason] of failing) {
    const lines = text.split("\n").filter((line) => line.startsWith("mac_agent_scrape_failures_total{"));
    const reasons = lines.flatMap((line) =>
      /scrape_job="(.*?)"/.exec(line)?.[1] === job ? [/reason="(.*?)"/.exec(line)?.[1]] : [],
    );
    assert.deepEqual(
      reasons.filter((one) => one !== "timeout" || reason === "timeout"),
      [reason],
      job,
    );
  }
  assert.match(text, /mac_agent_scrape_samples_dropped_total\{.*scrape_job="twice".*\} [1-9]/);
  const states = await statesOf(agent);
  for (const [job] of failing) {
    assert.equal(states.get(job)?.up, false, job);
    t.diagnostic(`${job}: ${states.get(job)?.lastFailure?.reason ?? ""}`);
  }
  // On a busy machine a single scrape may be late.
  for (const job of ["twice", "odd", "good", "itself"])
    await until(
      async () => (await statesOf(agent)).get(job)?.up,
      () => `${job} is not up`,
    );
  await until(() => values.get("itself mac_agent_build_info") !== undefined);
  assert.deepEqual([...(values.get("twice twice") ?? [])], [1]);
  assert.deepEqual([...(values.get("odd odd") ?? [])], [NaN, -Infinity]);
  assert.ok(
    served.meanwhile.some((scrapes) => scrapes >= 4),
    `the good one was asked ${served.meanwhile.join(", ")} times while another hung`,
  );
  if (noProc === false) {
    const after = residentMb(agent);
    t.diagnostic(`resident: ${Math.round(before)} MB, later ${Math.round(after)} MB`);
    assert.ok(after < before + 150 && after < 500, `from ${before} to ${after} MB`);
  }
  assert.deepEqual(await agent.kill("SIGTERM"), { code: 0, signal: null });
});

const maxBytes = 4 * megabyte;
const perScrape = 2000;

/** The journal's database with what SQLite keeps beside it. */
function onDisk(folder: string): number {
  const files = readdirSync(folder).filter((name) => name.startsWith("journal.db"));
  return files.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}

test(
  "a target whose series all have new names each time costs neither more disk than max_size nor more and more memory",
  { skip: noProc },
  async (t) => {
    await using receiver = await startReceiver("remote_write");
    const counts = { scrapes: 0 };
    const server = createServer((_asked, answer) => {
      says(seriesFrom(counts.scrapes++, perScrape))(answer, counts.scrapes);
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    t.after(() => {
      server.close();
      server.closeAllConnections();
    });
    const folder = temporaryFolder(t);
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const agent = await start(t, {
      blocks: [blockOf("churn", address, "100ms")],
      receiver,
      folder,
      journal: { max_size: `${maxBytes / megabyte}MB` },
    });
    const [disk, memory]: [number[], number[]] = [[], []];
    for (let scrapes = 60; scrapes <= 240; scrapes += 20) {
      await until(() => counts.scrapes >= scrapes);
      disk.push(onDisk(folder));
      memory.push(residentMb(agent));
    }
    t.diagnostic(`disk: ${disk.map((bytes) => (bytes / megabyte).toFixed(1)).join(", ")} MB`);
    t.diagnostic(`resident: ${memory.map(Math.round).join(", ")} MB`);
    t.diagnostic(`${receiver.taken.samples} samples taken`);
    assert.equal((await statesOf(agent)).get("churn")?.up, true);
    assert.ok(Math.max(...disk) <= maxBytes, `${Math.max(...disk)} bytes on the disk`);
    const [first, second] = [memory.slice(0, 5), memory.slice(5)].map((part) => Math.max(...part));
    assert.ok((second ?? Infinity) < (first ?? 0) * 1.3 + 30, memory.join(", "));
  },
);
