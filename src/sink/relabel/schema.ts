/**
 * One rule of `write_relabel_configs` as a user writes it, with the checks that Prometheus makes on loading. Only the
 * expression itself is compiled later, by an engine that is loaded where there is one.
 */
import * as z from "zod";
import type { Frozen } from "../../runtime/setting.ts";
import { isLabelName } from "../../metric/series.ts";

/** As long as an alternation of some thousand host names. */
const mostCharacters = 65_536;

export const mostRules = 1000;

const defaults = { separator: ";", regex: "(.*)", replacement: "$1" } as const;

const ruleShape = () =>
  z.strictObject({
    source_labels: z
      .array(z.string().min(1))
      .default([])
      .describe("Labels whose values are joined and matched"),
    separator: z.string().default(defaults.separator).describe("What stands between the joined values"),
    target_label: z.string().default("").describe("Label that the result is written to"),
    regex: z
      .string()
      .max(mostCharacters, `must have at most ${mostCharacters} characters`)
      .default(defaults.regex)
      .describe("RE2 expression that must match the joined values from end to end"),
    modulus: z
      .int()
      .min(0)
      .default(0)
      .describe("For hashmod: the hash of the joined values is taken modulo this"),
    replacement: z
      .string()
      .default(defaults.replacement)
      .describe("Result of a match; $1 and ${name} stand for groups"),
    action: z
      .enum([
        "replace",
        "keep",
        "drop",
        "keepequal",
        "dropequal",
        "hashmod",
        "lowercase",
        "uppercase",
        "labelmap",
        "labeldrop",
        "labelkeep",
      ])
      .default("replace")
      .describe("What a match does"),
  });

export type RelabelRule = Frozen<z.output<ReturnType<typeof ruleShape>>>;

/** A rule; what Prometheus would refuse on loading is refused here, with the key it concerns. Built only when there is one. */
export const relabelRuleSchema = z.lazy(() =>
  ruleShape().superRefine((rule, context) => {
    for (const [key, message] of actionProblems(rule))
      context.addIssue({ code: "custom", path: [key], message });
  }),
);

type Problem = readonly [key: keyof RelabelRule, message: string];

/** The conditions of Prometheus' relabel.Config.Validate, with label names in the documented form `[a-zA-Z_][a-zA-Z0-9_]*`. */
function actionProblems(rule: RelabelRule): readonly Problem[] {
  switch (rule.action) {
    case "replace":
      return isLabelTemplate(rule.target_label) ? [] : [targetProblem(rule)];
    case "hashmod":
      return [
        ...plainTarget(rule),
        ...when(rule.modulus === 0, "modulus", "must be above 0 for hashmod, got 0"),
      ];
    case "lowercase":
    case "uppercase":
      return [...plainTarget(rule), ...unused(rule, ["replacement"])];
    case "keepequal":
    case "dropequal":
      return [...plainTarget(rule), ...unused(rule, ["regex", "modulus", "separator", "replacement"])];
    case "labeldrop":
    case "labelkeep":
      return unused(rule, ["source_labels", "target_label", "modulus", "separator", "replacement"]);
    case "labelmap":
      return when(
        !isLabelTemplate(rule.replacement),
        "replacement",
        `must be a label name for labelmap, got ${JSON.stringify(rule.replacement)}`,
      );
    case "keep":
    case "drop":
      return [];
  }
}

function plainTarget(rule: RelabelRule): readonly Problem[] {
  return isLabelName(rule.target_label) ? [] : [targetProblem(rule)];
}

function targetProblem({ action, target_label: target }: RelabelRule): Problem {
  return ["target_label", `must be a label name for ${action}, got ${JSON.stringify(target)}`];
}

function unused(rule: RelabelRule, keys: readonly (keyof RelabelRule)[]): readonly Problem[] {
  return keys
    .filter((key) => !isDefault(rule, key))
    .map((key) => [key, `must be left out for ${rule.action}, got ${JSON.stringify(rule[key])}`] as const);
}

function isDefault(rule: RelabelRule, key: keyof RelabelRule): boolean {
  switch (key) {
    case "source_labels":
      return rule.source_labels.length === 0;
    case "separator":
    case "regex":
    case "replacement":
      return rule[key] === defaults[key];
    case "target_label":
      return rule.target_label === "";
    case "modulus":
      return rule.modulus === 0;
    case "action":
      return false;
  }
}

function when(condition: boolean, key: keyof RelabelRule, message: string): readonly Problem[] {
  return condition ? [[key, message]] : [];
}

/** A label name in which `$1`, `$name` and `${name}` may stand for parts. */
function isLabelTemplate(text: string): boolean {
  return /^[a-zA-Z_$]/.test(text) && /^(?:\w|\$\w|\$\{\w+\})+$/.test(text);
}
