/** Owns what each protocol makes of an answer, written a second time from WIRE.md; nothing of it is shared with src. */
import type { HttpResponse } from "../../src/runtime/http/http.ts";

/** What of an outcome matters to delivery: whether samples are gone, kept or stored, and how many. */
export interface Verdict {
  readonly status: "delivered" | "retry" | "rejected" | "refused" | "too_large" | "switch";
  readonly rejected?: number;
  readonly afterMs?: number;
  readonly protocol?: string;
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

/** WIRE.md 1: the facts, duties 6 and 9. */
export function remoteWriteVerdict(answer: HttpResponse, asked: RemoteWriteAsked): Verdict {
  const { protocol, negotiable, retryOn429, sent } = asked;
  const isVersion2 = protocol === version2;
  const counts = writtenHeaders.map((name) => answer.headers[name]);
  const hasWritten = counts.every((count) => /^[0-9]+$/.test(count ?? ""));
  const stored: Verdict = {
    status: "delivered",
    rejected: isVersion2 ? Math.max(0, sent - Number(counts[0])) : 0,
  };
  const other = isVersion2 ? version1 : version2;
  const unspoken: Verdict = negotiable ? { status: "switch", protocol: other } : { status: "refused" };
  switch (kindOf(answer.status)) {
    case "success":
      if (isPage(answer)) return again(answer);
      return isVersion2 && !hasWritten ? unspoken : stored;
    case "door":
      return { status: "refused" };
    case "size":
      return { status: "too_large" };
    case "rate":
      return retryOn429 ? again(answer) : { status: "rejected" };
    case "client":
      if (answer.status === 415) return unspoken;
      if (isPage(answer)) return again(answer);
      return answer.status === 400 && isVersion2 && hasWritten ? stored : { status: "rejected" };
    case "server":
    case "nobody":
      return again(answer);
  }
}

/** WIRE.md 2. @param partial what the body says was rejected */
export function otlpVerdict(answer: HttpResponse, sent: number, partial: number): Verdict {
  switch (kindOf(answer.status)) {
    case "success":
      if (isPage(answer)) return again(answer);
      return { status: "delivered", rejected: Math.min(sent, Math.max(0, partial)) };
    case "door":
      return { status: "refused" };
    case "size":
      return { status: "too_large" };
    case "rate":
    case "nobody":
      return again(answer);
    case "client":
    case "server":
      return [502, 503, 504].includes(answer.status) || isPage(answer)
        ? again(answer)
        : { status: "rejected" };
  }
}

/** WIRE.md 3. */
export function pushgatewayVerdict(answer: HttpResponse): Verdict {
  switch (kindOf(answer.status)) {
    case "success":
      return isPage(answer) ? again(answer) : { status: "delivered", rejected: 0 };
    case "door":
      return { status: "refused" };
    case "size":
      return { status: "too_large" };
    case "client":
      return isPage(answer) ? again(answer) : { status: "rejected" };
    case "rate":
    case "server":
    case "nobody":
      return again(answer);
  }
}

function kindOf(status: number): "success" | "door" | "size" | "rate" | "client" | "server" | "nobody" {
  if ([401, 403, 404, 407].includes(status)) return "door";
  if (status === 413) return "size";
  if (status === 429) return "rate";
  // Redirects, and numbers that are no HTTP status, are nobody's word on the samples.
  return ({ 2: "success", 4: "client", 5: "server" } as const)[Math.floor(status / 100)] ?? "nobody";
}

function isPage({ headers }: HttpResponse): boolean {
  return (headers["content-type"] ?? "").split(";", 1)[0]?.trim().toLowerCase() === "text/html";
}

const hour = 3_600_000;

/** Duty 6: seconds or a date; zero, the past and garbage are our own backoff's; an hour at most. */
function again({ headers, receivedAt }: HttpResponse): Verdict {
  const asked = headers["retry-after"]?.trim() ?? "";
  const isDate = /^\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT$/.test(asked);
  const wait = isDate ? Date.parse(asked) - receivedAt : /^\d+$/.test(asked) ? Number(asked) * 1000 : 0;
  return wait > 0 ? { status: "retry", afterMs: Math.min(wait, hour) } : { status: "retry" };
}
