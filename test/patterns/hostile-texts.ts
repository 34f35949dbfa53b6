/**
 * Makes the texts that keep a backtracking engine busy, out of a pattern's own parts: what each part matches, over and over, after
 * what stands before it, and then something that fits nowhere.
 */
import { RegExpParser, type AST } from "@eslint-community/regexpp";
import { charMatcher, isCharacter } from "./steps.ts";

/** Of about the length; the same texts for every length. */
export type HostileText = (length: number) => string;

const endings = ["", "\u0001", "\n!"];
const mostTexts = 100;

export function hostileTexts(literal: string): readonly HostileText[] {
  const { pattern, flags } = new RegExpParser().parseLiteral(literal);
  const samples = new Samples(literal, flags);
  const found = new Map<string, HostileText>();
  const add = (before: string, part: string): void => {
    if (part === "") return;
    for (const ending of endings) {
      const key = JSON.stringify([before, part, ending]);
      found.set(key, (length) => before + part.repeat(Math.ceil(length / part.length)) + ending);
    }
  };
  const visit = (alternatives: readonly AST.Alternative[], before: readonly string[]): void => {
    for (const { elements } of alternatives) {
      // A slice may begin and end at a part that repeats or that has parts of its own.
      const cuts = elements.flatMap((element, at) => (element.type === "Character" ? [] : [at, at + 1]));
      const places = [...new Set([0, ...cuts, elements.length])].toSorted((a, b) => a - b);
      for (const from of places) {
        const leads = before.flatMap((lead) =>
          [0, 1].map(
            (least) =>
              lead +
              elements
                .slice(0, from)
                .map((one) => samples.of(one, least))
                .join(""),
          ),
        );
        for (const to of places.filter((place) => place > from)) {
          const parts = samples.several(elements.slice(from, to));
          for (const lead of new Set(["", ...leads])) for (const part of parts) add(lead, part);
        }
        const inner = elements[from];
        if (inner !== undefined)
          for (const below of alternativesIn(inner)) visit(below, [...new Set(leads)].slice(0, 2));
      }
    }
  };
  visit(pattern.alternatives, [""]);
  const texts = [...found.values()];
  // Of very many, some from all over.
  const every = Math.ceil(texts.length / mostTexts);
  return texts.filter((_, at) => at % every === 0);
}

function alternativesIn(element: AST.Element): readonly (readonly AST.Alternative[])[] {
  if (element.type === "Quantifier") return alternativesIn(element.element);
  if (element.type === "Group" || element.type === "CapturingGroup") return [element.alternatives];
  return element.type === "Assertion" && "alternatives" in element ? [element.alternatives] : [];
}

/** Short texts that parts of one pattern match. */
class Samples {
  readonly #candidates: readonly string[];
  readonly #flags: AST.Flags;

  constructor(literal: string, flags: AST.Flags) {
    const ascii = Array.from({ length: 95 }, (_, at) => String.fromCharCode(32 + at));
    const others = ["\n", "\t", "\r", "\u0000", "\u200f", "\u2028", "é"];
    this.#candidates = [...new Set([" ", "a", "0", ":", ...Array.from(literal), ...ascii, ...others])];
    this.#flags = flags;
  }

  /** @param least how often a part that may be absent is there */
  of(element: AST.Element, least: number): string {
    switch (element.type) {
      case "Quantifier": {
        const times = Math.min(element.max, Math.max(element.min, least));
        return this.of(element.element, least).repeat(Math.min(times, 64));
      }
      case "Group":
      case "CapturingGroup":
        return this.sequence(element.alternatives[0]?.elements ?? [], least);
      default:
        return this.#chars(element)[0] ?? "";
    }
  }

  sequence(elements: readonly AST.Element[], least: number): string {
    return elements.map((element) => this.of(element, least)).join("");
  }

  /** Of a sequence: with and without what may be absent; of a single part each of the characters and alternatives. */
  several(elements: readonly AST.Element[]): readonly string[] {
    const all = [this.sequence(elements, 0), this.sequence(elements, 1)];
    const [only, ...others] = elements;
    if (only === undefined || others.length > 0) return [...new Set(all)];
    const inner = only.type === "Quantifier" ? only.element : only;
    return [...new Set([...all, ...this.#chars(inner)])];
  }

  #chars(element: AST.Element): readonly string[] {
    if (!isCharacter(element)) return [];
    const accepts = charMatcher(element.raw, this.#flags);
    return this.#candidates.filter((char) => accepts(char)).slice(0, 3);
  }
}
