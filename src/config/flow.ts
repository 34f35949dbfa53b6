/** Owns one value as one line of YAML. */
import { stringify } from "yaml";
import type { Plain } from "./field.ts";

/** Never more than one line, whatever the value holds. */
export function flow(value: Plain): string {
  if (isBare(value)) return String(value);
  return isEmpty(value) ? JSON.stringify(value) : quoted(value);
}

/** Words, numbers of a unit and addresses: YAML writes them as they are, and its library takes 4 ms to say so for the first time. */
const bare = /^(?!(?:true|false|null)$)(?:[a-z_/][\w/.-]*|\d{1,9}[a-z]{1,2}|[\d.]{7,15}:\d{1,5})$/i;

function isBare(value: Plain): value is string | number | boolean {
  return (
    typeof value === "boolean" ||
    Number.isSafeInteger(value) ||
    (typeof value === "string" && bare.test(value))
  );
}

const isEmpty = (value: Plain): boolean =>
  typeof value === "object" && value !== null && Object.keys(value).length === 0;

function quoted(value: Plain): string {
  return stringify(value, {
    blockQuote: false,
    collectionStyle: "flow",
    flowCollectionPadding: false,
    lineWidth: 0,
    doubleQuotedMinMultiLineLength: Infinity,
  }).replace(/\n$/, "");
}
