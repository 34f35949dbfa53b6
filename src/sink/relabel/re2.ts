/** Owns the translation of RE2's syntax (as Go reads it) into JavaScript's with the flag `u`; what RE2 lacks is refused. */
import { readClass, readEscape, type Atom } from "./re2-class.ts";
import { UnsupportedSyntax } from "./re2-syntax.ts";

export type Translated = Captures & { readonly ok: true; readonly source: string };
type Translation = Translated | { readonly ok: false; readonly error: string };

interface Captures {
  readonly names: Map<string, number>;
  /**
   * Groups that a repetition may pass by in its last round, `(?:(a)|b)*`: RE2 then keeps what they held before, JavaScript
   * forgets it.
   */
  readonly forgetful: Set<number>;
}

interface Group {
  /** The inline flags `(?i)` that hold until the group's end, which must be repeated after each `|`. */
  readonly flags: string[];
  /** Numbers of the captures inside, itself included, and of those that a match of this group may pass by. */
  readonly captures: number[];
  readonly skippable: Set<number>;
  hasChoice: boolean;
}

function groupOf(...captures: number[]): Group {
  return { flags: [], captures, skippable: new Set(), hasChoice: false };
}

export function translateRe2(source: string): Translation {
  const found: Captures = { names: new Map(), forgetful: new Set() };
  try {
    return { ok: true, source: translate(source, found), ...found };
  } catch (error) {
    if (error instanceof UnsupportedSyntax) return { ok: false, error: error.message };
    throw error;
  }
}

function translate(source: string, found: Captures): string {
  const groups: Group[] = [groupOf()];
  let captures = 0;
  let at = 0;
  let out = "";
  const top = (): Group => groups.at(-1) ?? groupOf();

  while (at < source.length) {
    const rest = source.slice(at);
    const token = rest[0] ?? "";
    const group = token === "(" ? readGroup(rest) : undefined;
    if (group !== undefined) {
      at += group.length;
      if (group.kind === "flags") {
        top().flags.push(group.open);
      } else {
        groups.push(group.kind === "capture" ? groupOf(++captures) : groupOf());
        if (group.name !== undefined) nameGroup(found.names, group.name, captures);
      }
      out += group.open;
    } else if (token === ")") {
      if (groups.length === 1) throw new UnsupportedSyntax("unexpected )");
      const closed = groups.pop() ?? groupOf();
      out += ")".repeat(closed.flags.length + 1);
      at++;
      closeGroup(closed, top(), source.slice(at), found);
    } else if (token === "|") {
      const { flags } = top();
      top().hasChoice = true;
      out += `${")".repeat(flags.length)}|${flags.join("")}`;
      at++;
    } else {
      const atom = readAtom(rest);
      out += atom.source;
      at += atom.length;
    }
  }
  if (groups.length !== 1) throw new UnsupportedSyntax("missing closing )");
  return out + ")".repeat(top().flags.length);
}

/** @param rest what follows the group: perhaps a repetition */
function closeGroup(closed: Group, outer: Group, rest: string, { forgetful }: Captures): void {
  const skippable = closed.hasChoice ? closed.captures : [...closed.skippable];
  if (/^(?:[*+]|\{(?![01]\}|0,1\}))/.test(rest)) for (const one of skippable) forgetful.add(one);
  const isOptional = /^(?:[*?]|\{0)/.test(rest);
  for (const one of isOptional ? closed.captures : skippable) outer.skippable.add(one);
  outer.captures.push(...closed.captures);
}

interface GroupStart {
  readonly kind: "capture" | "plain" | "flags";
  readonly open: string;
  readonly length: number;
  readonly name?: string;
}

function readGroup(rest: string): GroupStart {
  if (!rest.startsWith("(?")) return { kind: "capture", open: "(", length: 1 };
  if (/^\(\?<?[=!]/.test(rest)) throw new UnsupportedSyntax("lookaround is not supported");
  const named = /^\(\?P?<(\w+)>/.exec(rest);
  if (named?.[1] !== undefined)
    return { kind: "capture", open: "(", length: named[0].length, name: named[1] };
  const flags = /^\(\?([a-zA-Z]*)(-[a-zA-Z]+)?([:)])/.exec(rest);
  if (flags === null) throw new UnsupportedSyntax("unknown kind of group");
  const [all, on = "", off = "", end] = flags;
  if (/[^ims-]/.test(on + off)) throw new UnsupportedSyntax(`unsupported flag in ${all}`);
  return { kind: end === ":" ? "plain" : "flags", open: `(?${on}${off}:`, length: all.length };
}

function nameGroup(names: Map<string, number>, name: string, index: number): void {
  if (names.has(name)) throw new UnsupportedSyntax(`two groups are named ${name}`);
  names.set(name, index);
}

function readAtom(rest: string): Atom {
  const quoted = /^\\Q(.*?)(?:\\E|$)/s.exec(rest);
  if (quoted !== null) {
    return { source: (quoted[1] ?? "").replace(/[\^$\\.*+?()[\]{}|/]/g, "\\$&"), length: quoted[0].length };
  }
  if (rest.startsWith("\\")) return readEscape(rest, "outside");
  if (rest.startsWith("[")) return readClass(rest);
  const repeat = /^\{[0-9]+(?:,[0-9]*)?\}\??/.exec(rest);
  if (repeat !== null) return { source: repeat[0], length: repeat[0].length };
  // A brace or bracket that begins nothing is literal in RE2 and an error under the flag `u`.
  if (/^[{}\]]/.test(rest)) return { source: `\\${rest.slice(0, 1)}`, length: 1 };
  const character = String.fromCodePoint(rest.codePointAt(0) ?? 0);
  return { source: character, length: character.length };
}
