/** A receiver that answers by script, over real HTTP on loopback: the ways in which the real ones fail. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** One request with samples in it; what has none (a probe, a goodbye) is answered well and not shown. */
export interface Seen {
  readonly body: Buffer;
  readonly values: readonly number[];
  /** By the test's clock. */
  readonly at: number;
  /** The client gave the request up. */
  abandoned: boolean;
}

export type Answer = (answer: ServerResponse, asked: IncomingMessage) => void;

export interface Receiver extends AsyncDisposable {
  readonly origin: string;
  readonly seen: readonly Seen[];
  /** Values of all requests that were answered well, in the order of their arrival. */
  readonly stored: readonly number[];
  /** For the next requests with samples, one each; afterwards all is well again. */
  readonly script: Answer[];
  /** No one listens, and whoever was connected is not any more. */
  readonly stop: () => Promise<void>;
  readonly start: () => Promise<void>;
}

export interface Protocol {
  /** The values in a body; none for a probe. */
  readonly read: (body: Buffer) => readonly number[];
  readonly success: (values: readonly number[]) => Answer;
}

export async function startReceiver({ read, success }: Protocol, now: () => number): Promise<Receiver> {
  const seen: Seen[] = [];
  const stored: number[] = [];
  const script: Answer[] = [];
  let server: Server | undefined;
  let port = 0;

  function take(asked: IncomingMessage, answer: ServerResponse, body: Buffer): void {
    const values = body.length === 0 ? [] : read(body);
    const scripted = values.length === 0 ? undefined : script.shift();
    if (values.length > 0) note(answer, { body, values, at: now(), abandoned: false });
    if (scripted !== undefined) {
      scripted(answer, asked);
      return;
    }
    stored.push(...values);
    success(values)(answer, asked);
  }

  function note(answer: ServerResponse, one: Seen): void {
    seen.push(one);
    answer.on("close", () => (one.abandoned = !answer.writableFinished));
  }

  async function start(): Promise<void> {
    // Without a limit of real time, of which the tests' clocks know nothing.
    server = createServer({ keepAliveTimeout: 0 }, (asked, answer) => {
      const chunks: Buffer[] = [];
      answer.sendDate = false;
      asked.on("data", (chunk: Buffer) => chunks.push(chunk));
      asked.on("end", () => take(asked, answer, Buffer.concat(chunks)));
    }).listen(port, "127.0.0.1");
    await once(server, "listening");
    port = (server.address() as AddressInfo).port;
  }

  async function stop(): Promise<void> {
    const ending = server;
    server = undefined;
    if (ending === undefined) return;
    ending.close();
    ending.closeAllConnections();
    await once(ending, "close");
  }

  await start();
  return {
    origin: `http://127.0.0.1:${port}`,
    seen,
    stored,
    script,
    start,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

export function status(code: number, headers: Readonly<Record<string, string>> = {}, body = ""): Answer {
  return (answer) => void answer.writeHead(code, headers).end(body);
}

export const hang: Answer = () => undefined;

export const reset: Answer = (answer) => void answer.socket?.resetAndDestroy();

/** Headers promise more than comes. */
export const half: Answer = (answer) => {
  answer.writeHead(200, { "content-length": "1000" });
  answer.write("half", () => void answer.socket?.destroy());
};

export const page: Answer = status(200, { "content-type": "text/html" }, "<html>Welcome to the hotel</html>");

export const million = "x".repeat(1_000_000);

/** Sends the credentials back, as some receivers do when they are puzzled, across the end of what a log line keeps. */
export function echo(code: number): Answer {
  return (answer, asked) =>
    void answer.writeHead(code).end("-".repeat(485) + (asked.headers.authorization ?? ""));
}
