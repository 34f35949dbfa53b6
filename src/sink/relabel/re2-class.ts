/** Owns the parts of RE2's syntax below a group: escapes and character classes. */
import { UnsupportedSyntax } from "./re2-syntax.ts";

export interface Atom {
  readonly source: string;
  readonly length: number;
}

const posixClasses: Readonly<Record<string, string>> = {
  alnum: "0-9A-Za-z",
  alpha: "A-Za-z",
  ascii: "\\x00-\\x7f",
  blank: "\\t ",
  cntrl: "\\x00-\\x1f\\x7f",
  digit: "0-9",
  graph: "!-~",
  lower: "a-z",
  print: " -~",
  punct: "!-\\/:-@\\[-`\\{-~",
  space: "\\t\\n\\v\\f\\r ",
  upper: "A-Z",
  word: "0-9A-Za-z_",
  xdigit: "0-9A-Fa-f",
};

/** RE2's `\s` knows five characters only, JavaScript's all of Unicode's. */
const spaces = "\\t\\n\\f\\r ";

/** Reads one escape; a class inside brackets is spelled without brackets of its own. */
export function readEscape(rest: string, where: "outside" | "class"): Atom {
  const property = /^\\([pP])(?:\{(\^?)(\w+)\}|([A-Z]))/.exec(rest);
  if (property !== null) return readProperty(property);
  const code = /^\\x(?:([0-9a-fA-F]{2})|\{([0-9a-fA-F]{1,6})\})/.exec(rest);
  if (code !== null) return { source: `\\u{${code[1] ?? code[2] ?? ""}}`, length: code[0].length };
  return { source: simpleEscape(rest[1] ?? "", where), length: 2 };
}

function simpleEscape(letter: string, where: "outside" | "class"): string {
  if (letter === "s") return where === "class" ? spaces : `[${spaces}]`;
  if (letter === "S" && where === "outside") return `[^${spaces}]`;
  if (letter === "a") return "\\x07";
  if (/[dDwWSfnrtv]/.test(letter)) return `\\${letter}`;
  if (where === "outside") {
    if (letter === "A") return "(?-m:^)";
    if (letter === "z") return "(?-m:$)";
    if (/[bB]/.test(letter)) return `\\${letter}`;
  }
  if (/[1-9k]/.test(letter)) throw new UnsupportedSyntax("backreferences are not supported");
  if (letter === "" || /[0-9A-Za-z]/.test(letter) || letter > "~") {
    throw new UnsupportedSyntax(`unknown escape \\${letter}`);
  }
  return literal(letter);
}

/** RE2 names a general category or a script in the same place. */
function readProperty([all, letter = "p", negated, long, short]: RegExpExecArray): Atom {
  const name = long ?? short ?? "";
  const sign = (letter === "P") === (negated === "^") ? "p" : "P";
  return { source: `\\${sign}{${name.length <= 2 ? name : `Script=${name}`}}`, length: all.length };
}

/** Reads `[…]`; a `]` right after the opening is literal, as is every `[` that opens no `[:name:]`. */
export function readClass(rest: string): Atom {
  const open = rest.startsWith("[^") ? "[^" : "[";
  let at = open.length;
  let out = open;
  while (at === open.length || rest[at] !== "]") {
    if (at >= rest.length) throw new UnsupportedSyntax("missing closing ]");
    const item = readClassItem(rest.slice(at));
    out += item.source;
    at += item.length;
  }
  return { source: `${out}]`, length: at + 1 };
}

function readClassItem(rest: string): Atom {
  const posix = /^\[:(\^?)(\w+):\]/.exec(rest);
  if (posix !== null) return readPosixClass(posix);
  const from = readClassCharacter(rest);
  const range = rest[from.length] === "-" && ![undefined, "]"].includes(rest[from.length + 1]);
  if (!range || isSet(from.source)) return from;
  const to = readClassCharacter(rest.slice(from.length + 1));
  if (isSet(to.source)) throw new UnsupportedSyntax("a range must end with a character");
  return { source: `${from.source}-${to.source}`, length: from.length + 1 + to.length };
}

function readPosixClass([all, negated, name = ""]: RegExpExecArray): Atom {
  const members = posixClasses[name];
  if (members === undefined) throw new UnsupportedSyntax(`unknown class [:${name}:]`);
  if (negated === "^") throw new UnsupportedSyntax("negated POSIX classes are not supported here");
  return { source: members, length: all.length };
}

function readClassCharacter(rest: string): Atom {
  if (rest.startsWith("\\")) return readEscape(rest, "class");
  const character = String.fromCodePoint(rest.codePointAt(0) ?? 0);
  return { source: literal(character), length: character.length };
}

/** Whether an escape stands for many characters, so that a `-` after it is literal. */
function isSet(source: string): boolean {
  return source === spaces || /^\\[dDwWS]$|^\\[pP]\{/.test(source);
}

/** A character for itself, inside and outside of a class. */
function literal(character: string): string {
  return /[\^$\\.*+?()[\]{}|/]/.test(character) ? `\\${character}` : character === "-" ? "\\x2d" : character;
}
