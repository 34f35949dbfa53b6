/** The routes of the status API: the present, the past, and the stream of events. */
import { replyText, type Exchange, type Route, replyCompressed } from "./route.ts";
import type { StatusBoard } from "../status/board.ts";
import type { Feed } from "../status/feed.ts";
import { parseTimeRange } from "../status/time-range.ts";

export function apiRoutes(board: StatusBoard): readonly Route[] {
  return [
    {
      path: "/api/v1/status",
      methods: ["GET"],
      handle: (exchange) => answerJson(exchange, board.status()),
    },
    {
      path: "/api/v1/history",
      methods: ["GET"],
      handle(exchange) {
        const parsed = parseTimeRange(new URLSearchParams(exchange.query));
        if (parsed.problem === undefined) answerJson(exchange, board.history(parsed.range));
        else replyText(exchange.response, 400, parsed.problem);
      },
    },
    {
      path: "/api/v1/events",
      methods: ["GET"],
      handle: (exchange) => stream(exchange, board.feed),
    },
  ];
}

function answerJson(exchange: Exchange, value: unknown): void {
  const type = "application/json; charset=utf-8";
  replyCompressed(exchange, { status: 200, type, body: JSON.stringify(value) });
}

/** Until the client goes or the endpoint stops. A client that reads too slowly misses states, never the newest one for long. */
function stream({ request, response, signal }: Exchange, feed: Feed): void {
  const head = { "content-type": "text/event-stream; charset=utf-8", "x-accel-buffering": "no" };
  if (request.method === "HEAD") {
    response.writeHead(200, head).end();
    return;
  }
  let started = false;
  const send = (text: string): void => {
    if (!started) response.writeHead(200, head).write("retry: 2000\n\n");
    started = true;
    if (!response.writableNeedDrain) response.write(text);
  };
  const watching = feed.watch(send);
  if (watching === undefined) {
    replyText(response, 503, "too many watch already", { "retry-after": "30" });
    return;
  }
  const end = (): void => void response.end();
  signal.addEventListener("abort", end, { once: true });
  response.once("close", () => {
    watching[Symbol.dispose]();
    signal.removeEventListener("abort", end);
  });
}
