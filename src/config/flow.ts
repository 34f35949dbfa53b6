/** Writes one value as one line of YAML that readers of version 1.1 and 1.2 alike read as that value. */
import { stringify } from "yaml";
import type { Plain } from "./field.ts";

/** Never more than one line, whatever the value holds. */
export function flow(value: Plain): string {
  if (typeof value === "string" && bare.test(value) && !ambiguous.test(value)) return value;
  return isLikeJson(value) ? JSON.stringify(value) : asYaml(value);
}

/** Words, numbers with a unit and addresses: the YAML library writes them as they are, and takes 4 ms to do so for the first time. */
const bare = /^(?:[a-z_/][\w/.-]*|\d{1,9}[a-z]{1,2}|(?:\d{1,3}\.){3}\d{1,3}:\d{1,5})$/i;

/** Bare, these are a boolean, null or a number to some reader of YAML 1.1 or 1.2: `yes`, `0xa`, `e5`. */
const ambiguous = /^(?:true|false|null|y|n|yes|no|on|off|0[box].*|e-?\d+)$/i;

function isLikeJson(value: Plain): boolean {
  // The library leaves lines apart whose first word has a type of its own.
  if (typeof value === "string") return value.includes("\n");
  if (typeof value !== "object") return typeof value === "boolean" || Number.isSafeInteger(value);
  return value !== null && Object.keys(value).length === 0;
}

function asYaml(value: Plain): string {
  return stringify(value, {
    // Also quotes what only a reader of YAML 1.1 would take for something else.
    compat: "yaml-1.1",
    blockQuote: false,
    collectionStyle: "flow",
    flowCollectionPadding: false,
    lineWidth: 0,
    doubleQuotedMinMultiLineLength: Infinity,
  }).replace(/\n$/, "");
}
