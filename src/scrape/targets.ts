/** Targets of a block: its addresses with their labels, its own and those from files, relabelled, as what is asked and what each of its series is labelled with. */
import { createHash } from "node:crypto";
import { globSync, readFileSync, statSync } from "node:fs";
import { isLabelName, type LabelPair } from "../metric/series.ts";
import { causeOf } from "../runtime/cause.ts";
import { printable } from "../runtime/printable.ts";
import { parseDuration } from "../runtime/quantity.ts";
import type { Relabel } from "../sink/relabel/apply.ts";
import type { ScrapeConfig } from "./schema.ts";

/** Of a block, where it does not say: a file that lists more than a machine has exporters is broken. */
export const defaultTargetLimit = 1000;

/** Addresses that share labels, as `static_configs` and files list them. */
export interface TargetGroup {
  readonly targets: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

export interface Target {
  /** Stands for the target in the journal and on the page: `job/instance`, and more labels where these are not unique. */
  readonly name: string;
  readonly url: URL;
  /** Of each of its series, sorted by name; `job` and `instance` among them. */
  readonly labels: readonly LabelPair[];
  readonly job: string;
  readonly instance: string;
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

/** What a block leaves to `global`. */
export interface ScrapeTimes {
  readonly scrape_interval: number;
  readonly scrape_timeout: number;
}

export interface FoundTargets {
  readonly targets: readonly Target[];
  /** Why others are left out, one line each. */
  readonly problems: readonly string[];
}

/** Every target of the groups that relabelling keeps; of those with the same labels the first. */
export function targetsOf(
  config: ScrapeConfig,
  groups: readonly TargetGroup[],
  relabel: Relabel,
  times: ScrapeTimes,
): FoundTargets {
  const problems: string[] = [];
  const found = new Map<string, Target>();
  for (const { targets, labels } of groups)
    for (const address of targets) {
      const made = targetOf(config, { ...labels, __address__: address }, relabel, times);
      if (typeof made === "string") problems.push(`scrape_configs ${config.job_name}: ${made}`);
      else if (made !== undefined) {
        const key = JSON.stringify(made.labels) + made.url.href;
        if (!found.has(key)) found.set(key, made);
      }
    }
  const most = config.target_limit === 0 ? defaultTargetLimit : config.target_limit;
  if (found.size > most) {
    problems.push(
      `scrape_configs ${config.job_name}: must have at most ${most} targets by target_limit, got ${found.size}; none of them is scraped`,
    );
    return { targets: [], problems };
  }
  return { targets: withNames([...found.values()]), problems };
}

/** Undefined where relabelling drops it; a text says why it can't be scraped. */
function targetOf(
  config: ScrapeConfig,
  given: Readonly<Record<string, string>>,
  relabel: Relabel,
  times: ScrapeTimes,
): Target | string | undefined {
  const before = new Map([...Object.entries(defaultLabels(config, times)), ...Object.entries(given)]);
  for (const [label, value] of before) if (value === "") before.delete(label);
  const labels = relabel(before);
  if (labels === undefined) return undefined;
  const address = labels.get("__address__") ?? "";
  if (address === "") return "no address is left of a target after relabel_configs";
  const url = urlOf(config, labels, address);
  if (url === undefined) return `address ${JSON.stringify(address)} must be host:port`;
  const intervalMs = parseDuration(labels.get("__scrape_interval__") ?? "");
  const timeoutMs = parseDuration(labels.get("__scrape_timeout__") ?? "");
  if (intervalMs === undefined || intervalMs < 100)
    return `__scrape_interval__ of ${address} must be a duration`;
  if (timeoutMs === undefined || timeoutMs <= 0) return `__scrape_timeout__ of ${address} must be a duration`;
  if (timeoutMs > intervalMs) return `__scrape_timeout__ of ${address} must not be above __scrape_interval__`;
  const own = new Map([...labels].filter(([name]) => !name.startsWith("__")));
  const instance = own.get("instance") ?? address;
  own.set("instance", instance);
  const job = own.get("job") ?? "";
  const sorted = [...own].sort(([a], [b]) => (a < b ? -1 : 1));
  return { name: `${job}/${instance}`, url, labels: sorted, job, instance, intervalMs, timeoutMs };
}

/** As Prometheus sets them before relabelling. */
function defaultLabels(config: ScrapeConfig, times: ScrapeTimes): Readonly<Record<string, string>> {
  const interval = config.scrape_interval ?? times.scrape_interval;
  const timeout = config.scrape_timeout ?? Math.min(times.scrape_timeout, interval);
  const params = Object.entries(config.params).map(
    ([name, [value = ""]]) => [`__param_${name}`, value] as const,
  );
  return {
    ...Object.fromEntries(params),
    job: config.job_name,
    __scheme__: config.scheme,
    __metrics_path__: config.metrics_path,
    __scrape_interval__: `${interval}ms`,
    __scrape_timeout__: `${timeout}ms`,
  };
}

/** A parameter's first value is what relabelling left of it; further ones are as configured. */
function urlOf(config: ScrapeConfig, labels: ReadonlyMap<string, string>, address: string): URL | undefined {
  if (/[/\s?#@]/.test(address)) return undefined;
  const scheme = labels.get("__scheme__") ?? "";
  if (scheme !== "http" && scheme !== "https") return undefined;
  const path = labels.get("__metrics_path__") ?? "/";
  const url = URL.parse(`${scheme}://${address}${path.startsWith("/") ? path : `/${path}`}`);
  if (url === null) return undefined;
  const firsts = [...labels].flatMap(([label, value]): LabelPair[] =>
    label.startsWith("__param_") ? [[label.slice("__param_".length), value]] : [],
  );
  for (const [name, value] of firsts) url.searchParams.append(name, value);
  for (const [name, values] of Object.entries(config.params))
    for (const value of values.slice(1)) url.searchParams.append(name, value);
  return url;
}

/**
 * Tells apart targets of the same name, of one block or of several. Names are what the journal knows targets by across restarts, so
 * they must not depend on other targets where they can help it.
 */
export function withNames(targets: readonly Target[]): readonly Target[] {
  const counts = new Map<string, number>();
  for (const { name } of targets) counts.set(name, (counts.get(name) ?? 0) + 1);
  return targets.map((target) =>
    counts.get(target.name) === 1 ? target : { ...target, name: `${target.name} ${digestOf(target)}` },
  );
}

function digestOf({ labels, url }: Target): string {
  return createHash("sha256")
    .update(JSON.stringify([labels, url.href]))
    .digest("base64url")
    .slice(0, 8);
}

/** Where in its interval a target is scraped, milliseconds: the same after each start, and spread over all targets. */
export function offsetOf({ name, intervalMs }: Target, instance: string): number {
  const hash = createHash("sha256").update(`${instance} ${name}`).digest();
  return hash.readUInt32BE(0) % intervalMs;
}

/** Of one file. */
const mostBytes = 4 * 1024 * 1024;

/** Reads the files again where they have changed; of one that can't be read now, what it said before holds. */
export interface TargetFiles {
  /** All groups of all files. `problems` are one line each. */
  read(): Promise<{
    readonly groups: readonly TargetGroup[];
    readonly problems: readonly string[];
  }>;
}

interface KnownFile {
  readonly stamp: string;
  readonly groups: readonly TargetGroup[];
}

/** Runs `work` as who may read the files: as the account that root is given up for. */
export type AsReader = <T>(work: () => T) => T;

/** Targets from files, as Prometheus' file_sd: JSON or YAML, each a list of `{ targets, labels }`. */
export function createTargetFiles(patterns: readonly string[], asReader: AsReader): TargetFiles {
  let known: ReadonlyMap<string, KnownFile> = new Map();
  return {
    async read() {
      const problems: string[] = [];
      const next = new Map<string, KnownFile>();
      for (const path of asReader(() => patterns.flatMap(filesOf))) {
        const before = known.get(path);
        const read = await readTargetFile(path, before, asReader);
        if (typeof read === "string") problems.push(`cannot read targets from ${path}: ${read}`);
        const kept = typeof read === "string" ? before : read;
        if (kept !== undefined) next.set(path, kept);
      }
      known = next;
      return { groups: [...next.values()].flatMap((file) => file.groups), problems };
    },
  };
}

/** A pattern that matches nothing names no file; a plain name is a file that must be there. */
function filesOf(pattern: string): readonly string[] {
  return pattern.includes("*") ? globSync(pattern).toSorted() : [pattern];
}

async function readTargetFile(
  path: string,
  before: KnownFile | undefined,
  asReader: AsReader,
): Promise<KnownFile | string> {
  try {
    const found = asReader(() => contentOf(path, before?.stamp));
    if (typeof found === "string") return found;
    const { stamp, text } = found;
    if (before?.stamp === stamp) return before;
    const plain: unknown = path.endsWith(".json") ? JSON.parse(text) : (await import("yaml")).parse(text);
    const groups = groupsOf(plain ?? []);
    return typeof groups === "string" ? groups : { stamp, groups };
  } catch (error) {
    return causeOf(error);
  }
}

/** Not read where its stamp is the one given. */
function contentOf(path: string, known: string | undefined): { stamp: string; text: string } | string {
  const stat = statSync(path);
  // Of a pipe or a device a read may never end.
  if (!stat.isFile()) return "must be a regular file";
  const { mtimeMs, size, ino } = stat;
  if (size > mostBytes) return `must have at most ${mostBytes} bytes, got ${size}`;
  const stamp = `${mtimeMs} ${size} ${ino}`;
  return { stamp, text: stamp === known ? "" : readFileSync(path, "utf8") };
}

/** Checked by hand, since zod never loads in the daemon. A text says what is wrong. */
function groupsOf(plain: unknown): readonly TargetGroup[] | string {
  if (!Array.isArray(plain)) return "must be a list of maps with targets and labels";
  const groups: TargetGroup[] = [];
  for (const [index, item] of plain.entries()) {
    const { targets, labels, ...others } = isRecord(item) ? item : {};
    const [other] = Object.keys(others);
    if (other !== undefined) return `[${index}]: unknown key ${JSON.stringify(printable(other))}`;
    if (!Array.isArray(targets) || !targets.every((one) => typeof one === "string"))
      return `[${index}].targets: must be a list of addresses`;
    const texts = Object.entries(isRecord(labels) ? labels : {});
    if (labels !== undefined && labels !== null && !isRecord(labels))
      return `[${index}].labels: must be a map`;
    if (texts.some(([name]) => !isLabelName(name))) return `[${index}].labels: must have names of labels`;
    groups.push({ targets, labels: Object.fromEntries(texts.map(([name, value]) => [name, String(value)])) });
  }
  return groups;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
