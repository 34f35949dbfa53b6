/** What a Pushgateway's answer means, by the table of statuses. Pure. */
import type { HttpReply } from "../../runtime/http/http.ts";
import { commonOutcome, failureOutcome, readAnswer } from "../answer.ts";
import type { Outcome } from "../sink.ts";

export function classify(reply: HttpReply): Outcome {
  if (reply.kind === "failure") return failureOutcome(reply);
  const reading = readAnswer(reply, "Pushgateway");
  if (reading.meaning !== "stored") return commonOutcome(reading);
  return { status: "delivered", code: String(reply.status), rejected: 0 };
}
