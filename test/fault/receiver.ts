/** A receiver that counts and keeps nothing, over real HTTP on loopback, and fails in the way a test asks for. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createSecureServer, type ServerOptions } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { gunzipSync } from "node:zlib";
import { hang, status, type Answer } from "../conformance/receiver.ts";
import { written } from "../sink/remote-write/clients.ts";
import { countOtlp, countRemoteWrite, countText, nothing, plus, type Counted } from "./counting.ts";

export type Kind = "remote_write" | "otlp" | "pushgateway";

export interface Receiver extends AsyncDisposable {
  readonly kind: Kind;
  readonly origin: string;
  /** What requests get until further notice; by default they are taken. */
  mood: Answer | undefined;
  /** What single requests get where there is no mood; taken when it says nothing. */
  judge: ((asked: IncomingMessage, body: Buffer) => Answer | undefined) | undefined;
  /** What the answers to remote write 2 count. */
  counts: readonly ("samples" | "histograms" | "exemplars")[];
  /** All that was answered well. */
  readonly taken: Counted;
  /** Requests that came, those without samples too. */
  readonly requests: number;
  /** Requests that get no answer and were not given up yet. */
  readonly holding: number;
  /** The receiver's time in every answer, milliseconds since the Unix epoch; it does not tell when absent. */
  time: (() => number) | undefined;
  /** Told of each body and the status of its answer, which is absent where there was none. */
  witness: ((body: Buffer, status: number | undefined) => void) | undefined;
  /** From now on nothing comes back on the connections there are; new ones are served. */
  vanish(): void;
  /** For what is asked from now on: a renewed certificate, on the same port. */
  stop(): Promise<void>;
  start(tls?: ServerOptions): Promise<void>;
}

export async function startReceiver(kind: Kind, tls?: ServerOptions): Promise<Receiver> {
  const sockets = new Set<Socket>();
  const deaf = new WeakSet<Socket>();
  let server: ReturnType<typeof createServer> | undefined;
  let port = 0;
  let taken = nothing;
  let requests = 0;
  let holding = 0;

  function take(asked: IncomingMessage, answer: ServerResponse, body: Buffer): void {
    requests++;
    if (it.time !== undefined) answer.setHeader("date", new Date(it.time()).toUTCString());
    const mood = deaf.has(asked.socket) ? hang : (it.mood ?? it.judge?.(asked, body));
    if (mood === hang) {
      holding++;
      answer.on("close", () => holding--);
    }
    if (mood !== undefined) {
      mood(answer, asked);
      it.witness?.(body, answer.headersSent ? answer.statusCode : undefined);
      return;
    }
    const counted = asked.method === "DELETE" ? nothing : count(kind, asked, body);
    taken = plus(taken, counted);
    const counts = Object.entries(written(counted.samples + counted.marks));
    const told = counts.filter(([name]) => it.counts.some((kind) => name.includes(`-${kind}-`)));
    status(200, Object.fromEntries(told))(answer, asked);
    it.witness?.(body, 200);
  }

  function listener(asked: IncomingMessage, answer: ServerResponse): void {
    const chunks: Buffer[] = [];
    answer.sendDate = false;
    asked.on("data", (chunk: Buffer) => chunks.push(chunk));
    asked.on("end", () => take(asked, answer, Buffer.concat(chunks)));
  }

  const it: Receiver = {
    kind,
    get origin() {
      return `${tls === undefined ? "http" : "https"}://127.0.0.1:${port}`;
    },
    mood: undefined,
    judge: undefined,
    counts: ["samples", "histograms", "exemplars"],
    get taken() {
      return taken;
    },
    get requests() {
      return requests;
    },
    get holding() {
      return holding;
    },
    time: undefined,
    witness: undefined,
    vanish() {
      for (const socket of sockets) deaf.add(socket);
    },
    async start(secure = tls) {
      const kept = { keepAliveTimeout: 0 };
      server =
        secure === undefined
          ? createServer(kept, listener)
          : createSecureServer({ ...kept, ...secure }, listener);
      server.on("connection", (socket: Socket) => {
        sockets.add(socket);
        socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
      });
      server.on("tlsClientError", () => undefined);
      server.listen(port, "127.0.0.1");
      await once(server, "listening");
      port = (server.address() as AddressInfo).port;
    },
    async stop() {
      const ending = server;
      server = undefined;
      if (ending === undefined) return;
      ending.close();
      for (const socket of sockets) socket.destroy();
      await once(ending, "close");
    },
    [Symbol.asyncDispose]: () => it.stop(),
  };
  await it.start();
  return it;
}

function count(kind: Kind, { headers }: IncomingMessage, body: Buffer): Counted {
  if (body.length === 0) return nothing;
  const plain = headers["content-encoding"] === "gzip" ? gunzipSync(body) : body;
  switch (kind) {
    case "remote_write":
      return countRemoteWrite(plain);
    case "otlp":
      return countOtlp(plain);
    case "pushgateway":
      return countText(plain);
  }
}
