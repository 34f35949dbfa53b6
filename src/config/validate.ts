/** Holds what was written against a schema: each broken rule becomes a problem, in the project's words, where the value was written. */
import type * as z from "zod";
import { isScalar, visit } from "yaml";
import { applyDefaults, type Applied, type Rules } from "./apply-defaults.ts";
import { isUnread, referenceOf, type Node, type Written } from "./document.ts";
import { fieldAt, type Field } from "./field.ts";
import { formatPath, quote, suggestion } from "./problem.ts";

type RawIssue = Parameters<z.core.$ZodErrorMap>[0];

interface Validated<Value> extends Applied {
  /** With the schema's types; undefined when a rule is broken. */
  readonly valid: Value | undefined;
}

/** Problems are added to those of `written`. */
export function validate<Schema extends z.ZodType>(
  schema: Schema,
  field: Field,
  written: Written,
  rules: Rules,
): Validated<z.output<Schema>> {
  const applied = applyDefaults(written, field, rules);
  // Compiling a parser for a single use costs more than it saves.
  const result = schema.safeParse(applied.value, { error: wording(written, field), jitless: true });
  if (!result.success) report(result.error.issues, written);
  return { ...applied, valid: result.data };
}

/** The message for an issue whose schema brings none of its own. */
function wording(written: Written, field: Field): z.core.$ZodErrorMap {
  return (issue) => {
    if (issue.input === undefined) return "must be set";
    return rule(issue) + got(issue, written, field) + hint(issue);
  };
}

/** One problem an issue, except where its value is missing only because it could not be read. */
function report(issues: readonly z.core.$ZodIssue[], { nearest, originOf, problems }: Written): void {
  for (const issue of issues) {
    const node = nearest(issue.path);
    if (isUnread(node) || (issue.code === "custom" && holdsUnread(node))) continue;
    problems.push({ origin: originOf(node), path: formatPath(issue.path), message: messageOf(issue) });
  }
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
function got(issue: RawIssue, written: Written, field: Field): string {
  const path = issue.path ?? [];
  if (fieldAt(field, path)?.secret === true) return "";
  const node = written.nearest(path);
  const reference = isScalar(node) ? referenceOf(node) : undefined;
  if (reference !== undefined) return `, got ${quote(reference)}`;
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

function holdsUnread(node: Node): boolean {
  let holds = false;
  visit(node, {
    Scalar(_, scalar) {
      holds ||= isUnread(scalar);
    },
  });
  return holds;
}
