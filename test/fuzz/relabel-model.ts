/**
 * Prometheus' relabelling as its documentation describes it, written a second time: expressions are trees that are
 * matched by backtracking (leftmost-first, as RE2 does), labels a builder over sorted ones. Nothing of it is shared with src.
 */
import { createHash } from "node:crypto";
import { everything } from "./relabel-validity.ts";

export type Tree =
  | { readonly is: "text"; readonly text: string }
  | { readonly is: "any" }
  | { readonly is: "class"; readonly members: string; readonly negated: boolean }
  | { readonly is: "sequence"; readonly parts: readonly Tree[] }
  | { readonly is: "choice"; readonly parts: readonly Tree[] }
  | { readonly is: "group"; readonly part: Tree; readonly name?: string }
  /** `part` never matches the empty text. */
  | {
      readonly is: "repeat";
      readonly part: Tree;
      readonly least: number;
      readonly most: number;
      readonly lazy: boolean;
    };

/** The expression as RE2 writes it. */
export function source(tree: Tree): string {
  switch (tree.is) {
    case "text":
      return Array.from(tree.text)
        .map((one) => (/\w/.test(one) ? one : `\\${one}`))
        .join("");
    case "any":
      return ".";
    case "class":
      return `[${tree.negated ? "^" : ""}${Array.from(tree.members)
        .map((one) => (/\w/.test(one) ? one : `\\${one}`))
        .join("")}]`;
    case "sequence":
      return tree.parts.map(source).join("");
    case "choice":
      return `(?:${tree.parts.map(source).join("|")})`;
    case "group":
      return `(${tree.name === undefined ? "" : `?P<${tree.name}>`}${source(tree.part)})`;
    case "repeat":
      return `(?:${source(tree.part)})${quantifier(tree)}${tree.lazy ? "?" : ""}`;
  }
}

function quantifier({ least, most }: { readonly least: number; readonly most: number }): string {
  if (most === 1 && least === 0) return "?";
  if (most === Infinity && least < 2) return least === 0 ? "*" : "+";
  return most === Infinity ? `{${least},}` : `{${least},${most}}`;
}

/** What the groups hold, by number from 1, and which number a name has; a group that took no part is absent. */
interface Groups {
  readonly held: ReadonlyMap<number, string>;
  readonly names: ReadonlyMap<string, number>;
}

type Held = ReadonlyMap<number, string>;
type Next = (at: number, held: Held) => Held | undefined;

/** The groups of a match of all of the text. */
export function match(tree: Tree, text: string): Groups | undefined {
  const characters = Array.from(text);
  const names = new Map<string, number>();
  const numbers = new Map<Tree, number>();
  number(tree, numbers, names);

  function walk(part: Tree, at: number, held: Held, next: Next): Held | undefined {
    const character = characters[at];
    switch (part.is) {
      case "text":
        return walkText(Array.from(part.text), at, held, next);
      case "any":
        return character === undefined ? undefined : next(at + 1, held);
      case "class":
        return character !== undefined && part.members.includes(character) !== part.negated
          ? next(at + 1, held)
          : undefined;
      case "sequence":
        return walkAll(part.parts, at, held, next);
      case "choice":
        for (const one of part.parts) {
          const found = walk(one, at, held, next);
          if (found !== undefined) return found;
        }
        return undefined;
      case "group":
        return walk(part.part, at, held, (end, inner) =>
          next(end, new Map(inner).set(numbers.get(part) ?? 0, characters.slice(at, end).join(""))),
        );
      case "repeat":
        return walkRepeat(part, 0, at, held, next);
    }
  }

  function walkText(wanted: readonly string[], at: number, held: Held, next: Next): Held | undefined {
    return wanted.every((one, index) => characters[at + index] === one)
      ? next(at + wanted.length, held)
      : undefined;
  }

  function walkAll([first, ...rest]: readonly Tree[], at: number, held: Held, next: Next): Held | undefined {
    if (first === undefined) return next(at, held);
    return walk(first, at, held, (end, inner) => walkAll(rest, end, inner, next));
  }

  function walkRepeat(
    part: Tree & { is: "repeat" },
    done: number,
    at: number,
    held: Held,
    next: Next,
  ): Held | undefined {
    const more = (): Held | undefined =>
      done < part.most
        ? walk(part.part, at, held, (end, inner) => walkRepeat(part, done + 1, end, inner, next))
        : undefined;
    if (done < part.least) return more();
    return part.lazy ? (next(at, held) ?? more()) : (more() ?? next(at, held));
  }

  const held = walk(tree, 0, new Map([[0, text]]), (at, inner) =>
    at === characters.length ? inner : undefined,
  );
  return held === undefined ? undefined : { held, names };
}

