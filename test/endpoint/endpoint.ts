/** A real endpoint on a free port for tests, and the clients that ask it, polite and raw. */
import { once } from "node:events";
import { request, type IncomingHttpHeaders, type RequestOptions } from "node:http";
import { request as tlsRequest, type RequestOptions as TlsRequestOptions } from "node:https";
import { connect, type Socket } from "node:net";
import type { TestContext } from "node:test";
import { parseWebFile } from "../../src/config/web-file.ts";
import { defaultLimits, type Limits } from "../../src/endpoint/limits.ts";
import {
  startEndpoint,
  type Endpoint,
  type EndpointSettings,
  type EndpointDeps,
} from "../../src/endpoint/server.ts";
import { gauge } from "../../src/metric/metric.ts";
import { seriesSet } from "../../src/metric/series.ts";
import type { Snapshot } from "../../src/meter/snapshot.ts";
import { fakeClock, type FakeClock } from "../support/fake-clock.ts";
import { recordingLogger } from "../support/log.ts";

export interface Running {
  readonly endpoint: Endpoint;
  readonly clock: FakeClock;
  /** `level message`, in order. */
  readonly logged: () => readonly string[];
  /** Of the first address. */
  readonly port: number;
}

export interface Setup {
  readonly settings?: Partial<EndpointSettings>;
  readonly deps?: Partial<EndpointDeps>;
  readonly limits?: Partial<Limits>;
}

/** On 127.0.0.1 unless the settings say otherwise; stopped when the test ends. */
export async function openEndpoint(t: TestContext, { settings, deps, limits }: Setup = {}): Promise<Running> {
  const clock = fakeClock();
  const log = recordingLogger();
  const logged = (): readonly string[] => log.lines.map(({ level, message }) => `${level} ${message}`);
  const endpoint = await startEndpoint(
    { listen_addresses: ["127.0.0.1:0"], allowed_hosts: [], ...settings },
    {
      latest: () => [snapshotOf(3)],
      ready: () => ({ ready: true }),
      hostname: "studio.lan",
      limits: { ...defaultLimits, ...limits },
      webParser: () => Promise.resolve(parseWebFile),
      clock,
      log,
      ...deps,
    },
  );
  t.after(async () => {
    const ended = endpoint[Symbol.asyncDispose]();
    await clock.advance(1000);
    await ended;
  });
  return { endpoint, clock, logged, port: endpoint.addresses[0]?.port ?? 0 };
}

/** A snapshot of `count` series. */
export function snapshotOf(count: number, offset = 0): Snapshot {
  const metric = gauge("test_value", "A value", ["core"]);
  const series = Array.from({ length: count }, (_, index) => ({
    metric,
    name: metric.name,
    labels: [["core", `cpu${index}`] as const],
  }));
  const values = Float64Array.from(series, (_, index) => index + offset);
  return { source: "test", time: 0, starts: {}, set: seriesSet(series), values, ended: [] };
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
}

/** One request; rejects when the connection ends without a whole answer. */
export function ask(port: number, path: string, options: RequestOptions = {}): Promise<Reply> {
  return replyTo(request({ host: "127.0.0.1", port, path, agent: false, ...options }));
}

export function askTls(port: number, path: string, options: TlsRequestOptions): Promise<Reply> {
  return replyTo(tlsRequest({ host: "127.0.0.1", port, path, agent: false, ...options }));
}

function replyTo(outgoing: ReturnType<typeof request>): Promise<Reply> {
  return new Promise((resolve, reject) => {
    outgoing.on("error", reject);
    outgoing.on("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const body = Buffer.concat(chunks);
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body, text: body.toString() });
      });
    });
    outgoing.end();
  });
}

export interface RawClient {
  readonly socket: Socket;
  /** All that came back, once the server has ended the connection. */
  readonly received: Promise<string>;
}

/** Connects and sends `text` as it is. */
export async function send(port: number, text: string): Promise<RawClient> {
  const socket = connect(port, "127.0.0.1");
  let bytes = "";
  socket.setEncoding("latin1");
  socket.on("data", (chunk: string) => (bytes += chunk));
  socket.on("error", () => undefined);
  const received = new Promise<string>((resolve) => socket.on("close", () => resolve(bytes)));
  await once(socket, "connect");
  socket.write(text);
  return { socket, received };
}

/** Sends `text` as it is, and gives all that came back when the server has ended the connection. */
export async function exchange(port: number, text: string): Promise<string> {
  return (await send(port, text)).received;
}

/** `Authorization` of basic authentication. */
export function basic(user: string, password: string): { readonly authorization: string } {
  return { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}` };
}
