/**
 * `mdm.env`, beside the configuration: variables for `${…}` and `MAC_POWERMETRICS_*` on a Mac whose agent launchd starts, which
 * hands on no environment but PATH. Device management writes it, and `install` keeps it.
 *
 *     # a comment
 *     MAC_SITE=berlin
 *     MAC_TEAM="Video editing"
 */
import { posix } from "node:path";
import { problemAt, quote, type Origin, type Problem } from "./problem.ts";

const largestFile = 64 * 1024;

/** What must be known before the file is looked for. */
const tooLate = new Set(["MAC_POWERMETRICS_CONFIG", "MAC_POWERMETRICS_SIMULATE", "STATE_DIRECTORY"]);

interface EnvironmentFile {
  readonly variables: Readonly<Record<string, string>>;
  readonly problems: readonly Problem[];
}

export function environmentFileOf(configuration: string): string {
  return posix.join(posix.dirname(configuration), "mdm.env");
}

/** Never throws for what the file holds; no problem quotes a value, which may be a secret. */
export function parseEnvironmentFile(file: string, bytes: Uint8Array): EnvironmentFile {
  const at = (line: number): Origin => ({ kind: "file", file, line, column: 1 });
  const text = decode(bytes);
  if (text === undefined) {
    const message = `file must be UTF-8 text of at most ${largestFile} bytes`;
    return { variables: {}, problems: [problemAt(at(1), message)] };
  }
  const variables = new Map<string, string>();
  const problems: Problem[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*(?:#|$)/.test(line)) continue;
    const read = parseLine(line);
    if (typeof read === "string") problems.push(problemAt(at(index + 1), read));
    else if (variables.has(read.name))
      problems.push(problemAt(at(index + 1), `variable must be set once, got ${read.name} twice`));
    else variables.set(read.name, read.value);
  }
  return { variables: Object.fromEntries(variables), problems };
}

function decode(bytes: Uint8Array): string | undefined {
  if (bytes.length > largestFile) return undefined;
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return text.includes("\0") ? undefined : text;
  } catch {
    return undefined;
  }
}

/** One variable, or what is wrong with the line. */
function parseLine(line: string): { name: string; value: string } | string {
  const equals = line.indexOf("=");
  if (equals < 0) return "line must be KEY=value, got one without =";
  const name = line.slice(0, equals);
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    if (/^\s*export\s/.test(name)) return "line must be KEY=value, got one that begins with export";
    return `name must be letters, digits and _ with no blank around it, got ${quote(name)}`;
  }
  if (tooLate.has(name)) return `${name} must not be set here: it has no effect in this file`;
  const value = unquoted(line.slice(equals + 1));
  return value === undefined
    ? `value of ${name} must end with the quote that it begins with`
    : { name, value };
}

/** As written: there are no escapes and no references. */
function unquoted(written: string): string | undefined {
  const value = written.trim();
  const [first = ""] = value;
  if (first !== '"' && first !== "'") return value;
  return value.length > 1 && value.indexOf(first, 1) === value.length - 1 ? value.slice(1, -1) : undefined;
}
