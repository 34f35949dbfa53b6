/** Prints the configuration: YAML that loads again, secrets hidden, each value with where it comes from on request. */
import { stringify } from "yaml";
import { maskUrls } from "../runtime/redact.ts";
import { child, isList, type Field, type Plain } from "./field.ts";
import { formatOrigin, formatPath, type Origin, type Path } from "./problem.ts";

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

/** `printable` as YAML; with `origins`, the place of each value as a comment behind it. */
export function printConfiguration(
  printable: Plain,
  origins: ReadonlyMap<string, Origin> = new Map<string, Origin>(),
): string {
  return `${linesOf(printable, [], origins).join("\n")}\n`;
}

function linesOf(value: Plain, path: Path, origins: ReadonlyMap<string, Origin>): string[] {
  if (value === null || typeof value !== "object") return [flow(value)];
  if (isList(value)) {
    return value.flatMap((item, index) => under("-", item, [...path, index], origins));
  }
  return Object.entries(value).flatMap(([key, item]) =>
    item === undefined ? [] : under(`${flow(key)}:`, item, [...path, key], origins),
  );
}

function under(mark: string, value: Plain, path: Path, origins: ReadonlyMap<string, Origin>): string[] {
  if (isLeaf(value)) {
    const origin = origins.get(formatPath(path));
    return [`${mark} ${flow(escaped(value))}${origin === undefined ? "" : ` # ${formatOrigin(origin)}`}`];
  }
  const lines = linesOf(value, path, origins).map((line) => `  ${line}`);
  return mark === "-"
    ? lines.map((line, index) => (index === 0 ? `- ${line.slice(2)}` : line))
    : [mark, ...lines];
}

/** A `$` that would start a reference when the text is loaded again. */
function escaped(value: Plain): Plain {
  return typeof value === "string" ? value.replace(/\$(?=[${])/g, "$$$$") : value;
}

function isLeaf(value: Plain): boolean {
  return value === null || typeof value !== "object" || Object.keys(value).length === 0;
}

/** One value as one line, whatever it holds, which readers of YAML 1.1 and 1.2 alike read as that value. */
export function flow(value: Plain): string {
  // The library breaks such text up when its first word could be of another type.
  if (typeof value === "string" && value.includes("\n")) return JSON.stringify(value);
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
