/** The overall state: is the machine measured, and does what was measured arrive. */
import { mostSkewMs } from "../delivery/types.ts";
import { stalenessLimit } from "../meter/snapshot.ts";
import type {
  JournalStatus,
  Overall,
  OverallLevel,
  SinkStatus,
  SourceStatus,
  Status,
  TargetStatus,
} from "./status.ts";

type Judged = readonly [level: Exclude<OverallLevel, "ok">, problem: string];
type Parts = Pick<Status, "time" | "sources" | "sinks" | "targets" | "journal">;

/** From the least to the most urgent. */
const order: readonly OverallLevel[] = ["ok", "starting", "warning", "failing"];

export function overallOf({ time, sources, sinks, targets = [], journal }: Parts): Overall {
  const judged: readonly Judged[] = [
    ...sources.flatMap((source) => judgeSource(source, time)),
    ...judgeTargets(targets),
    ...sinks.flatMap((sink) => [...judgeSink(sink), ...judgeClocks(sink)]),
    ...(journal === undefined ? [] : judgeJournal(journal, time)),
  ];
  const level = order[Math.max(0, ...judged.map(([each]) => order.indexOf(each)))] ?? "ok";
  return { level, problems: judged.map(([, problem]) => problem) };
}

/** A database that was set aside stays so: after a day it no longer counts as a warning. */
const setAsideWarningMs = 86_400_000;

function judgeJournal({ durable, reason, lastSetAside, orphans = [] }: JournalStatus, now: number): Judged[] {
  const memory = `the journal works from memory: ${reason ?? "its disk fails"}`;
  const aside = "the journal's database could not be used and was renamed: see the log and `journal stats`";
  const isRecent = lastSetAside !== undefined && now - lastSetAside < setAsideWarningMs;
  return [
    ...(durable ? [] : [["warning", memory] as const]),
    ...(isRecent ? [["warning", aside] as const] : []),
    ...orphans.map(
      ({ id }) =>
        ["warning", `${id} was removed from the configuration, and its backlog still waits`] as const,
    ),
  ];
}

function judgeSource({ name, up, lastSample, intervalMs, lastFailure }: SourceStatus, now: number): Judged[] {
  if (up === false) return [["failing", `${name} fails${lastFailure ? `: ${lastFailure.reason}` : ""}`]];
  if (lastSample === undefined) return [["starting", `no sample yet of ${name}`]];
  const silentMs = now - lastSample;
  if (silentMs <= stalenessLimit(intervalMs)) return [];
  return [["failing", `no sample of ${name} for ${Math.round(silentMs / 1000)} s`]];
}

/** So many are named each; of more, as when a network is gone, one line says how many. */
const mostNamed = 3;

function judgeTargets(targets: readonly TargetStatus[]): Judged[] {
  const down = targets.filter(({ up }) => up === false);
  const why = ({ lastFailure }: TargetStatus): string => lastFailure?.reason ?? "no answer";
  const [first] = down;
  if (first === undefined || down.length <= mostNamed)
    return down.map((one) => ["warning", `${one.job} at ${one.instance} cannot be scraped: ${why(one)}`]);
  const count = `${down.length} of ${targets.length} targets cannot be scraped`;
  return [["warning", `${count}, among them ${first.job} at ${first.instance}: ${why(first)}`]];
}

function judgeSink({ target, type, state, lastFailure }: SinkStatus): Judged[] {
  const because = lastFailure ? `: ${lastFailure.reason}` : "";
  switch (state) {
    case "ok":
    case "draining":
    case "stopped":
      return [];
    case "starting":
      return [["starting", `${type} to ${target} has not answered yet`]];
    case "retrying":
      return [["warning", `cannot deliver by ${type} to ${target}, data waits${because}`]];
    case "refused":
      return [["failing", `${target} refuses ${type}, data waits${because}`]];
    case "holding":
      return [["warning", `this machine's clock is ahead of ${target}'s, data waits`]];
  }
}

function judgeClocks({ target, state, skewMs = 0 }: SinkStatus): Judged[] {
  if (Math.abs(skewMs) <= mostSkewMs || state === "holding") return [];
  const hours = Math.round(Math.abs(skewMs) / 3_600_000);
  return [
    [
      "warning",
      `${target}'s clock and this machine's are ${hours} h apart: set the wrong one, nothing is held back`,
    ],
  ];
}

const byCode: Readonly<Record<string, string>> = {
  "400":
    "The receiver rejects the samples. If they are old and the receiver is Prometheus, set storage.tsdb.out_of_order_time_window there.",
  "401": "Check the credentials of this block: basic_auth or authorization.",
  "403": "The credentials are valid but may not write: grant them the permission, or use others.",
  "404":
    "Check the path of the address, and that the receiver is turned on (Prometheus: --web.enable-remote-write-receiver).",
  "405": "Check the path of the address: something else answers there.",
  "407": "The proxy requires credentials: put them into proxy_url.",
  "413": "The receiver accepts only smaller requests; the agent divides them by itself.",
  "415": "The receiver does not speak this protocol: leave protobuf_message at auto.",
  "429":
    "The receiver limits the rate of requests. If this continues, raise its limits or the interval of the sources.",
  dns: "Check the host name in the address, and that this machine is online.",
  connect: "Check that the receiver runs and that its port can be reached from here.",
  tls: "Check the certificate: tls_config.ca_file for a private authority, server_name for another name.",
  timeout: "The receiver or the network is slow: check the receiver's load, or raise remote_timeout.",
  reset: "The connection was closed early: check the receiver's log and any proxy in between.",
  proxy: "Check proxy_url, or turn proxy_from_environment off.",
  credentials: "Check that the file with the secret exists and that the agent's account may read it.",
};

/** One sentence, or nothing where the reason says it all. */
export function adviceFor(code: string): string | undefined {
  const known = byCode[code];
  if (known !== undefined) return known;
  return /^5\d\d$/.test(code)
    ? "The receiver has an error of its own: check its log. The agent keeps trying, and nothing is lost so far."
    : undefined;
}
