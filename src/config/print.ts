/** Prints the configuration: YAML that loads again, each value with where it comes from on request. Loaded on demand only. */
import type { Plain } from "./field.ts";
import { flow } from "./flow.ts";
import { formatOrigin, formatPath, type Origin, type Path } from "./problem.ts";
import { isList } from "./tree.ts";

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
