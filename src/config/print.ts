/** Owns the printed configuration: YAML that loads again, each value with where it comes from on request. Loaded on demand only. */
import { Document, isCollection, isMap, isScalar, isSeq } from "yaml";
import type { Plain } from "./field.ts";
import { formatOrigin, formatPath, type Origin, type Path } from "./problem.ts";

/** `printable` as YAML; with `origins`, the place of each value as a comment behind it. */
export function printConfiguration(printable: Plain, origins?: ReadonlyMap<string, Origin>): string {
  const document = new Document(printable, { aliasDuplicateObjects: false });
  if (origins !== undefined) annotate(document.contents, [], origins);
  return document.toString({ lineWidth: 0 });
}

function annotate(node: unknown, path: Path, origins: ReadonlyMap<string, Origin>): void {
  const origin = origins.get(formatPath(path));
  if (origin !== undefined && (isScalar(node) || isCollection(node)))
    node.comment = ` ${formatOrigin(origin)}`;
  if (isMap(node)) for (const { key, value } of node.items) annotate(value, [...path, keyText(key)], origins);
  if (isSeq(node))
    for (const [index, item] of node.items.entries()) annotate(item, [...path, index], origins);
}

const keyText = (key: unknown): string => (isScalar(key) ? String(key.value) : String(key));
