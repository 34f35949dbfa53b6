/** Words broken rules: zod's issues in the project's error grammar, at the place where the value was written. */
import type * as z from "zod";
import { fieldAt, type Field } from "./field.ts";
import { formatPath, quote, type Problem } from "./problem.ts";
import { suggestion } from "./suggest.ts";
import { nearestNode, type Node } from "./tree.ts";

type RawIssue = Parameters<z.core.$ZodErrorMap>[0];

/** The message for an issue whose schema brings none of its own. */
export function wording(root: Node, field: Field): z.core.$ZodErrorMap {
  return (issue) => {
    if (issue.input === undefined) return "must be set";
    return rule(issue) + got(issue, root, field) + hint(issue);
  };
}

/** One problem an issue, except where its value is missing only because a reference in it failed: that is reported already. */
export function problemsOf(issues: readonly z.core.$ZodIssue[], root: Node): Problem[] {
  return issues.flatMap((issue) => {
    const node = nearestNode(root, issue.path);
    if (isUnresolved(node) || (issue.code === "custom" && holdsUnresolved(node))) return [];
    return [{ origin: node.origin, path: formatPath(issue.path), message: messageOf(issue) }];
  });
}

/** A record's key breaks rules of its own, which say more than that it is broken. */
function messageOf(issue: z.core.$ZodIssue): string {
  return (issue.code === "invalid_key" ? issue.issues[0]?.message : undefined) ?? issue.message;
}

function rule(issue: RawIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return `must be ${typeNames[issue.expected] ?? issue.expected}`;
    case "invalid_value":
      return `must be ${alternatives(issue.values.map(String))}`;
    case "too_small":
      return isSized(issue.origin) ? "must not be empty" : `must be at least ${issue.minimum}`;
    case "too_big":
      return isSized(issue.origin)
        ? `must have at most ${issue.maximum}`
        : `must be at most ${issue.maximum}`;
    case "invalid_format":
      return `must be of the form ${issue.pattern ?? issue.format}`;
    default:
      return "must be of another form";
  }
}

const typeNames: Readonly<Partial<Record<string, string>>> = {
  object: "a section with keys of its own",
  record: "a map of names to values",
  array: "a list",
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
};

const isSized = (origin: string): boolean => origin === "string" || origin === "array";

const alternatives = (values: readonly string[]): string =>
  values.length < 2 ? values.join("") : `${values.slice(0, -1).join(", ")} or ${values.at(-1) ?? ""}`;

/** What was written instead; a variable's value stays out of the message, and so does a secret. */
function got(issue: RawIssue, root: Node, field: Field): string {
  const path = issue.path ?? [];
  if (fieldAt(field, path)?.secret === true) return "";
  const node = nearestNode(root, path);
  if (node.kind === "scalar" && node.reference !== undefined) return `, got ${quote(node.reference)}`;
  if (Array.isArray(issue.input)) return ", got a list";
  if (isBlockOfText(issue)) return ", got text";
  return typeof issue.input === "object" && issue.input !== null
    ? ", got a map"
    : `, got ${quote(issue.input)}`;
}

/** A stray `>` or `|` makes text of a whole block, its keys' secrets among it. */
function isBlockOfText({ code, input, ...issue }: RawIssue): boolean {
  const wantsKeys = "expected" in issue && ["object", "record", "array"].includes(String(issue.expected));
  return code === "invalid_type" && wantsKeys && typeof input === "string" && /[\s:]/.test(input);
}

function hint(issue: RawIssue): string {
  if (issue.code !== "invalid_value" || typeof issue.input !== "string") return "";
  return suggestion(issue.input, issue.values.map(String));
}

function holdsUnresolved(node: Node): boolean {
  switch (node.kind) {
    case "scalar":
      return isUnresolved(node);
    case "list":
      return node.items.some(holdsUnresolved);
    case "map":
      return [...node.entries.values()].some((entry) => holdsUnresolved(entry.node));
  }
}

const isUnresolved = (node: Node): boolean => node.kind === "scalar" && node.unresolved === true;
