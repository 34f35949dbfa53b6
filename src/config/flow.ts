/** Owns one value as one line of YAML. */
import { stringify } from "yaml";
import type { Plain } from "./field.ts";

/** Never more than one line, whatever the value holds. */
export function flow(value: Plain): string {
  if (typeof value === "string" && bare.test(value)) return value;
  return isLikeJson(value) ? JSON.stringify(value) : asYaml(value);
}

/** Words, numbers with a unit and addresses: YAML writes them as they are, and its library takes 4 ms to say so for the first time. */
const bare = /^(?!(?:true|false|null)$)(?:[a-z_/][\w/.-]*|\d{1,9}[a-z]{1,2}|[\d.]{7,15}:\d{1,5})$/i;

function isLikeJson(value: Plain): boolean {
  // The library leaves lines apart whose first word has a type of its own.
  if (typeof value === "string") return value.includes("\n");
  if (typeof value !== "object") return typeof value === "boolean" || Number.isSafeInteger(value);
  return value !== null && Object.keys(value).length === 0;
}

function asYaml(value: Plain): string {
  return stringify(value, {
    blockQuote: false,
    collectionStyle: "flow",
    flowCollectionPadding: false,
    lineWidth: 0,
    doubleQuotedMinMultiLineLength: Infinity,
  }).replace(/\n$/, "");
}
