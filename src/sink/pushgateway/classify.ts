/** Owns what a Pushgateway's answer means (WIRE.md 3). Pure. */
import type { HttpReply } from "../../runtime/http/http.ts";
import { commonRefusal, isPage, pageReason, retryLater, unexpectedStatus } from "../answer.ts";
import type { Outcome } from "../sink.ts";

export function classify(reply: HttpReply): Outcome {
  if (reply.kind === "failure") return { status: "retry", code: reply.code, reason: reply.reason };
  const code = String(reply.status);
  if (reply.status >= 200 && reply.status < 300)
    return isPage(reply) ? retryLater(reply, pageReason) : { status: "delivered", code, rejected: 0 };
  const reason = unexpectedStatus(reply);
  const common = commonRefusal(reply, reason);
  if (common !== undefined) return common;
  const isFinal = reply.status >= 400 && reply.status < 500 && reply.status !== 429 && !isPage(reply);
  return isFinal ? { status: "rejected", code, reason } : retryLater(reply, reason);
}
