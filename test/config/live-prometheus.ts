/** A real Prometheus that is given histories of simulated Macs by the agent's own remote write, and asked queries at a moment of them. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { Snapshot } from "../../src/meter/snapshot.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { createHttpClient } from "../../src/runtime/http/client.ts";
import { remoteWriteSchema } from "../../src/sink/remote-write/schema.ts";
import { createRemoteWriteSink } from "../../src/sink/remote-write/sink.ts";
import { startReceiver } from "../support/receivers.ts";

export interface LivePrometheus extends AsyncDisposable {
  push(instance: string, snapshots: readonly Snapshot[]): Promise<void>;
  /** Labels of the series that an instant query returns. */
  ask(expression: string, timeMs: number): Promise<readonly Labels[]>;
  /** Labels of the series that a panel would draw, a step being 15 s. */
  draw(expression: string, fromMs: number, toMs: number): Promise<readonly Labels[]>;
}

export type Labels = Readonly<Record<string, string>>;

const answer = z.object({
  data: z.object({ result: z.array(z.object({ metric: z.record(z.string(), z.string()) })) }),
});

export async function startPrometheus(): Promise<LivePrometheus> {
  const receiver = await startReceiver("prometheus", flags, "/-/ready");
  const client = createHttpClient({}, { clock: systemClock, env: {} });

  async function get(path: string, parameters: Readonly<Record<string, string>>): Promise<readonly Labels[]> {
    const text = await receiver.ask(`/api/v1/${path}?${new URLSearchParams(parameters).toString()}`);
    assert.notEqual(text, "", `Prometheus refuses ${parameters["query"]}`);
    return answer.parse(JSON.parse(text)).data.result.map(({ metric }) => metric);
  }

  return {
    async push(instance, snapshots) {
      const settings = remoteWriteSchema.parse({ url: `${receiver.origin}/api/v1/write` });
      const identity = { job: "macs", instance, externalLabels: {} };
      const sink = createRemoteWriteSink(settings, { client, identity, version: "0.0.0" });
      const [protocol] = sink.protocols;
      for (let from = 0; from < snapshots.length; from += 100) {
        const { bodies } = sink.encode({ snapshots: snapshots.slice(from, from + 100) }, protocol);
        for (const body of bodies) {
          const { outcome } = await sink.send(body, protocol, new AbortController().signal);
          assert.equal(outcome.code, "204", JSON.stringify(outcome));
        }
      }
    },
    ask: (query, timeMs) => get("query", { query, time: String(timeMs / 1000) }),
    draw: (query, fromMs, toMs) =>
      get("query_range", {
        query,
        start: String(fromMs / 1000),
        end: String(toMs / 1000),
        step: "15",
      }),
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      await receiver[Symbol.asyncDispose]();
    },
  };
}

function flags(address: string, folder: string): readonly string[] {
  const file = join(folder, "prometheus.json");
  writeFileSync(file, JSON.stringify({ storage: { tsdb: { out_of_order_time_window: "1d" } } }));
  return [
    `--config.file=${file}`,
    "--web.enable-remote-write-receiver",
    `--web.listen-address=${address}`,
    `--storage.tsdb.path=${join(folder, "data")}`,
  ];
}
