/** Owns one value as one line of YAML. */
import { stringify } from "yaml";
import type { Plain } from "./field.ts";

/** Never more than one line, whatever the value holds. */
export function flow(value: Plain): string {
  return stringify(value, {
    blockQuote: false,
    collectionStyle: "flow",
    flowCollectionPadding: false,
    lineWidth: 0,
    doubleQuotedMinMultiLineLength: Infinity,
  }).replace(/\n$/, "");
}
