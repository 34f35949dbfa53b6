/** Owns a relabelling expression: RE2 as Prometheus reads it, anchored at both ends, on JavaScript's engine. */
import { translateRe2, type Translated } from "./re2.ts";

export interface Pattern {
  /** The groups of a match of the whole text, the match itself first; undefined without a match. */
  match(text: string): Match | undefined;
  /** The first reference of a template whose text this engine could not tell as RE2 does; most templates have none. */
  unsure(template: string): string | undefined;
}

export interface Match {
  /** Go's Regexp.Expand: `$1`, `$name` (longest run of word characters), `${name}`, `$$`; an unknown group is empty. */
  expand(template: string): string;
}

type CompiledPattern =
  { readonly ok: true; readonly pattern: Pattern } | { readonly ok: false; readonly error: string };

/** The pattern, or one line on why RE2 or JavaScript refuses it. */
export function compilePattern(source: string): CompiledPattern {
  const translated = translateRe2(source);
  if (!translated.ok) return { ok: false, error: refusal(source, translated.error) };
  try {
    const regex = new RegExp(`^(?:${translated.source})$`, "su");
    return { ok: true, pattern: anchored(regex, translated) };
  } catch (error) {
    const cause = error instanceof Error ? error.message.replace(/^.*: /s, "").toLowerCase() : String(error);
    return { ok: false, error: refusal(source, cause) };
  }
}

function refusal(source: string, cause: string): string {
  return `must be an RE2 expression, got ${JSON.stringify(source)}: ${cause}`;
}

function anchored(regex: RegExp, { names, forgetful }: Translated): Pattern {
  return {
    unsure(template) {
      const references = [...template.matchAll(reference)];
      return references.find(([, braced, bare]) =>
        forgetful.has(groupIndex(braced ?? bare, names) ?? 0),
      )?.[0];
    },
    match(text) {
      const groups = regex.exec(text);
      if (groups === null) return undefined;
      return { expand: (template) => expand(template, groups, names) };
    },
  };
}

const reference = /\$(?:\$|\{([\p{L}\p{Nd}_]+)\}|([\p{L}\p{Nd}_]+))/gu;

function expand(
  template: string,
  groups: readonly (string | undefined)[],
  names: ReadonlyMap<string, number>,
): string {
  return template.replace(reference, (all, braced: string | undefined, bare: string | undefined) => {
    const name = braced ?? bare;
    if (name === undefined) return all.slice(1);
    return groups[groupIndex(name, names) ?? -1] ?? "";
  });
}

function groupIndex(name: string | undefined, names: ReadonlyMap<string, number>): number | undefined {
  if (name === undefined) return undefined;
  return /^(?:0|[1-9][0-9]*)$/.test(name) ? Number(name) : names.get(name);
}
