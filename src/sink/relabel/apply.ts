/** Relabels one label set as Prometheus' relabel.Process does, with label names in their classic form. Loads the engine. */
import { createHash } from "node:crypto";
import { isLabelName, isMetricName } from "../../metric/series.ts";
import { compilePattern, type Pattern } from "./pattern.ts";
import type { RelabelRule } from "./schema.ts";

type Labels = Map<string, string>;

/** Labels of a series, `__name__` included, to those that go on the wire; undefined when the series is dropped. */
export type Relabel = (labels: ReadonlyMap<string, string>) => ReadonlyMap<string, string> | undefined;

/** One rule on the labels it may change; false drops the series. */
type Step = (labels: Labels) => boolean;

/** @throws Error for an expression that is none */
export function compileRelabel(rules: readonly RelabelRule[]): Relabel {
  if (rules.length === 0) return (labels) => labels;
  const relabel = compileRules(rules);
  return (labels) => {
    const changed = relabel(labels);
    const name = changed?.get("__name__") ?? "";
    // A scraped name may be any text; one that rules made must be classic.
    return name === labels.get("__name__") || isMetricName(name) ? changed : undefined;
  };
}

/** The same for any labels, a target's that have no name among them. @throws Error for an expression that is none */
export function compileRules(rules: readonly RelabelRule[]): Relabel {
  const steps = rules.map(compileStep);
  return (labels) => {
    const changed = new Map(labels);
    return steps.every((step) => step(changed)) ? changed : undefined;
  };
}

function compileStep(rule: RelabelRule): Step {
  const compiled = compilePattern(rule.regex);
  if (!compiled.ok) throw new Error(compiled.error);
  const { pattern } = compiled;
  const { target_label: target, replacement } = rule;
  const joined = (labels: Labels): string => join(rule, labels);
  switch (rule.action) {
    case "keep":
      return (labels) => pattern.match(joined(labels)) !== undefined;
    case "drop":
      return (labels) => pattern.match(joined(labels)) === undefined;
    case "keepequal":
      return (labels) => (labels.get(target) ?? "") === joined(labels);
    case "dropequal":
      return (labels) => (labels.get(target) ?? "") !== joined(labels);
    case "replace":
      return always((labels) => replace(labels, pattern, joined(labels), target, replacement));
    case "lowercase":
      return always((labels) => set(labels, target, goLower(joined(labels))));
    case "uppercase":
      return always((labels) => set(labels, target, goUpper(joined(labels))));
    case "hashmod":
      return always((labels) => set(labels, target, hashModulo(joined(labels), rule.modulus)));
    case "labelmap":
      return always((labels) => mapNames(labels, pattern, replacement));
    case "labeldrop":
      return always((labels) => removeNames(labels, (name) => pattern.match(name) !== undefined));
    case "labelkeep":
      return always((labels) => removeNames(labels, (name) => pattern.match(name) === undefined));
  }
}

function join({ source_labels: sources, separator }: RelabelRule, labels: Labels): string {
  return sources.map((name) => labels.get(name) ?? "").join(separator);
}

function always(change: (labels: Labels) => void): Step {
  return (labels) => {
    change(labels);
    return true;
  };
}

function replace(labels: Labels, pattern: Pattern, value: string, target: string, replacement: string): void {
  const match = pattern.match(value);
  if (match === undefined) return;
  const name = match.expand(target);
  if (isLabelName(name)) set(labels, name, match.expand(replacement));
}

function mapNames(labels: Labels, pattern: Pattern, replacement: string): void {
  // All matches are found before the first change, as Prometheus ranges over the labels that it began with.
  for (const [name, value] of [...labels]) {
    const mapped = pattern.match(name)?.expand(replacement) ?? "";
    if (isLabelName(mapped)) set(labels, mapped, value);
  }
}

function removeNames(labels: Labels, unwanted: (name: string) => boolean): void {
  for (const name of [...labels.keys()]) if (unwanted(name)) labels.delete(name);
}

/** An empty value is no label. */
function set(labels: Labels, name: string, value: string): void {
  if (value === "") labels.delete(name);
  else labels.set(name, value);
}

/** The last eight bytes of the MD5 digest, as Prometheus takes them, so that shards agree. */
function hashModulo(text: string, modulus: number): string {
  const digest = createHash("md5").update(text).digest();
  return (digest.readBigUInt64BE(8) % BigInt(modulus)).toString();
}

/**
 * Letter case as Go's strings.ToLower and ToUpper change it, which Prometheus uses: each character by itself, to exactly
 * one other. JavaScript has longer mappings (ß to SS), and another one for a Σ at the end of a word.
 */
function goLower(text: string): string {
  return Array.from(text, simpleLower).join("");
}

function goUpper(text: string): string {
  return Array.from(text, simpleUpper).join("");
}

/** The dotted capital I is the only letter that has both a long mapping and a short one. */
function simpleLower(character: string): string {
  return character === "\u0130" ? "i" : (single(character.toLowerCase()) ?? character);
}

function simpleUpper(character: string): string {
  return single(character.toUpperCase()) ?? greekCapital(character) ?? character;
}

/** The capital of a Greek vowel with a small iota below stands 8 or 9 further; JavaScript maps only from it, not to it. */
function greekCapital(character: string): string | undefined {
  const code = character.codePointAt(0) ?? 0;
  return [code + 8, code + 9]
    .map((candidate) => String.fromCodePoint(candidate))
    .find((capital) => capital.toLowerCase() === character);
}

function single(mapped: string): string | undefined {
  return Array.from(mapped).length === 1 ? mapped : undefined;
}