function number(tree: Tree, numbers: Map<Tree, number>, names: Map<string, number>): void {
  if (tree.is === "group") {
    numbers.set(tree, numbers.size + 1);
    if (tree.name !== undefined) names.set(tree.name, numbers.size);
  }
  if ("part" in tree) number(tree.part, numbers, names);
  if ("parts" in tree) for (const part of tree.parts) number(part, numbers, names);
}

/** Go's Regexp.Expand: the longest run of letters, digits and underscores is a name, `$$` a dollar, the rest itself. */
export function expand(template: string, { held, names }: Groups): string {
  let out = "";
  for (let at = 0; at < template.length;) {
    const rest = template.slice(at);
    const name = /^\$(\w+)/.exec(rest) ?? /^\$\{(\w+)\}/.exec(rest);
    if (rest.startsWith("$$")) {
      out += "$";
      at += 2;
    } else if (name?.[1] !== undefined) {
      const isNumber = /^(?:0|[1-9][0-9]*)$/.test(name[1]);
      out += held.get(isNumber ? Number(name[1]) : (names.get(name[1]) ?? -1)) ?? "";
      at += name[0].length;
    } else {
      out += rest.slice(0, 1);
      at++;
    }
  }
  return out;
}

export interface Rule {
  readonly source_labels?: readonly string[];
  readonly separator?: string;
  readonly target_label?: string;
  readonly modulus?: number;
  readonly replacement?: string;
  readonly action: string;
}

/** One rule as it is meant, its expression as a tree, or the default one. */
export interface Meant {
  readonly rule: Rule;
  readonly tree?: Tree;
}

type Labels = Readonly<Record<string, string>>;

/** What is left of the labels; undefined when the series is dropped. */
export function process(labels: Labels, rules: readonly Meant[]): Labels | undefined {
  let current = labels;
  for (const { rule, tree = everything } of rules) {
    const changed = apply(current, rule, tree);
    if (changed === undefined) return undefined;
    current = withoutEmpty(changed);
  }
  const name = current["__name__"] ?? "";
  // Not of Prometheus: it takes any UTF-8 in names, and what other receivers take is narrower. A scraped name that no rule changed stays.
  return rules.length === 0 || name === labels["__name__"] || /^[a-zA-Z_:][\w:]*$/.test(name)
    ? current
    : undefined;
}

function withoutEmpty(labels: Labels): Labels {
  return Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== ""));
}

const labelName = /^[a-zA-Z_]\w*$/;

function apply(labels: Labels, rule: Rule, tree: Tree): Labels | undefined {
  const { source_labels = [], separator = ";", target_label = "", replacement = "$1", modulus = 1 } = rule;
  const value = source_labels.map((name) => labels[name] ?? "").join(separator);
  const matched = match(tree, value);
  const target = labels[target_label] ?? "";
  switch (rule.action) {
    case "keep":
      return matched === undefined ? undefined : labels;
    case "drop":
      return matched === undefined ? labels : undefined;
    case "keepequal":
      return target === value ? labels : undefined;
    case "dropequal":
      return target === value ? undefined : labels;
    case "replace": {
      const name = matched === undefined ? "" : expand(target_label, matched);
      return matched === undefined || !labelName.test(name)
        ? labels
        : { ...labels, [name]: expand(replacement, matched) };
    }
    case "lowercase":
      return { ...labels, [target_label]: Array.from(value).map(lower).join("") };
    case "uppercase":
      return { ...labels, [target_label]: Array.from(value).map(upper).join("") };
    case "hashmod": {
      const last = createHash("md5").update(value).digest("hex").slice(16);
      return { ...labels, [target_label]: String(BigInt(`0x${last}`) % BigInt(modulus)) };
    }
    case "labelmap": {
      const mapped = Object.entries(labels).flatMap(([name, content]) => {
        const groups = match(tree, name);
        const to = groups === undefined ? "" : expand(replacement, groups);
        return labelName.test(to) ? [[to, content] as const] : [];
      });
      return { ...labels, ...Object.fromEntries(mapped) };
    }
    case "labeldrop":
      return Object.fromEntries(Object.entries(labels).filter(([name]) => match(tree, name) === undefined));
    case "labelkeep":
      return Object.fromEntries(Object.entries(labels).filter(([name]) => match(tree, name) !== undefined));
    default:
      throw new Error(`unexpected action: got ${rule.action}, want one of Prometheus'`);
  }
}

/** Go maps each character by itself to one other: a longer mapping of Unicode's is none, but for the dotted capital I. */
function lower(character: string): string {
  const mapped = character.toLowerCase();
  return mapped === "i\u0307" ? "i" : Array.from(mapped).length === 1 ? mapped : character;
}

/** Greek with an iota below has its one capital 8 or 9 places on. */
function upper(character: string): string {
  const mapped = character.toUpperCase();
  if (Array.from(mapped).length === 1) return mapped;
  const places = [8, 9].map((step) => String.fromCodePoint((character.codePointAt(0) ?? 0) + step));
  return places.find((one) => one.toLowerCase() === character) ?? character;
}
