/** The commented starter file: every key with its sentence and its default, so that it can't drift from the schema. */
import { fieldOf, type Field, type Plain } from "./field.ts";
import { flow } from "./print.ts";
import { configurationSchema } from "./schema.ts";
import { blockExamples } from "./blocks.ts";

const header = [
  "# yaml-language-server: $schema=./agent.schema.json",
  "#",
  "# Configuration of mac-powermetrics-agent. Values shown are the defaults; lines behind # are examples.",
  "# ${NAME} and ${NAME:-default} stand for environment variables, $$ for a plain $.",
  "# ${SERIAL}, ${HARDWARE_UUID}, ${COMPUTER_NAME} and ${HOSTNAME} are asked of the Mac, once, where no variable has that name.",
  "# Each key can be set by a variable as well: MAC_POWERMETRICS_LOG_LEVEL=debug.",
];

/** The file as text; it loads to exactly the defaults. */
export function exampleFile(): string {
  const root = fieldOf(configurationSchema);
  return [...header, ...(root.kind === "section" ? topLevel(root.fields) : []), ""].join("\n");
}

function topLevel(fields: ReadonlyMap<string, Field>): string[] {
  return [...fields].flatMap(([key, field]) => {
    const example = blockExamples[key];
    return ["", ...(example === undefined ? keyLines(key, field) : sinkLines(key, field, example))];
  });
}

/** A list of blocks: none, with one block behind `#` that works once the marks are taken away. */
function sinkLines(key: string, field: Field, example: Readonly<Record<string, Plain>>): string[] {
  const items = field.kind === "list" ? field.items() : undefined;
  if (items?.kind !== "section") return keyLines(key, field);
  const block = sectionLines(items.fields, example);
  const item = block.map((text, index) => (index === 0 ? `  - ${text}` : `    ${text}`));
  return [...sentence(field), ...behindMarks([`${key}:`, ...item])];
}

function sectionLines(
  fields: ReadonlyMap<string, Field>,
  example: Readonly<Record<string, Plain>> = {},
): string[] {
  return [...fields].flatMap(([key, field]) => keyLines(key, field, example[key]));
}

/** What has neither default nor example value is shown behind `#`, with all that is inside it. */
function keyLines(key: string, field: Field, value = field.fallback): string[] {
  if (value === undefined) return [...sentence(field), ...behindMarks(sampleLines(key, field))];
  if (field.kind === "section") return [...sentence(field), `${key}:`, ...inside(sectionLines(field.fields))];
  const example = field.example === undefined ? [] : behindMarks([`${key}: ${flow(field.example)}`]);
  return [...sentence(field), ...example, `${key}: ${flow(value)}`];
}

function sampleLines(key: string, field: Field): string[] {
  if (field.kind !== "section")
    return [`${key}: ${flow(field.example ?? field.fallback ?? placeholder(key, field))}`];
  const keys = [...field.fields].flatMap(([name, below]) => [
    ...sentence(below),
    ...sampleLines(name, below),
  ]);
  return [`${key}:`, ...inside(keys)];
}

function placeholder(key: string, field: Field): Plain {
  switch (field.kind) {
    case "scalar":
      return { string: `<${key}>`, number: 0, boolean: false }[field.type];
    case "choice":
      return field.choices.at(-1) ?? "";
    case "list":
    case "either":
      return [];
    case "record":
    case "section":
      return {};
  }
}

const inside = (lines: readonly string[]): string[] => lines.map((text) => `  ${text}`);

const sentence = ({ description }: Field): string[] =>
  description === "" ? [] : [`# ${description.replace(/\.$/, "")}`];

const behindMarks = (lines: readonly string[]): string[] => lines.map((text) => `# ${text}`);
