/** A recording proxy in front of a receiver of remote write: what went through it, decoded, and what was answered. */
import { once } from "node:events";
import { createServer, request, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { decodeV1, decodeV2, staleBits, type DecodedSeries } from "../../sink/remote-write/messages.ts";

export interface Passed {
  readonly version: 1 | 2;
  readonly series: readonly DecodedSeries[];
  /** Of its samples, each once, ascending; end marks are none. */
  readonly times: readonly number[];
  /** By `performance.now()`. */
  readonly at: number;
  readonly status: number;
}

export interface Proxy {
  readonly url: string;
  /** Requests without samples are left out. */
  readonly passed: readonly Passed[];
  /** All that was answered with 2xx in the version that the receiver stores, as often as it was. */
  samplesTaken(version: 1 | 2): number;
}

export async function proxyTo(t: TestContext, target: string | (() => string)): Promise<Proxy> {
  const passed: Passed[] = [];

  function forward(asked: IncomingMessage, answer: ServerResponse, body: Buffer): void {
    const out = request(
      typeof target === "string" ? target : target(),
      { method: "POST", headers: asked.headers, agent: false },
      (reply) => {
        record(asked, body, reply.statusCode ?? 0);
        answer.writeHead(reply.statusCode ?? 502, reply.headers);
        reply.pipe(answer);
      },
    );
    out.on("error", () => answer.writeHead(502).end());
    out.end(body);
  }

  function record(asked: IncomingMessage, body: Buffer, status: number): void {
    const version = asked.headers["x-prometheus-remote-write-version"] === "2.0.0" ? 2 : 1;
    const series = version === 2 ? decodeV2(body) : decodeV1(body);
    const all = series.flatMap(({ samples }) => samples.filter(({ value }) => value !== staleBits));
    const times = [...new Set(all.map(({ timestamp }) => timestamp))].sort((a, b) => a - b);
    if (times.length > 0) passed.push({ version, series, times, at: performance.now(), status });
  }

  const server = createServer((asked, answer) => {
    // Other tests may still look for a server of theirs that had this port before.
    if (asked.method !== "POST") {
      answer.writeHead(405).end();
      return;
    }
    const chunks: Buffer[] = [];
    asked.on("data", (chunk: Buffer) => chunks.push(chunk));
    asked.on("end", () => forward(asked, answer, Buffer.concat(chunks)));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/api/v1/write`,
    passed,
    samplesTaken: (version) =>
      passed
        .filter((one) => one.version === version && one.status < 300)
        .flatMap(({ series }) => series.flatMap(({ samples }) => samples))
        .filter(({ value }) => value !== staleBits).length,
  };
}
