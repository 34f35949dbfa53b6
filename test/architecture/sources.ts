/** Reads our own source: each file of src/ with what it imports and what it takes from the outside world. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const root = fileURLToPath(new URL("../../", import.meta.url));

export interface Import {
  /** From the project's root for a file of ours, else as written. */
  readonly target: string;
  readonly ours: boolean;
  /** Gone when the program runs. */
  readonly typeOnly: boolean;
  /** Taken when it is needed, by `import()`. */
  readonly lazy: boolean;
}

export interface SourceFile {
  /** From the project's root, with slashes. */
  readonly path: string;
  readonly imports: readonly Import[];
  /** What it takes from the outside world by itself, such as `Date.now`; types don't count. */
  readonly world: readonly string[];
}

export function readSources(): readonly SourceFile[] {
  return readdirSync(join(root, "src"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name) && !entry.name.endsWith(".d.ts"))
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted()
    .map((file) => readSource(file.slice(root.length).replaceAll("\\", "/"), readFileSync(file, "utf8")));
}

export function readSource(path: string, text: string): SourceFile {
  const imports: Import[] = [];
  const world = new Set<string>();
  function visit(node: ts.Node): void {
    const imported = importOf(node, path);
    if (imported !== undefined) imports.push(imported);
    for (const name of outsideNames(node)) world.add(name);
    ts.forEachChild(node, visit);
  }
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true));
  return { path, imports, world: [...world] };
}

function importOf(node: ts.Node, path: string): Import | undefined {
  if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
    const typeOnly = node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
    return resolved(path, node.moduleSpecifier.text, { typeOnly });
  }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier && ts.isStringLiteral(node.moduleSpecifier)) {
    return resolved(path, node.moduleSpecifier.text, { typeOnly: node.isTypeOnly });
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    const [target] = node.arguments;
    const written = target !== undefined && ts.isStringLiteral(target) ? target.text : "?";
    return resolved(path, written, { lazy: true });
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    return resolved(path, node.argument.literal.getText().slice(1, -1), { typeOnly: true });
  }
  return undefined;
}

function resolved(path: string, target: string, how: Partial<Import>): Import {
  const ours = target.startsWith(".");
  return {
    ours,
    typeOnly: false,
    lazy: false,
    ...how,
    target: ours ? posix.join(dirname(path), target) : target,
  };
}

const globals = ["setTimeout", "setInterval", "setImmediate", "queueMicrotask", "fetch", "WebSocket"];
const properties: Readonly<Record<string, readonly string[]>> = {
  Date: ["now"],
  Math: ["random"],
  process: ["env", "exit", "argv", "kill", "abort", "chdir"],
  performance: ["now", "timeOrigin"],
  crypto: ["randomUUID", "getRandomValues"],
};

function outsideNames(node: ts.Node): readonly string[] {
  if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression)) {
    const owner = node.expression.text;
    const listed = Object.hasOwn(properties, owner) ? properties[owner] : undefined;
    return listed?.includes(node.name.text) === true ? [`${owner}.${node.name.text}`] : [];
  }
  if (ts.isNewExpression(node) && ts.isIdentifier(node.expression)) {
    const isNow = node.expression.text === "Date" && (node.arguments?.length ?? 0) === 0;
    if (isNow) return ["new Date()"];
  }
  return ts.isIdentifier(node) && globals.includes(node.text) && isUse(node) ? [node.text] : [];
}

/** Whether the name stands for the global, and not for a member, a parameter or a key of the same name. */
function isUse(node: ts.Identifier): boolean {
  const { parent } = node;
  return ts.isShorthandPropertyAssignment(parent) || !("name" in parent && parent.name === node);
}
