/**
 * Counts the steps that a backtracking engine takes to search a text with a regular expression: every comparison of a
 * character and every assertion is one. It tries what ECMAScript says an engine tries, in that order (ECMA-262, section 22.2.2).
 */
import { RegExpParser, type AST } from "@eslint-community/regexpp";

/** More than these and the count ends. */
const mostSteps = 1_000_000;

/** Where a match ends, or what the rest of the pattern makes of it; undefined without one. */
type Next = (at: number) => number | undefined;
type Matcher = (at: number, next: Next) => number | undefined;

export interface Counter {
  /** Infinity where it would be millions. */
  steps(text: string): number;
}

/** @param literal as it is written in JavaScript: `/a+/g` */
export function countSteps(literal: string): Counter {
  const { pattern, flags } = new RegExpParser().parseLiteral(literal);
  const state = { text: "", steps: 0 };
  const search = new Search(flags, state);
  const matcher = search.either(pattern.alternatives);
  const anchored = pattern.alternatives.every(({ elements: [first] }) => isStart(first)) && !flags.multiline;
  return {
    steps(text) {
      Object.assign(state, { text, steps: 0 });
      try {
        // As matchAll and replaceAll go on after each match; an engine gives up a pattern for the start after the first try.
        const last = anchored ? 0 : text.length;
        for (let at = 0; at <= last;) {
          const end = matcher(at, (reached) => reached);
          if (end === undefined && flags.sticky) break;
          at = Math.max(at + 1, end ?? 0);
        }
        return state.steps;
      } catch (error) {
        if (error instanceof TooManySteps) return Infinity;
        throw error;
      }
    },
  };
}

class TooManySteps extends Error {}

const isStart = (element: AST.Element | undefined): boolean =>
  element?.type === "Assertion" && element.kind === "start";

class Search {
  readonly #flags: AST.Flags;
  readonly #state: { text: string; steps: number };

  constructor(flags: AST.Flags, state: { text: string; steps: number }) {
    this.#flags = flags;
    this.#state = state;
  }

  either(alternatives: readonly AST.Alternative[]): Matcher {
    const all = alternatives.map(({ elements }) => this.#sequence(elements));
    return (at, next) => {
      for (const one of all) {
        const end = one(at, next);
        if (end !== undefined) return end;
      }
      return undefined;
    };
  }

  #sequence(elements: readonly AST.Element[]): Matcher {
    const [first, ...rest] = elements;
    if (first === undefined) return (at, next) => next(at);
    const [head, tail] = [this.#element(first), this.#sequence(rest)];
    return (at, next) => head(at, (end) => tail(end, next));
  }

  #element(element: AST.Element): Matcher {
    switch (element.type) {
      case "Group":
      case "CapturingGroup":
        return this.either(element.alternatives);
      case "Quantifier":
        return this.#quantifier(element);
      case "Assertion":
        return this.#assertion(element);
      case "Character":
      case "CharacterSet":
      case "CharacterClass":
        return this.#character(this.#accepts(element));
      default:
        throw new Error(`cannot count the steps of ${element.raw}: no linear engine has it`);
    }
  }

  #step(): void {
    if (++this.#state.steps > mostSteps) throw new TooManySteps();
  }

  #character(accepts: (at: number) => boolean): Matcher {
    return (at, next) => (accepts(at) ? next(at + 1) : undefined);
  }

  /** Counted. */
  #accepts(element: AST.Element): (at: number) => boolean {
    const one = charMatcher(element.raw, this.#flags);
    return (at) => {
      this.#step();
      return at < this.#state.text.length && one(this.#state.text.charAt(at));
    };
  }

  #quantifier({ element, min, max, greedy }: AST.Quantifier): Matcher {
    if (isCharacter(element)) return this.#run(this.#accepts(element), min, max, greedy);
    const body = this.#element(element);
    const repeat = (at: number, times: number, next: Next): number | undefined => {
      const more = (): number | undefined =>
        times >= max
          ? undefined
          : body(at, (end) => (end === at && times >= min ? undefined : repeat(end, times + 1, next)));
      if (times < min) return more();
      return greedy ? (more() ?? next(at)) : (next(at) ?? more());
    };
    return (at, next) => repeat(at, 0, next);
  }

  /** Without a frame on the stack for each character. */
  #run(accepts: (at: number) => boolean, min: number, max: number, greedy: boolean): Matcher {
    return (at, next) => {
      let end = at;
      const most = at + max;
      const least = at + min;
      if (!greedy) {
        for (; end < least; end++) if (!accepts(end)) return undefined;
        for (let found = next(end); ; found = next(end)) {
          if (found !== undefined) return found;
          if (end >= most || !accepts(end)) return undefined;
          end++;
        }
      }
      while (end < most && accepts(end)) end++;
      for (; end >= least; end--) {
        const found = next(end);
        if (found !== undefined) return found;
      }
      return undefined;
    };
  }

  #assertion(assertion: AST.Assertion): Matcher {
    const holds = this.#condition(assertion);
    return (at, next) => {
      this.#step();
      return holds(at) ? next(at) : undefined;
    };
  }

  #condition(assertion: AST.Assertion): (at: number) => boolean {
    const text = (): string => this.#state.text;
    const isWord = (at: number): boolean => /\w/.test(text().charAt(at));
    const isBreak = (at: number): boolean =>
      this.#flags.multiline && /[\n\r\u2028\u2029]/.test(text().charAt(at));
    switch (assertion.kind) {
      case "start":
        return (at) => at === 0 || isBreak(at - 1);
      case "end":
        return (at) => at === text().length || isBreak(at);
      case "word":
        return (at) => (isWord(at - 1) !== isWord(at)) !== assertion.negate;
      case "lookahead": {
        const ahead = this.either(assertion.alternatives);
        return (at) => (ahead(at, (end) => end) !== undefined) !== assertion.negate;
      }
      case "lookbehind": {
        const behind = oneCharacterOf(assertion);
        const accepts = this.#accepts(behind);
        return (at) => (at > 0 && accepts(at - 1)) !== assertion.negate;
      }
    }
  }
}

export const isCharacter = (element: AST.Element): boolean =>
  element.type === "Character" || element.type === "CharacterSet" || element.type === "CharacterClass";

function oneCharacterOf({ alternatives, raw }: AST.LookbehindAssertion): AST.Element {
  const [first, ...others] = alternatives.flatMap(({ elements }) => elements);
  if (first === undefined || others.length > 0 || !isCharacter(first))
    throw new Error(`${raw} must look behind for one character`);
  return first;
}

/** Whether a character is what a class, a set or a character of a pattern stands for. */
export function charMatcher(
  raw: string,
  { ignoreCase, dotAll, unicode, unicodeSets }: AST.Flags,
): (char: string) => boolean {
  const flags = [ignoreCase && "i", dotAll && "s", unicode && "u", unicodeSets && "v"]
    .filter(Boolean)
    .join("");
  const pattern = new RegExp(`^(?:${raw})$`, flags);
  const known = new Map<string, boolean>();
  return (char) => {
    const answer = known.get(char) ?? pattern.test(char);
    known.set(char, answer);
    return answer;
  };
}
