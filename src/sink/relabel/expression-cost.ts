/** Estimates, in one pass, how many parts an RE2 expression has once its counted repetitions are written out. */

/** Beyond it the engine would take seconds and hundreds of megabytes to compile: `\pL{1000}` a thousand times takes 6 GB. */
export const mostCost = 100_000;

/** A class is a list of ranges, of which those of Unicode have hundreds. */
const classCost = 20;

/** A counted repetition multiplies what stands before it, a character, a class or a whole group. */
export function expressionCost(source: string): number {
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
