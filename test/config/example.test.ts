import test from "node:test";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { exampleFile } from "../../src/config/example.ts";
import { fieldAt, fieldOf, type Field } from "../../src/config/field.ts";
import { jsonSchema } from "../../src/config/json-schema.ts";
import { configurationSchema } from "../../src/config/schema.ts";
import { blockExamples, sinkSections } from "../../src/config/blocks.ts";
import { variables } from "../../src/config/environment.ts";
import { accepted, world, worldOf } from "./world.ts";

const committed = (name: string): string =>
  readFileSync(new URL(`../../config/${name}`, import.meta.url), "utf8");
const root = fieldOf(configurationSchema);

test("the example in the repository is the generated one", () => {
  assert.equal(committed("agent.example.yaml"), exampleFile());
});

test("the JSON Schema in the repository is the generated one", () => {
  assert.equal(committed("agent.schema.json"), jsonSchema());
});

test("the example loads without a warning to exactly the defaults", () => {
  const example = accepted(worldOf(exampleFile()));
  assert.deepEqual(example.configuration, accepted(world()).configuration);
  assert.deepEqual(example.warnings, []);
});

test("the example's sinks load once the marks are taken away", () => {
  for (const name of Object.keys(sinkSections)) {
    const [, block = ""] = new RegExp(`^# (${name}:\n(?:# .*\n)+)`, "m").exec(exampleFile()) ?? [];
    const { printable } = accepted(worldOf(block.replace(/^# /gm, "")));
    const [shown] = (printable as Record<string, Record<string, unknown>[]>)[name] ?? [];
    for (const [key, value] of Object.entries(blockExamples[name] ?? {}))
      assert.deepEqual(shown?.[key], value);
    assert.ok(blockExamples[name] !== undefined);
  }
});

test("every key has a sentence of its own", () => {
  const silent = walk(root, "").filter(([, field]) => field.description === "");
  assert.deepEqual(
    silent.map(([path]) => path),
    [],
  );
});

test("no two keys share a variable", () => {
  const names = variables(root);
  assert.equal(new Set(names).size, names.length);
  assert.ok(names.includes("MAC_POWERMETRICS_SOURCES_POWERMETRICS_TASKS_TOP"));
});

interface Part {
  readonly properties?: Readonly<Record<string, Part>>;
  readonly items?: Part;
  readonly required?: readonly string[];
  readonly additionalProperties?: unknown;
  readonly description?: string;
  readonly default?: unknown;
  readonly pattern?: string;
  readonly enum?: readonly string[];
  readonly type?: string;
  readonly writeOnly?: boolean;
}

test("the JSON Schema says what the file's schema says", () => {
  const schema = JSON.parse(jsonSchema()) as Part & { $schema: string; title: string };
  assert.equal(schema.$schema, "http://json-schema.org/draft-07/schema#");
  assert.equal(schema.title, "mac-powermetrics-agent");
  assert.equal(schema.additionalProperties, false);
  assert.equal(schema.required, undefined);
  const interval: Part | undefined =
    schema.properties?.["sources"]?.properties?.["powermetrics"]?.properties?.["interval"];
  assert.ok(interval !== undefined);
  assert.equal(interval.default, "10s");
  assert.match("1m30s", new RegExp(interval.pattern ?? "^$"));
  assert.match("${EVERY}", new RegExp(interval.pattern ?? "^$"));
  assert.doesNotMatch("10", new RegExp(interval.pattern ?? ""));
  assert.deepEqual(schema.properties?.["log"]?.properties?.["level"]?.enum, [
    "debug",
    "info",
    "warn",
    "error",
  ]);
  const block = schema.properties["remote_write"]?.items;
  assert.ok(block !== undefined);
  assert.deepEqual(block.required, ["url"]);
  const auth = block.properties?.["basic_auth"]?.properties;
  assert.deepEqual([auth?.["password"]?.writeOnly, auth?.["username"]?.writeOnly], [true, undefined]);
});

test("the JSON Schema describes every key that has a field", () => {
  const schema = JSON.parse(jsonSchema()) as Part;
  for (const [path, field] of walk(root, "")) {
    const part = path
      .split(".")
      .reduce<Part | undefined>((at, key) => (key === "[]" ? at?.items : at?.properties?.[key]), schema);
    assert.ok(part !== undefined, path);
    assert.equal(part.description, field.description, path);
    assert.equal(part.writeOnly ?? false, field.secret, path);
  }
});

test("what becomes a secret is marked as one, so that printing hides it", () => {
  const text = [
    "remote_write:",
    "  - { url: http://a, headers: { x-a: v }, basic_auth: { username: a, password: v } }",
    "  - { url: http://b, authorization: { credentials: v } }",
  ].join("\n");
  const secrets = secretPaths(accepted(worldOf(text)).configuration, []);
  assert.equal(secrets.length, 3);
  for (const path of secrets) assert.equal(fieldAt(root, path)?.secret, true, path.join("."));
});

function walk(field: Field, path: string): [string, Field][] {
  if (field.kind === "list" && field.items().kind === "section") return walk(field.items(), `${path}.[]`);
  if (field.kind !== "section") return [];
  return [...field.fields].flatMap(([key, below]): [string, Field][] => {
    const here = path === "" ? key : `${path}.${key}`;
    return [[here, below], ...walk(below, here)];
  });
}

function secretPaths(value: unknown, path: readonly string[]): string[][] {
  if (typeof value !== "object" || value === null) return [];
  if ("reveal" in value) return [[...path]];
  return Object.entries(value).flatMap(([key, item]) => secretPaths(item, [...path, key]));
}
