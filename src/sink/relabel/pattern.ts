/**
 * Compiles a relabelling expression as Prometheus does: RE2, anchored at both ends, a dot matches line breaks. The engine is
 * re2js, which takes time in proportion to the text; it is some 260 KB, so import this file only where relabelling is configured.
 */
import { RE2JS } from "re2js";

export interface Pattern {
  /** A match of the whole text; undefined without one. */
  match(text: string): Match | undefined;
}

export interface Match {
  /** Go's Regexp.Expand: `$1`, `$name` (longest run of word characters), `${name}`, `$$`; an unknown group is empty. */
  expand(template: string): string;
}

type CompiledPattern =
  { readonly ok: true; readonly pattern: Pattern } | { readonly ok: false; readonly error: string };

/** The pattern, or one line on why it is refused. */
export function compilePattern(source: string): CompiledPattern {
  const cost = expressionCost(source);
  if (cost > mostCost)
    return refused(source, `repetitions included, it comes to ${cost} parts, want at most ${mostCost}`);
  try {
    // The same text that Prometheus hands to Go's regexp.Compile.
    return { ok: true, pattern: anchored(RE2JS.compile(`^(?s:${source})$`)) };
  } catch (error) {
    return refused(source, error instanceof Error ? causeOf(error.message) : String(error));
  }
}

function refused(source: string, cause: string): CompiledPattern {
  const shown = source.length > 80 ? `${source.slice(0, 77)}...` : source;
  return { ok: false, error: `must be an RE2 expression, got ${JSON.stringify(shown)}: ${cause}` };
}

/** `error parsing regexp: missing closing ): …` → `missing closing )`; the rest repeats the expression. */
function causeOf(message: string): string {
  const [cause = ""] = message.replace("error parsing regexp: ", "").split(/: `/, 1);
  return cause;
}

function anchored(regex: RE2JS): Pattern {
  const names = regex.namedGroups();
  return {
    match(text) {
      const matcher = regex.matcher(text);
      if (!matcher.find()) return undefined;
      const group = (index: number): string =>
        index <= matcher.groupCount() ? (matcher.group(index) ?? "") : "";
      return { expand: (template) => expand(template, group, names) };
    },
  };
}

const reference = /\$(?:\$|\{([\p{L}\p{Nd}_]+)\}|([\p{L}\p{Nd}_]+))/gu;

function expand(
  template: string,
  group: (index: number) => string,
  names: Readonly<Record<string, number>>,
): string {
  return template.replace(reference, (all, braced: string | undefined, bare: string | undefined) => {
    const name = braced ?? bare;
    if (name === undefined) return all.slice(1);
    const index = isNumber(name) ? Number(name) : Object.hasOwn(names, name) ? names[name] : undefined;
    return index === undefined ? "" : group(index);
  });
}

/** `$01` is a name in Go. */
const isNumber = (name: string): boolean => /^(?:0|[1-9][0-9]*)$/.test(name);

/** Beyond it the engine would take seconds and hundreds of megabytes to compile: `\pL{1000}` a thousand times takes 6 GB. */
const mostCost = 100_000;

/** A class is a list of ranges, of which those of Unicode have hundreds. */
const classCost = 20;

/**
 * An estimate, in one pass, of how many parts an expression has once its counted repetitions are written out. A repetition
 * multiplies what stands before it: a character, a class or a whole group.
 */
function expressionCost(source: string): number {
  /** The sum of each open group, outermost first. */
  const sums = [0];
  /** Of the last part, which a repetition may multiply. */
  let last = 0;
  const add = (cost: number): void => void sums.push((sums.pop() ?? 0) + cost);
  for (let at = 0, end: number; at < source.length; at = end) {
    end = endOfPart(source, at);
    const repeated = source[at] === "{" ? mostRepeated(source.slice(at, at + 11)) : 0;
    if (source[at] === "(") {
      sums.push(1);
    } else if (source[at] === ")") {
      last = sums.length > 1 ? (sums.pop() ?? 0) : 1;
      add(last);
    } else if (repeated > 0) {
      add(last * (repeated - 1));
      last *= repeated;
    } else {
      last = isClass(source, at) ? classCost * (end - at) : 1;
      // What is quoted is many parts, only the last of which is repeated.
      add(Math.max(last, end - at));
    }
  }
  return sums.reduce((all, sum) => all + sum, 0);
}

const isClass = (source: string, at: number): boolean =>
  source[at] === "[" || (source[at] === "\\" && /[pPsSdDwW]/.test(source[at + 1] ?? ""));

function endOfPart(source: string, at: number): number {
  if (source[at] === "[") return endOfClass(source, at);
  if (source.startsWith("\\Q", at)) return endOfQuote(source, at);
  return source[at] === "\\" ? at + 2 : at + 1;
}

/** A `]` right after the opening is a member; without an end it is no class, which the engine refuses. */
function endOfClass(source: string, start: number): number {
  const first = source[start + 1] === "^" ? start + 2 : start + 1;
  for (let at = first; at < source.length; at++) {
    if (source[at] === "\\") at++;
    else if (source.startsWith("[:", at)) at += Math.max(0, source.slice(at, at + 12).indexOf(":]") + 1);
    else if (source[at] === "]" && at > first) return at + 1;
  }
  return source.length;
}

function endOfQuote(source: string, start: number): number {
  const end = source.indexOf("\\E", start);
  return end === -1 ? source.length : end + 2;
}

/** The larger number of `{2}`, `{2,}` or `{2,5}`; 0 for other text. */
function mostRepeated(text: string): number {
  const [, least, most] = /^\{(\d{1,4})(?:,(\d{0,4}))?\}/.exec(text) ?? [];
  return Math.max(Number(least ?? 0), Number(most ?? 0));
}
