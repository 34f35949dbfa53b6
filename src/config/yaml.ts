/** Reads a configuration file: bounded bytes to YAML, syntax errors included. */
import { LineCounter, parseDocument, type YAMLError } from "yaml";
import { compose, type Reading } from "./compose.ts";
import type { Variable } from "./interpolate.ts";
import { problemAt, type Origin, type Problem } from "./problem.ts";
import type { Node } from "./tree.ts";

/** Far beyond any real configuration, and small enough that the worst input costs a second at most. */
const largestFile = 256 * 1024;

interface ReadYaml {
  /** Absent when the file is empty or can't be read as YAML. */
  readonly root?: Node;
  readonly problems: readonly Problem[];
}

/** Never throws for what the file holds. */
export function readYaml(file: string, bytes: Uint8Array, variable: (name: string) => Variable): ReadYaml {
  const decoded = decode(bytes);
  if (!decoded.ok) {
    const origin: Origin = { kind: "file", file, line: 1, column: 1 };
    return { problems: [problemAt(origin, decoded.message)] };
  }
  return parse(file, decoded.text, variable);
}

function decode(bytes: Uint8Array): { ok: true; text: string } | { ok: false; message: string } {
  if (bytes.length > largestFile) {
    return { ok: false, message: `file must be at most ${largestFile} bytes, got ${bytes.length}` };
  }
  const binary = bytes.indexOf(0);
  if (binary >= 0) return { ok: false, message: `file must be UTF-8 text, got a NUL at byte ${binary}` };
  try {
    return { ok: true, text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch {
    return { ok: false, message: "file must be UTF-8 text, got other bytes" };
  }
}

function parse(file: string, text: string, variable: Reading["variable"]): ReadYaml {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    schema: "core",
    resolveKnownTags: false,
    stringKeys: true,
    // Checked in compose.ts: the library compares every key with every other.
    uniqueKeys: false,
  });
  const originAt = (offset: number): Origin => {
    const { line, col } = lines.linePos(offset);
    return { kind: "file", file, line, column: col };
  };
  const [error] = document.errors;
  if (error !== undefined) return { problems: [syntaxProblem(error, text, originAt)] };
  const tags = document.warnings.map(({ pos, message }) =>
    problemAt(originAt(pos[0]), `cannot parse yaml: ${worded(message)}`),
  );
  if (document.contents === null) return { problems: tags };
  const root = compose(document.contents, { text, problems: tags, variable, originAt });
  return { root, problems: tags };
}

/** The first one only: the others are mostly its consequences. */
function syntaxProblem(error: YAMLError, text: string, originAt: Reading["originAt"]): Problem {
  const [at] = error.pos;
  const hint = hasBareReference(lineAt(text, at))
    ? "; a ${reference} inside braces or brackets must be in quotes"
    : "";
  return problemAt(originAt(at), `cannot parse yaml: ${worded(error.message)}${hint}`);
}

function lineAt(text: string, at: number): string {
  const end = text.indexOf("\n", at);
  return text.slice(text.lastIndexOf("\n", at - 1) + 1, end < 0 ? text.length : end);
}

/** `{ key: ${NAME} }`: YAML takes the reference's own brace for a map. */
function hasBareReference(line: string): boolean {
  const opening = line.search(/[{[]/);
  return opening >= 0 && /[^"'$]\$\{/.test(line.slice(opening));
}

/**
 * In the house grammar, and without what the library quotes from the file: a password that begins with `|`, `*` or `!` and is
 * not in quotes is a syntax error, and would be in its message.
 */
function worded(message: string): string {
  const unquoted = message.replace(/(?<=[\w)]): .*$/s, "").replace(/^(Invalid escape sequence) .*$/s, "$1");
  return unquoted.charAt(0).toLowerCase() + unquoted.slice(1).replace(/\.$/, "");
}
