/** The JSON Schema of the configuration file, for editors. Loaded on demand only. */
import * as z from "zod";
import { configurationSchema } from "./schema.ts";

/** Draft 7, which yaml-language-server knows best; the same text for the same code. */
export function jsonSchema(): string {
  const schema = z.toJSONSchema(configurationSchema, {
    target: "draft-07",
    io: "input",
    unrepresentable: "any",
    override: ({ jsonSchema: part }) => {
      // A section's default is the sum of its keys' defaults.
      if (part.type === "object" && isEmpty(part.default)) delete part.default;
      // An editor must not complain about a value that comes from a variable.
      if (part.pattern?.endsWith(orReference) === false) part.pattern += orReference;
      if (part.format === "uri") delete part.format;
    },
  });
  const { $schema, ...rest } = schema;
  return `${JSON.stringify({ $schema, title: "mac-powermetrics-agent", ...rest }, undefined, 2)}\n`;
}

const orReference = "|\\$\\{";

const isEmpty = (value: unknown): boolean =>
  typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length === 0;
