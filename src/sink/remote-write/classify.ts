/** What an answer to a remote write means (specifications 1.0 and 2.0, and the table of statuses). Pure. */
import type { HttpReply, HttpResponse } from "../../runtime/http/client.ts";
import { commonOutcome, failureOutcome, quoted, readAnswer, type Answer } from "../answer.ts";
import type { Outcome } from "../sink.ts";

/** The protocols' names in Prometheus' `protobuf_message`. */
export const version1 = "prometheus.WriteRequest";
export const version2 = "io.prometheus.write.v2.Request";

export type RemoteWriteProtocol = typeof version1 | typeof version2;

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
  if (reply.kind === "failure") return failureOutcome(reply);
  const answer = readAnswer(reply, asked.protocol === version2 ? "remote write 2" : "remote write 1");
  if (reply.status === 429 && !asked.retryOn429)
    return { status: "rejected", code: "429", reason: answer.reason };
  switch (answer.meaning) {
    case "stored":
      return classifySuccess(answer, asked);
    case "samples":
      return classifyRefusal(answer, asked);
    case "protocol":
      return otherVersion(answer, `got ${reply.status}, want 2xx${quoted(answer.message)}`, asked);
    case "request":
      // Version 1 may be what the message asks for.
      return answer.byStatus === "samples" ? classifyRefusal(answer, asked) : commonOutcome(answer);
    case "size":
    case "moment":
      return commonOutcome(answer);
  }
}

/** A 2xx to version 2 without any count comes from a receiver that took it for version 1 and stored nothing. */
function classifySuccess(answer: Answer, asked: Asked): Outcome {
  if (asked.protocol !== version2) return { status: "delivered", code: codeOf(answer), rejected: 0 };
  const written = writtenSamples(answer.reply);
  if (written === undefined)
    return otherVersion(
      answer,
      "got none of the X-Prometheus-Remote-Write-*-Written headers, want at least that of samples",
      asked,
    );
  return delivered(answer, asked, written);
}

/** A receiver that refuses version 2 without counts may not know it: version 1 is tried before anything is dropped. */
function classifyRefusal(answer: Answer, asked: Asked): Outcome {
  if (asked.protocol === version2) {
    const written = writtenSamples(answer.reply);
    if (written !== undefined) return delivered(answer, asked, written);
    if (asked.negotiable)
      return otherVersion(
        answer,
        `got ${answer.reply.status} without -Written headers, want 2xx${quoted(answer.message)}`,
        asked,
      );
  }
  const { meaning, reason, reply } = answer;
  return commonOutcome(
    meaning === "samples" ? { ...answer, reason: `${reason}${hint(reply.status)}` } : answer,
  );
}

/** Remote write 2 stores the good samples of a request and counts them, whatever the status. */
function delivered(answer: Answer, { sent }: Asked, written: number): Outcome {
  const rejected = Math.max(0, sent - written);
  const taken = { status: "delivered", code: codeOf(answer), rejected } as const;
  const { status } = answer.reply;
  if (rejected === 0 && status < 300) return taken;
  const finding = status < 300 ? `got ${status}` : `${answer.reason}${hint(status)}`;
  return { ...taken, reason: `${finding} (${written} of ${sent} samples written)` };
}

/** The receiver does not speak this protocol, or takes it for something else and stores nothing. */
function otherVersion(answer: Answer, finding: string, { protocol, negotiable }: Asked): Outcome {
  const code = codeOf(answer);
  const reason = `unexpected answer to ${protocol}: ${finding}`;
  if (negotiable) return { status: "switch", code, reason, protocol: otherProtocol(protocol) };
  const remedy = `set protobuf_message to auto or ${otherProtocol(protocol)}`;
  return { status: "refused", code, reason: `${reason}; ${remedy}` };
}

function otherProtocol(protocol: RemoteWriteProtocol): RemoteWriteProtocol {
  return protocol === version1 ? version2 : version1;
}

/** A missing count is zero where another one is there, as in Prometheus; undefined where there is none, or that of samples is no number. */
function writtenSamples({ headers }: HttpResponse): number | undefined {
  const [samples, ...others] = ["samples", "histograms", "exemplars"].map(
    (kind) => headers[`x-prometheus-remote-write-${kind}-written`]?.trim() ?? "",
  );
  const isCount = (text: string): boolean => /^[0-9]+$/.test(text);
  if (samples !== undefined && samples !== "") return isCount(samples) ? Number(samples) : undefined;
  return others.some(isCount) ? 0 : undefined;
}

function codeOf({ reply }: Answer): string {
  return String(reply.status);
}

/** Prometheus refuses what is older than an hour before its newest sample, with 400 and various messages. */
function hint(status: number): string {
  return status === 400
    ? "; if it is about old or out-of-order samples, set storage.tsdb.out_of_order_time_window in the receiver"
    : "";
}
