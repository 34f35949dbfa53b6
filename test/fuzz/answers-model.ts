/** What each protocol makes of an answer, written a second time from the specifications; nothing of it is shared with src. */
import type { HttpResponse } from "../../src/runtime/http/client.ts";

/** What of an outcome matters to delivery: whether samples are gone, kept or stored, and how many. */
export interface Verdict {
  readonly status: "delivered" | "retry" | "rejected" | "refused" | "too_large" | "switch";
  readonly rejected?: number;
  readonly afterMs?: number;
  readonly protocol?: string;
  readonly keep?: true;
  readonly notStored?: true;
}

export const version1 = "prometheus.WriteRequest";
export const version2 = "io.prometheus.write.v2.Request";
export const writtenHeaders = ["samples", "histograms", "exemplars"].map(
  (kind) => `x-prometheus-remote-write-${kind}-written`,
);

export interface RemoteWriteAsked {
  readonly protocol: typeof version1 | typeof version2;
  readonly negotiable: boolean;
  readonly retryOn429: boolean;
  readonly sent: number;
}

export function remoteWriteVerdict(answer: HttpResponse, asked: RemoteWriteAsked): Verdict {
  const { protocol, negotiable, retryOn429, sent } = asked;
  const isVersion2 = protocol === version2;
  const written = isVersion2 ? writtenIn(answer) : sent;
  const stored: Verdict = { status: "delivered", rejected: Math.max(0, sent - (written ?? 0)) };
  const other = isVersion2 ? version1 : version2;
  const unspoken: Verdict = negotiable ? { status: "switch", protocol: other } : { status: "refused" };
  const { status } = answer;
  if (isSuccess(status)) {
    if (isPage(answer)) return again(answer);
    return written === undefined ? unspoken : stored;
  }
  if (status === 415) return unspoken;
  if (status === 413) return { status: "too_large" };
  if (status === 429) return retryOn429 ? again(answer) : { status: "rejected" };
  if ([400, 409, 422].includes(status)) {
    if (isPage(answer)) return again(answer);
    if (isVersion2 && written !== undefined) return stored;
    return isVersion2 && negotiable ? unspoken : { status: "rejected" };
  }
  return isAboutTheRequest(status) ? { status: "refused" } : again(answer);
}

/** @param partial what the body says was rejected */
export function otlpVerdict(answer: HttpResponse, sent: number, partial: number): Verdict {
  const { status } = answer;
  if (isSuccess(status)) {
    if (isPage(answer)) return again(answer);
    return { status: "delivered", rejected: Math.min(sent, Math.max(0, partial)) };
  }
  if (status === 413) return { status: "too_large" };
  if ([400, 422, 500].includes(status)) return isPage(answer) ? again(answer) : { status: "rejected" };
  return isAboutTheRequest(status) ? { status: "refused" } : again(answer);
}

export function pushgatewayVerdict(answer: HttpResponse): Verdict {
  const { status } = answer;
  if (isSuccess(status)) return isPage(answer) ? again(answer) : { status: "delivered", rejected: 0 };
  if (status === 413) return { status: "too_large" };
  if (status === 400 || status === 422) return isPage(answer) ? again(answer) : { status: "rejected" };
  return isAboutTheRequest(status) ? { status: "refused" } : again(answer);
}

/** Until a receiver has taken something from a block, its verdict on samples is none. */
export function untilAccepted(verdict: Verdict, sent: number, type: "remote_write" | "otlp"): Verdict {
  if (verdict.status === "rejected") return { status: "refused" };
  const isNone = verdict.status === "delivered" && sent > 0 && verdict.rejected === sent;
  return isNone && type === "remote_write" ? { status: "refused" } : verdict;
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

/** Redirects, and whatever a client did wrong that is not about samples, size or pace. */
function isAboutTheRequest(status: number): boolean {
  if (status >= 300 && status < 400) return true;
  return (status >= 400 && status < 500 && ![408, 425, 429].includes(status)) || [501, 505].includes(status);
}

/** "Missing means 0", unless none is there at all; a count that is no number is no count. */
function writtenIn({ headers }: HttpResponse): number | undefined {
  const [samples = "", ...others] = writtenHeaders.map((name) => (headers[name] ?? "").trim());
  if (samples !== "") return /^\d+$/.test(samples) ? Number(samples) : undefined;
  return others.some((count) => /^\d+$/.test(count)) ? 0 : undefined;
}

function isPage({ headers }: HttpResponse): boolean {
  return (headers["content-type"] ?? "").split(";", 1)[0]?.trim().toLowerCase() === "text/html";
}

const hour = 3_600_000;

/** Seconds or a date; zero, the past and garbage are our own backoff's; an hour at most. A date counts from the answer's own. */
function again({ status, headers, receivedAt }: HttpResponse): Verdict {
  const asked = headers["retry-after"]?.trim() ?? "";
  const theirs = dateOf(headers["date"] ?? "") ?? receivedAt;
  const date = dateOf(asked);
  let wait = /^\d+$/.test(asked) ? Number(asked) * 1000 : 0;
  if (date !== undefined) {
    wait = date - theirs;
    const ours = date - receivedAt;
    if (wait > hour && ours > 0 && ours <= hour) wait = ours;
  }
  return {
    status: "retry",
    ...(wait > 0 && { afterMs: Math.min(wait, hour) }),
    ...(status === 429 && { notStored: true }),
  };
}

function dateOf(text: string): number | undefined {
  return /^\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT$/.test(text) ? Date.parse(text) : undefined;
}
