/** What of a configuration may be printed: values with secrets and passwords hidden. */
import { child, type Field, type Plain } from "./field.ts";
import { maskUrls } from "../runtime/redact.ts";
import { isList } from "./tree.ts";

/** The same values; a secret becomes `<secret>`, the credentials in a URL `***`. */
export function redact(value: Plain, field: Field | undefined): Plain {
  if (field?.secret === true) return "<secret>";
  if (typeof value === "string") return maskUrls(value);
  if (value === null || typeof value !== "object") return value;
  if (isList(value)) return value.map((item) => redact(item, field && child(field, 0)));
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]): [string, Plain][] =>
      item === undefined ? [] : [[key, redact(item, field && child(field, key))]],
    ),
  );
}
