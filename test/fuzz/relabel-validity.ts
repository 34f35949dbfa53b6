/** Which rules are to be taken: those of Prometheus' relabel.Config.Validate with label names in the classic form. */
import type { Meant, Rule, Tree } from "./relabel-model.ts";

/** What a rule without `regex` matches. */
export const everything: Tree = {
  is: "group",
  part: { is: "repeat", part: { is: "any" }, least: 0, most: Infinity, lazy: false },
};

export function isTaken({ rule, tree }: Meant): boolean {
  return isAllowed(rule, tree === undefined);
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
