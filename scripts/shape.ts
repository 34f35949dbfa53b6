/**
 * Prints the shape of `src/`: lines and files by folder, the sizes of files, long functions, files that only one other file
 * imports, and how much code a sample passes on its way from the child process to the receiver.
 *
 *     npm run shape              # this checkout
 *     npm run shape -- FOLDER    # another one, to compare with
 */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { readSource, type SourceFile } from "../test/architecture/sources.ts";

/** Functions longer than this are listed; the linter's limit. */
const longFunctionLines = 60;

/** What a sample does not pass between the child process and a remote write receiver. */
const besideTheWay =
  /^src\/(endpoint|status|command|config|daemon|simulator|sink\/(otlp|pushgateway|relabel))\//;

interface File extends SourceFile {
  readonly lines: number;
  readonly longFunctions: readonly string[];
}

function readFolder(root: string): readonly File[] {
  return readdirSync(join(root, "src"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ts|css)$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).replaceAll("\\", "/"))
    .toSorted()
    .map((path) => {
      const text = readFileSync(join(root, path), "utf8");
      const source = readSource(path, path.endsWith(".ts") ? text : "");
      return { ...source, lines: text.split("\n").length - 1, longFunctions: longFunctionsOf(path, text) };
    });
}

function longFunctionsOf(path: string, text: string): readonly string[] {
  if (!path.endsWith(".ts")) return [];
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const found: string[] = [];
  function visit(node: ts.Node): void {
    if (ts.isFunctionLike(node) && "body" in node && node.body !== undefined) {
      const first = file.getLineAndCharacterOfPosition(node.getStart()).line;
      const lines = file.getLineAndCharacterOfPosition(node.getEnd()).line - first + 1;
      const name = node.name?.getText() ?? "a function";
      if (lines > longFunctionLines) found.push(`${path}:${first + 1} ${name}, ${lines} lines`);
    }
    ts.forEachChild(node, visit);
  }
  visit(file);
  return found;
}

/** Files that `from` needs at run time, itself included. */
function closure(files: ReadonlyMap<string, File>, from: string): ReadonlySet<string> {
  const reached = new Set<string>();
  function visit(path: string): void {
    const file = files.get(path);
    if (file === undefined || reached.has(path) || besideTheWay.test(path)) return;
    reached.add(path);
    for (const { target, ours, typeOnly } of file.imports) if (ours && !typeOnly) visit(target);
  }
  visit(from);
  return reached;
}

function importedOnce(files: readonly File[]): readonly string[] {
  const importers = new Map<string, Set<string>>();
  for (const { path, imports } of files)
    for (const { target, ours } of imports)
      if (ours) importers.set(target, (importers.get(target) ?? new Set()).add(path));
  return [...importers].filter(([, by]) => by.size === 1).map(([path]) => path);
}

function report(files: readonly File[]): string {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const folders = Map.groupBy(files, ({ path }) => path.split("/").slice(1, -1)[0] ?? "(top)");
  const sizes = files.map(({ lines }) => lines).toSorted((a, b) => a - b);
  const largest = files.toSorted((a, b) => b.lines - a.lines).slice(0, 5);
  const way = [...closure(byPath, "src/agent.ts")];
  const long = files.flatMap(({ longFunctions }) => longFunctions);
  return [
    ...[...folders].map(([name, of]) => row(name, sum(of), of.length)),
    row("all", sum(files), files.length),
    "",
    `median file: ${sizes[Math.floor(sizes.length / 2)] ?? 0} lines; 95 % under ${sizes[Math.floor(sizes.length * 0.95)] ?? 0}`,
    `largest: ${largest.map(({ path, lines }) => `${path} ${lines}`).join(", ")}`,
    `files that one other file imports: ${importedOnce(files).length}`,
    `a sample's way, import closure of src/agent.ts without what stands beside it: ${way.length} files, ` +
      `${way.reduce((total, path) => total + (byPath.get(path)?.lines ?? 0), 0)} lines`,
    `functions above ${longFunctionLines} lines: ${long.length}`,
    ...long.map((one) => `  ${one}`),
  ].join("\n");
}

function sum(files: readonly File[]): number {
  return files.reduce((total, { lines }) => total + lines, 0);
}

function row(name: string, lines: number, files: number): string {
  return `${name.padEnd(12)}${String(lines).padStart(7)} lines ${String(files).padStart(5)} files`;
}

const root = process.argv[2] ?? fileURLToPath(new URL("../", import.meta.url));
console.log(report(readFolder(root)));
