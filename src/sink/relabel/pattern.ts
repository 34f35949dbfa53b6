/**
 * Compiles a relabelling expression as Prometheus does: RE2, anchored at both ends, a dot matches line breaks. The engine is
 * re2js, which takes time in proportion to the text; it is some 260 KB, so import this file only where relabelling is configured.
 */
import { RE2JS } from "re2js";
import { expressionCost, mostCost } from "./expression-cost.ts";

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
