/**
 * Owns which rules are to be taken: those of Prometheus' relabel.Config.Validate with label names in the classic form, less
 * those whose result needs what JavaScript's engine does not know. Written a second time; nothing of it is shared with src.
 */
import type { Meant, Rule, Tree } from "./relabel-model.ts";

/** What a rule without `regex` matches. */
export const everything: Tree = {
  is: "group",
  part: { is: "repeat", part: { is: "any" }, least: 0, most: Infinity, lazy: false },
};

export function isTaken({ rule, tree }: Meant): boolean {
  if (!isAllowed(rule, tree === undefined)) return false;
  if (rule.action !== "replace" && rule.action !== "labelmap") return true;
  const { target_label = "", replacement = "$1" } = rule;
  return [target_label, replacement].every((template) => !isUnsure(tree ?? everything, template));
}

const labelName = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const relabelTarget = /^(?:(?:[a-zA-Z_]|\$(?:\{\w+\}|\w+))+\w*)+$/;

function isAllowed(rule: Rule, hasDefaultRegex: boolean): boolean {
  const { source_labels = [], separator = ";", target_label = "", replacement = "$1", modulus = 0 } = rule;
  switch (rule.action) {
    case "replace":
      return relabelTarget.test(target_label);
    case "labelmap":
      return relabelTarget.test(replacement);
    case "hashmod":
      return labelName.test(target_label) && modulus > 0;
    case "lowercase":
    case "uppercase":
      return labelName.test(target_label) && replacement === "$1";
    case "keepequal":
    case "dropequal":
      return (
        labelName.test(target_label) &&
        hasDefaultRegex &&
        separator === ";" &&
        replacement === "$1" &&
        modulus === 0
      );
    case "labeldrop":
    case "labelkeep":
      return (
        source_labels.length === 0 &&
        target_label === "" &&
        separator === ";" &&
        replacement === "$1" &&
        modulus === 0
      );
    default:
      return true;
  }
}

/** Whether a template refers to a group that a repetition may pass by in its last round: RE2 keeps it, JavaScript does not. */
export function isUnsure(tree: Tree, template: string): boolean {
  const { passed, names } = groupsOf(tree);
  const references = template.replaceAll("$$", " ").matchAll(/\$(?:\{(\w+)\}|(\w+))/g);
  return [...references].some(([, braced = "", bare = ""]) => {
    const name = braced + bare;
    return passed.has(names.get(name) ?? (/^[1-9]\d*$/.test(name) ? Number(name) : 0));
  });
}

interface Found {
  readonly names: Map<string, number>;
  readonly passed: Set<number>;
}

function groupsOf(tree: Tree): Found {
  const found: Found = { names: new Map(), passed: new Set() };
  let count = 0;

  /** Groups inside, and those of them that a match may do without. */
  function walk(part: Tree): { all: readonly number[]; spared: readonly number[] } {
    const own = part.is === "group" ? [++count] : [];
    if (part.is === "group" && part.name !== undefined) found.names.set(part.name, count);
    const parts = "parts" in part ? part.parts : "part" in part ? [part.part] : [];
    const inner = parts.map(walk);
    const all = [...own, ...inner.flatMap((one) => one.all)];
    const spared = inner.flatMap((one) => one.spared);
    if (part.is === "repeat" && part.most > 1) for (const one of spared) found.passed.add(one);
    const isOptional = part.is === "choice" || (part.is === "repeat" && part.least === 0);
    return { all, spared: isOptional ? all : spared };
  }

  walk(tree);
  return found;
}
