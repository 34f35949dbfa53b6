/** The address of a group: its labels as segments of the path (Pushgateway's README, "URL"). */
import type { LabelPair } from "../../metric/series.ts";
import type { Identity } from "../identity.ts";
import type { PushgatewaySettings } from "./schema.ts";

/** All labels of the group, `job` first, as its address has them. An empty value is a label that the group does not have. */
export function groupingKey(
  { job, grouping_key: configured }: Pick<PushgatewaySettings, "job" | "grouping_key">,
  identity: Identity,
): readonly LabelPair[] {
  return Object.entries({
    job: job ?? identity.job,
    instance: identity.instance,
    ...configured,
  });
}

export function groupUrl(base: URL, labels: readonly LabelPair[]): URL {
  const url = new URL(base);
  const segments = labels.flatMap(([name, value]) => segmentsOf(name, value));
  url.pathname = [url.pathname.replace(/(?<!\/)\/+$/, ""), "metrics", ...segments].join("/");
  return url;
}

/**
 * As base64 where a path could not carry the value: a slash, even escaped, ends a segment on the way, an empty segment
 * vanishes, `.` and `..` climb, and not every proxy leaves escaped bytes alone.
 */
function segmentsOf(name: string, value: string): readonly [string, string] {
  if (/^[A-Za-z0-9_~:@!$&'()*+,;= -][A-Za-z0-9._~:@!$&'()*+,;= -]*$/.test(value))
    return [name, encodeURIComponent(value)];
  // An empty text has no base64, so the format asks for one character of padding.
  const encoded = Buffer.from(value).toString("base64url");
  return [`${name}@base64`, encoded === "" ? "=" : encoded];
}
