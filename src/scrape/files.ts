/** Targets from files, as Prometheus' file_sd: JSON or YAML, each a list of `{ targets, labels }`. */
import { globSync, readFileSync, statSync } from "node:fs";
import { causeOf } from "../runtime/cause.ts";
import { isLabelName } from "../metric/series.ts";
import { printable } from "../runtime/printable.ts";
import type { TargetGroup } from "./targets.ts";

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
