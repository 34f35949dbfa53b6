/**
 * What each HTTP status says, by protocol: one table that the sinks read, and that README.md beside this file prints.
 * A status that no row names says nothing about the samples, so it never costs any.
 */

export const meanings = {
  stored: "The receiver has the samples.",
  samples:
    "It read the samples and will not have them: dropped and counted, once this receiver has taken others.",
  size: "The request is too large: the same samples in smaller ones.",
  protocol: "It does not read this version of the protocol: the same samples in the other one.",
  request:
    "The request's address, form or credentials are wrong: all samples are kept, one small batch asks again after 1, 2, 4, 8 and then every 15 minutes.",
  moment: "Not now: the identical request again, after a growing pause or when `Retry-After` says.",
} as const;
export type Meaning = keyof typeof meanings;

export const protocolColumns = ["remote write 1", "remote write 2", "OTLP", "Pushgateway"] as const;
export type ProtocolColumn = (typeof protocolColumns)[number];

export interface StatusRow {
  /** The first and the last status, both included. */
  readonly from: number;
  readonly to: number;
  /** One meaning for all protocols, or one for each of `protocolColumns`. */
  readonly meaning: Meaning | readonly [Meaning, Meaning, Meaning, Meaning];
  /** The usual cause, for people. */
  readonly usually: string;
  /** What a user can do; appended to the reason that is logged. */
  readonly advice?: string;
}

/** The first row that holds a status counts. */
export const statusRows: readonly StatusRow[] = [
  one(200, "stored", "Stored. A page (`text/html`) is a captive portal's: not now", undefined, 299),
  one(300, "request", "Moved, or a captive portal", "set the url to where it leads", 399),
  one(400, "samples", "Bad samples; remote write 2 must say so with a `-Written` header"),
  one(401, "request", "No or wrong credentials", "check basic_auth or authorization"),
  one(403, "request", "Not allowed", "check the credentials, and what they are allowed to do"),
  one(404, "request", "Wrong path, or a receiver that is not switched on", "check the path of the url"),
  one(405, "request", "Something that takes no such request", "check the url: no receiver answers there"),
  one(406, "request", "Something that is no receiver", "check the url: no receiver answers there"),
  one(407, "request", "The proxy wants credentials", "set user:password@ in proxy_url"),
  one(408, "moment", "The request took too long to arrive"),
  one(409, ["samples", "samples", "request", "request"], "Samples in conflict with stored ones (Thanos)"),
  one(
    411,
    "request",
    "Something on the way wants a length",
    "check the url and what stands before the receiver",
  ),
  one(413, "size", "Larger than the receiver, or a proxy, takes"),
  one(
    415,
    ["protocol", "protocol", "request", "request"],
    "Another content type or encoding is wanted",
    "check the url and the receiver's encodings",
  ),
  one(421, "request", "The host serves another name", "check the host in the url"),
  one(422, ["samples", "samples", "samples", "samples"], "Samples that can't be processed"),
  one(425, "moment", "Too early for a repeated TLS connection"),
  one(426, "request", "Another protocol is wanted", "check http:// or https:// in the url"),
  one(429, "moment", "Too many requests"),
  one(431, "request", "Headers too large", "set fewer or shorter headers"),
  one(400, "request", "Any other refusal", "check the url and the receiver's configuration", 499),
  one(500, ["moment", "moment", "samples", "moment"], "The receiver failed; final by the OTLP specification"),
  one(501, "request", "No such method there", "check the url: no receiver answers there"),
  one(505, "request", "No such HTTP version there", "check the url and what stands before the receiver"),
  one(500, "moment", "The receiver, or a gateway before it, failed", undefined, 599),
];

/** No HTTP status at all (999), or an interim one at the end. */
const elsewhere: StatusRow = { from: 0, to: Infinity, meaning: "moment", usually: "No HTTP status" };

export function rowOf(status: number): StatusRow {
  return statusRows.find(({ from, to }) => status >= from && status <= to) ?? elsewhere;
}

export function meaningIn({ meaning }: StatusRow, protocol: ProtocolColumn): Meaning {
  if (typeof meaning === "string") return meaning;
  const [remoteWrite1, remoteWrite2, otlp, pushgateway] = meaning;
  return {
    "remote write 1": remoteWrite1,
    "remote write 2": remoteWrite2,
    OTLP: otlp,
    Pushgateway: pushgateway,
  }[protocol];
}

function one(
  from: number,
  meaning: StatusRow["meaning"],
  usually: string,
  advice?: string,
  to = from,
): StatusRow {
  return { from, to, meaning, usually, ...(advice !== undefined && { advice }) };
}

/** The table as README.md has it. */
export function statusTable(): string {
  const head = ["status", ...protocolColumns, "usually", "what to do"];
  const rows = [...statusRows, { ...elsewhere, usually: "No HTTP status, such as 999" }].map((row) => [
    nameOf(row),
    ...protocolColumns.map((protocol) => meaningIn(row, protocol)),
    row.usually,
    row.advice ?? "",
  ]);
  const list = Object.entries(meanings).map(([meaning, text]) => `- **${meaning}**: ${text}`);
  const lines = [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
  return `${list.join("\n")}\n\n${lines.join("\n")}\n`;
}

function nameOf(row: StatusRow): string {
  if (row === elsewhere || row.to === Infinity) return "any other";
  if (row.from === row.to) return String(row.from);
  const isRest = statusRows.some(({ from, to }) => from === to && from >= row.from && from <= row.to);
  return `${isRest ? "other " : ""}${row.from}–${row.to}`;
}
