/** Receivers that each answer in one way: situations of one agent that pushes to all of them at once. */
import { half, hang, million, status, type Answer } from "../conformance/receiver.ts";
import { written } from "../sink/remote-write/clients.ts";
import { version1, version2 } from "./message.ts";
import { taken, type Judge } from "./recorder.ts";

export interface Situation {
  readonly judge: Judge;
  /** In the block of `remote_write`, besides the url; the message is that of version 2 unless it says otherwise. */
  readonly settings?: object;
}

/** Written as a whole, but for these requests, counted from 0. */
function but(unusual: Readonly<Record<number, Judge>>): Judge {
  return (request, before) => (unusual[before.length] ?? taken)(request, before);
}

function says(code: number, headers: Readonly<Record<string, string>> = {}, body = ""): Judge {
  return () => status(code, headers, body);
}

function twice(judge: Judge): Situation {
  return { judge: but({ 0: judge, 1: judge }) };
}

function does(answer: Answer): Judge {
  return () => answer;
}

/** Version 2 only, whatever it says. */
function version2Gets(judge: Judge): Judge {
  return (request, before) => (request.message.name === version2 ? judge : taken)(request, before);
}

const auto = { protobuf_message: "auto" };

export const message = "Error: Invalid label name '__invalid__'";

/** Stores all but one sample and says so, once. */
const partly =
  (code: number): Judge =>
  ({ samples }) =>
    status(code, written(samples - 1), "one sample is out of order");

const garbage: Answer = ({ socket }) => void socket?.end("Not valid response headers\r\n");

/** Refuses what has more samples than a request of it may have. */
export const mostSamples = 200;
const smallOnly: Judge = (request, before) =>
  request.samples > mostSamples ? status(413, {}, "Payload too large") : taken(request, before);

export const situations = {
  with204: { judge: taken, settings: auto },
  with200: { judge: ({ samples }) => status(200, written(samples), "not of interest") },
  version1: { judge: taken, settings: { protobuf_message: version1 } },
  deadline: { judge: taken, settings: { queue_config: { batch_send_deadline: "2s" } } },
  uncounted: { judge: version2Gets(says(200)), settings: auto },
  uncounted2: { judge: says(200, {}, "partial") },
  partial400: { judge: but({ 1: partly(400) }) },
  partial503: { judge: but({ 1: partly(503) }) },
  other415: { judge: version2Gets(says(415, {}, "use version 1")), settings: auto },
  other400: { judge: version2Gets(says(400, {}, "cannot decode")), settings: auto },
  first400: { judge: says(400, {}, message) },
  later400: { judge: but({ 2: says(400, {}, message) }) },
  large400: { judge: but({ 1: says(400, {}, million) }) },
  worded400: { judge: but({ 1: says(400, {}, "request body too large") }) },
  first401: { judge: says(401, {}, "Unauthorized") },
  first404: { judge: says(404, {}, "Not found") },
  only413: { judge: smallOnly },
  first429: { judge: but({ 0: says(429, { "retry-after": "1" }, "Too many requests") }) },
  twice500: twice(says(500, {}, "Internal server error")),
  twice502: twice(says(502, {}, "Bad gateway")),
  twice503: twice(says(503, {}, "Service unavailable")),
  twice504: twice(says(504, {}, "Gateway timeout")),
  twice999: twice(says(999)),
  always503: { judge: says(503, {}, "Service unavailable") },
  bounded503: { judge: says(503), settings: { queue_config: { max_backoff: "200ms" } } },
  garbage: twice(does(garbage)),
  half: twice(does(half)),
  hang: { judge: but({ 0: does(hang) }), settings: { remote_timeout: "2s" } },
  /** Nobody listens until a test says so. */
  dead: { judge: taken, settings: { queue_config: { max_backoff: "1s" } } },
} satisfies Readonly<Record<string, Situation>>;

export type SituationName = keyof typeof situations;
