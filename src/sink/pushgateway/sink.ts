/** The Pushgateway as a sink: one group that each push replaces as a whole, and that is deleted when the agent stops. */
import { isScraped, type Snapshot } from "../../meter/snapshot.ts";
import type { Metric } from "../../metric/metric.ts";
import { escapeLabelValue, type LabelPair, type Series } from "../../metric/series.ts";
import { familyHead, formatValue } from "../../metric/text.ts";
import type { HttpReply, HttpRequest } from "../../runtime/http/client.ts";
import { below, targetOf } from "../address.ts";
import { commonOutcome, failureOutcome, readAnswer, resultOf } from "../answer.ts";
import type { Identity, Outcome, SendResult, Sink, SinkDeps } from "../sink.ts";
import type { PushgatewaySettings } from "./schema.ts";

/** Far more than any Mac reports at once; a push can't be split, since each replaces the one before. */
const mostBytes = 16 * 1024 * 1024;

const contentType = "text/plain; version=0.0.4; charset=utf-8";

export function createPushgatewaySink(settings: PushgatewaySettings, deps: SinkDeps): Sink {
  const { id = "pushgateway", client, identity, version } = deps;
  const base = new URL(settings.url);
  const group = groupingKey(settings, identity);
  const url = groupUrl(base, group);
  const labels = {
    group: new Set(group.map(([name]) => name)),
    external: Object.entries(identity.externalLabels),
  };

  async function send(
    request: Pick<HttpRequest, "method" | "url" | "body">,
    signal: AbortSignal,
  ): Promise<SendResult> {
    const own = { "user-agent": `mac-powermetrics-agent/${version}` };
    const headers = request.body === undefined ? own : { ...own, "content-type": contentType };
    const reply = await client.send({ ...request, headers, timeoutMs: settings.timeout, signal });
    return resultOf(reply, classify(reply));
  }

  return {
    id,
    type: "pushgateway",
    target: targetOf(url, settings),
    maxSamples: Infinity,
    maxBodies: 1,
    maxBytes: mostBytes,
    protocols: ["text"],
    encode({ snapshots }) {
      const { text, samples, duplicates } = pushText(snapshots, labels);
      return {
        bodies: samples === 0 ? [] : [{ bytes: Buffer.from(text), samples }],
        dropped: duplicates === 0 ? {} : { duplicate: duplicates },
      };
    },
    send: ({ bytes }, _protocol, signal) => send({ method: "PUT", url, body: bytes }, signal),
    // The Pushgateway's own readiness check, which asks for the same credentials as a push.
    probe: (_protocol, signal) => send({ method: "GET", url: below(base, "-/ready") }, signal),
    renew: () => client.renew(),
    ...(settings.delete_on_shutdown && {
      retire: (signal: AbortSignal) => send({ method: "DELETE", url }, signal),
    }),
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

/** All labels of the group, `job` first, as its address has them. An empty value is a label that the group does not have. */
function groupingKey(
  { job, grouping_key: configured }: Pick<PushgatewaySettings, "job" | "grouping_key">,
  identity: Identity,
): readonly LabelPair[] {
  return Object.entries({ job: job ?? identity.job, instance: identity.instance, ...configured });
}

/** The group's labels as segments of the path (Pushgateway's README, "URL"). */
function groupUrl(base: URL, labels: readonly LabelPair[]): URL {
  const segments = labels.flatMap(([name, value]) => segmentsOf(name, value));
  return below(base, ["metrics", ...segments].join("/"));
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

/** What an answer means, by the table of statuses. */
export function classify(reply: HttpReply): Outcome {
  if (reply.kind === "failure") return failureOutcome(reply);
  const answer = readAnswer(reply, "Pushgateway");
  if (answer.meaning !== "stored") return commonOutcome(answer);
  return { status: "delivered", code: String(reply.status), rejected: 0 };
}

interface Text {
  readonly text: string;
  readonly samples: number;
  /** Samples whose series another source has too. */
  readonly duplicates: number;
}

/** Labels of the group are not repeated: the Pushgateway adds them to every series. */
interface TextLabels {
  readonly group: ReadonlySet<string>;
  readonly external: readonly LabelPair[];
}

/** The latest snapshots in the text format 0.0.4, each family in one piece, without timestamps, which a Pushgateway refuses. Empty when there is nothing to push. */
function pushText(snapshots: readonly Snapshot[], labels: TextLabels): Text {
  const families = new Map<string, Family>();
  let duplicates = 0;
  for (const { source, set, values } of snapshots) {
    // A group is one machine's latest values: what was scraped has a job of its own, and a history that a Pushgateway can't keep.
    if (isScraped(source)) continue;
    for (const [index, series] of set.series.entries()) {
      const key = wireKey(series, labels);
      const family = familyOf(series.metric, families);
      if (family.lines.has(key)) duplicates++;
      else family.lines.set(key, formatValue(values[index] ?? NaN));
    }
  }
  let text = "";
  let samples = 0;
  for (const { metric, lines } of families.values()) {
    text += familyHead(metric);
    for (const [key, value] of lines) text += `${key} ${value}\n`;
    samples += lines.size;
  }
  return { text, samples, duplicates };
}

interface Family {
  readonly metric: Metric;
  readonly lines: Map<string, string>;
}

function familyOf(metric: Metric, families: Map<string, Family>): Family {
  const family = families.get(metric.name) ?? { metric, lines: new Map<string, string>() };
  families.set(metric.name, family);
  return family;
}

/** A series' own label wins over an external one, and the group's over both. */
function wireKey({ name, labels }: Series, { group, external }: TextLabels): string {
  const own = new Set(labels.map(([label]) => label));
  const all = [...labels, ...external.filter(([label]) => !own.has(label))].filter(
    ([label, value]) => value !== "" && !group.has(label),
  );
  if (all.length === 0) return name;
  return `${name}{${all.map(([label, value]) => `${label}="${escapeLabelValue(value)}"`).join(",")}}`;
}
