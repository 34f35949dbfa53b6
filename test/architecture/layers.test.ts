/** The order of the layers, and that the outside world comes in by parameter. */
import assert from "node:assert/strict";
import test from "node:test";
import { exceptions, layers, pureModules, typesAreFree, type Layer } from "./layers.ts";
import { readSource, readSources, type Import, type SourceFile } from "./sources.ts";

const sources = readSources();

test("every file of src was read and belongs to a layer", () => {
  assert.ok(sources.length > 100, `got ${sources.length} files`);
  assert.ok(sources.flatMap(({ imports }) => imports).length > 300);
  assert.deepEqual(
    sources.filter(({ path }) => layers[layerName(path)] === undefined).map(({ path }) => path),
    [],
  );
});

test("a layer imports only the layers that the table lists for it", () => {
  assert.deepEqual(offences(wrongImports), []);
});

test("only the layers that own a package or a part of the outside import its module", () => {
  assert.deepEqual(offences(wrongModules), []);
});

test("clock, timers, randomness, environment and exit are taken by the outer layers and given to the others", () => {
  assert.deepEqual(offences(wrongWorld), []);
});

test("no file needs itself by way of its imports", () => {
  const needs = new Map(
    sources.map(({ path, imports }) => [path, imports.filter(isNeeded).map(({ target }) => target)]),
  );
  const done = new Set<string>();
  const rings: string[] = [];
  function visit(path: string, way: readonly string[]): void {
    if (way.includes(path)) rings.push([...way.slice(way.indexOf(path)), path].join(" → "));
    if (way.includes(path) || done.has(path)) return;
    for (const next of needs.get(path) ?? []) visit(next, [...way, path]);
    done.add(path);
  }
  for (const path of needs.keys()) visit(path, []);
  assert.deepEqual(rings, []);
});

test("the daemon never loads what only reads a configuration, nor node:http as an ES module, which brings undici along", () => {
  const all = new Map(sources.map((source) => [source.path, source]));
  const loaded = new Set<string>();
  function load(path: string): void {
    if (loaded.has(path)) return;
    loaded.add(path);
    for (const one of all.get(path)?.imports ?? []) if (isNeeded(one)) load(one.target);
  }
  for (const path of [
    "src/cli.ts",
    "src/command/run.ts",
    "src/sink/remote-write/sink.ts",
    "src/sink/otlp/sink.ts",
    "src/sink/pushgateway/sink.ts",
    "src/scrape/scrapes.ts",
  ]) {
    assert.ok(all.has(path), path);
    load(path);
  }
  assert.ok(loaded.size > 100, `got ${loaded.size} files`);
  const heavy = ["commander", "zod", "yaml", "node:http", "node:https", "node:tls"];
  const found = [...loaded].flatMap((path) =>
    (all.get(path)?.imports ?? [])
      .filter((one) => !one.typeOnly && !one.lazy && heavy.includes(one.target))
      .map(({ target }) => `${path}: ${target}`),
  );
  assert.deepEqual(found, []);
});

test("what is forbidden is found in every spelling", () => {
  const text = [
    'import { spawn } from "node:child_process";',
    'import type { Agent } from "../agent.ts";',
    'export { now } from "../endpoint/server.ts";',
    'const lazy = await import("../delivery/loop.ts");',
    'type Late = import("../config/schema.ts").Configuration;',
    "const at = Date.now() + new Date().getTime() + Math.random();",
    "setTimeout(() => process.exit(1), Number(process.env['X']));",
    "const { fetch: mine } = clock; options.setTimeout(5); const box = { fetch };",
  ].join("\n");
  const file = readSource("src/parse/spoilt.ts", text);
  assert.deepEqual(wrongImports(file), [
    "agent.ts",
    "endpoint/server.ts",
    "delivery/loop.ts",
    "config/schema.ts",
  ]);
  assert.deepEqual(wrongModules(file), ["node:child_process"]);
  assert.deepEqual(wrongWorld(file).toSorted(), [
    "Date.now",
    "Math.random",
    "fetch",
    "new Date()",
    "process.env",
    "process.exit",
    "setTimeout",
  ]);
  assert.deepEqual(
    readSource("src/parse/fine.ts", "clock.setTimeout(1); const x = { fetch: 1 }; new Date(5);").world,
    [],
  );
});

function offences(find: (file: SourceFile) => readonly string[]): readonly string[] {
  return sources.flatMap((file) => find(file).map((what) => `${file.path}: ${what}`));
}

function wrongImports(file: SourceFile): readonly string[] {
  const own = layerName(file.path);
  const { imports: allowed } = layerOf(file);
  return file.imports
    .filter(({ ours }) => ours)
    .map(({ target }) => target.replace(/^src\//, ""))
    .filter(
      (target) => layerName(`src/${target}`) !== own && !allowed.some((pattern) => covers(pattern, target)),
    );
}

function covers(pattern: string, target: string): boolean {
  if (pattern === target || target.startsWith(`${pattern}/`)) return true;
  const [before, after] = pattern.split("/*/");
  return after !== undefined && target.startsWith(`${before}/`) && target.endsWith(`/${after}`);
}

function wrongModules(file: SourceFile): readonly string[] {
  const { modules = [] } = layerOf(file);
  const besides = exceptions[file.path.replace(/^src\//, "")] ?? [];
  return file.imports
    .filter(({ ours, target, typeOnly }) => !ours && !(typeOnly && typesAreFree.includes(target)))
    .map(({ target }) => moduleName(target))
    .filter((name) => ![...pureModules, ...modules, ...besides].includes(name));
}

function wrongWorld(file: SourceFile): readonly string[] {
  const { world = [] } = layerOf(file);
  return file.world.filter((name) => !world.includes(name));
}

function layerOf({ path }: SourceFile): Layer {
  return layers[layerName(path)] ?? { imports: [] };
}

/** The folder of a file of src/, or its own name right below. */
function layerName(path: string): string {
  return path.split("/")[1] ?? path;
}

function moduleName(target: string): string {
  if (target.startsWith("node:")) return target.replace(/(\/promises)$/, "");
  return target
    .split("/")
    .slice(0, target.startsWith("@") ? 2 : 1)
    .join("/");
}

/** Needed before the importing file itself can run. */
function isNeeded({ ours, typeOnly, lazy }: Import): boolean {
  return ours && !typeOnly && !lazy;
}
