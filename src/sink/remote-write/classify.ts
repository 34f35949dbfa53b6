/** Owns what an answer to a remote write means (WIRE.md 1, facts and duties 6 and 9). Pure. */
import type { HttpReply, HttpResponse } from "../../runtime/http/http.ts";
import { bodyText, commonRefusal, isPage, pageReason, retryLater, unexpectedStatus } from "../answer.ts";
import type { Outcome } from "../sink.ts";
import { otherProtocol, version2, type RemoteWriteProtocol } from "./protocol.ts";

/** What was asked, as far as the answer's meaning depends on it. */
export interface Asked {
  readonly protocol: RemoteWriteProtocol;
  /** Whether the protocol may be changed: `protobuf_message: auto`. */
  readonly negotiable: boolean;
  readonly retryOn429: boolean;
  /** Samples in the body, end marks included, as the receiver counts them. */
  readonly sent: number;
}

export function classify(reply: HttpReply, asked: Asked): Outcome {
  if (reply.kind === "failure") return { status: "retry", code: reply.code, reason: reply.reason };
  const { status } = reply;
  if (status >= 200 && status < 300) return classifySuccess(reply, asked);
  if (status >= 400 && status < 500) return classifyRefusal(reply, asked);
  // A redirect, a server's failure, and numbers that are no HTTP status (999) say nothing about the samples.
  return retryLater(reply, wordsFor(reply));
}

function classifySuccess(reply: HttpResponse, asked: Asked): Outcome {
  // A captive portal answers anything with a page of its own.
  if (isPage(reply)) return retryLater(reply, pageReason);
  const code = String(reply.status);
  if (asked.protocol !== version2) return { status: "delivered", code, rejected: 0 };
  const written = writtenSamples(reply);
  if (written === undefined) {
    return unspoken(code, "got no X-Prometheus-Remote-Write-*-Written headers, want all three", asked);
  }
  return delivered(reply, asked, written);
}

function classifyRefusal(reply: HttpResponse, asked: Asked): Outcome {
  const code = String(reply.status);
  const reason = wordsFor(reply);
  const common = commonRefusal(reply, reason);
  if (common !== undefined) return common;
  switch (reply.status) {
    case 415:
      return unspoken(code, `got 415, want 2xx${bodyText(reply)}`, asked);
    case 429:
      return asked.retryOn429 ? retryLater(reply, reason) : { status: "rejected", code, reason };
    default:
      return classifyBadRequest(reply, asked);
  }
}

/** Every other 4xx: never the same body again, unless a page tells that it was not the receiver who answered. */
function classifyBadRequest(reply: HttpResponse, asked: Asked): Outcome {
  if (isPage(reply)) return retryLater(reply, wordsFor(reply));
  const written = asked.protocol === version2 ? writtenSamples(reply) : undefined;
  if (reply.status === 400 && written !== undefined) return delivered(reply, asked, written);
  return { status: "rejected", code: String(reply.status), reason: wordsFor(reply) };
}

/** Remote write 2 stores the good samples of a request and counts them, whatever the status. */
function delivered(reply: HttpResponse, { sent }: Asked, written: number): Outcome {
  const rejected = Math.max(0, sent - written);
  const answer = { status: "delivered", code: String(reply.status), rejected } as const;
  if (rejected === 0 && reply.status < 300) return answer;
  return { ...answer, reason: `${wordsFor(reply)} (${written} of ${sent} samples written)` };
}

/** The receiver does not speak this protocol, or takes it for something else and stores nothing. */
function unspoken(code: string, finding: string, { protocol, negotiable }: Asked): Outcome {
  const reason = `unexpected answer to ${protocol}: ${finding}`;
  if (negotiable) return { status: "switch", code, reason, protocol: otherProtocol(protocol) };
  const remedy = `set protobuf_message to auto or ${otherProtocol(protocol)}`;
  return { status: "refused", code, reason: `${reason}; ${remedy}` };
}

/** Undefined unless all three headers are there, each a whole number: then the receiver did not read version 2. */
function writtenSamples({ headers }: HttpResponse): number | undefined {
  const counts = ["samples", "histograms", "exemplars"].map(
    (kind) => headers[`x-prometheus-remote-write-${kind}-written`],
  );
  return counts.every((count) => count !== undefined && /^[0-9]+$/.test(count))
    ? Number(counts[0])
    : undefined;
}

function wordsFor(reply: HttpResponse): string {
  return `${unexpectedStatus(reply)}${hint(reply.status)}`;
}

/** Prometheus refuses what is older than an hour before its newest sample, with 400 and various words. */
function hint(status: number): string {
  return status === 400
    ? "; if it is about old or out-of-order samples, set storage.tsdb.out_of_order_time_window in the receiver"
    : "";
}
