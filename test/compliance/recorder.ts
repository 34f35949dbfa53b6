/** A receiver of remote write that keeps every request, decoded, and answers as a test says. */
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { status, type Answer } from "../conformance/receiver.ts";
import { startReceiver, type Receiver } from "../fault/receiver.ts";
import { written } from "../sink/remote-write/clients.ts";
import { decodeMessage, type Message } from "./message.ts";

export interface Request {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly message: Message;
  /** Samples in it, end marks included. */
  readonly samples: number;
  /** By `performance.now()`, and by the system's clock. */
  readonly at: number;
  readonly arrived: number;
}

export interface Recorder extends AsyncDisposable {
  readonly url: string;
  /** Those that have samples: others only ask for the time. Throws what was wrong with one that could not be decoded. */
  readonly requests: readonly Request[];
  readonly receiver: Receiver;
}

/** What a request is answered with; `before` are the requests that came before it. */
export type Judge = (request: Request, before: readonly Request[]) => Answer;

export const path = "/api/v1/write";

/** The specification's answer to a request that was written as a whole. */
export const taken: Judge = ({ samples }) => status(204, written(samples));

export async function startRecorder(judge: Judge = taken): Promise<Recorder> {
  const receiver = await startReceiver("remote_write");
  receiver.time = Date.now;
  const requests: Request[] = [];
  const faults: unknown[] = [];

  function record({ method = "", url = "", headers }: IncomingMessage, body: Buffer): Answer {
    const message = decodeMessage(headers["content-type"] ?? "", body);
    const samples = message.series.reduce((sum, one) => sum + one.samples.length, 0);
    const clocks = { at: performance.now(), arrived: Date.now() };
    const request = { method, path: url, headers, body, message, samples, ...clocks };
    if (samples === 0) return status(204, written(0));
    requests.push(request);
    return judge(request, requests.slice(0, -1));
  }

  receiver.judge = (asked, body) => {
    try {
      return record(asked, body);
    } catch (fault) {
      faults.push(fault);
      return status(400, {}, String(fault));
    }
  };
  return {
    url: `${receiver.origin}${path}`,
    get requests() {
      for (const fault of faults) throw fault;
      return requests;
    },
    receiver,
    [Symbol.asyncDispose]: () => receiver.stop(),
  };
}
