/** What an answer to an OTLP export means (OTLP specification 1.x, "OTLP/HTTP Response", and the table of statuses). Pure. */
import type { HttpReply } from "../../runtime/http/http.ts";
import { commonOutcome, excerpt, failureOutcome, readAnswer, type Reading } from "../answer.ts";
import type { Outcome } from "../sink.ts";
import { partialSuccess } from "./partial-success.ts";

/** @param sent samples in the body, end marks included */
export function classify(reply: HttpReply, sent: number): Outcome {
  if (reply.kind === "failure") return failureOutcome(reply);
  const reading = readAnswer(reply, "OTLP");
  return reading.meaning === "stored" ? delivered(reading, sent) : commonOutcome(reading);
}

/** A part that was rejected is never sent again: the receiver has stored the rest. */
function delivered({ reply }: Reading, sent: number): Outcome {
  const answer = { status: "delivered", code: String(reply.status) } as const;
  const partial = partialSuccess(reply);
  if (partial === undefined) return { ...answer, rejected: 0 };
  const rejected = Math.min(partial.rejected, sent);
  const message = partial.message === "" ? "" : `: ${excerpt(partial.message)}`;
  // A message without rejected points is a warning (OTLP specification, "Partial Success").
  const reason =
    partial.rejected > 0 ? `${partial.rejected} of ${sent} rejected${message}` : `warning${message}`;
  return { ...answer, rejected, reason };
}
