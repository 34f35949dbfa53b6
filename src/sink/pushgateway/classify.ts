/** Owns what a Pushgateway's answer means (WIRE.md 3). Pure. */
import type { HttpReply } from "../../runtime/http/http.ts";
import { isPage, pageReason, retryLater, unexpectedStatus } from "../answer.ts";
import type { Outcome } from "../sink.ts";

export function classify(reply: HttpReply): Outcome {
  if (reply.kind === "failure") return { status: "retry", code: reply.code, reason: reply.reason };
  const code = String(reply.status);
  if (reply.status >= 200 && reply.status < 300)
    return isPage(reply) ? retryLater(reply, pageReason) : { status: "delivered", code, rejected: 0 };
  const reason = unexpectedStatus(reply);
  switch (reply.status) {
    case 401:
    case 403:
    case 404:
    case 407:
      return { status: "refused", code, reason };
    case 413:
      return { status: "too_large", code, reason };
    case 429:
      return retryLater(reply, reason);
    default:
      return reply.status >= 400 && reply.status < 500 && !isPage(reply)
        ? { status: "rejected", code, reason }
        : retryLater(reply, reason);
  }
}
