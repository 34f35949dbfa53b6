/** Compresses answers that are worth it: made per request, so at the level that costs least. */
import type { ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";
import { reply } from "./route.ts";

type Answer = Parameters<typeof reply>[1];

/** Below it the body fits into one packet anyway. */
const leastWorthGzip = 1400;

/** @param gzip whether the client takes it */
export function replyCompressed(response: ServerResponse, answer: Answer, gzip: boolean): void {
  const plain = typeof answer.body === "string" ? Buffer.from(answer.body) : answer.body;
  const vary = { vary: "Accept-Encoding" };
  if (!gzip || plain.length < leastWorthGzip) {
    reply(response, { ...answer, body: plain, headers: { ...answer.headers, ...vary } });
    return;
  }
  const headers = { ...answer.headers, ...vary, "content-encoding": "gzip" };
  reply(response, { ...answer, body: gzipSync(plain, { level: 1 }), headers });
}
