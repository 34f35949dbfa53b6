/** `config example|schema|print`. */
import { loadConfiguration } from "../config/load.ts";
import { printConfiguration } from "../config/print.ts";
import { loadContext, refuse, type ConfigChoice, type ConfigContext } from "./load.ts";
import { exitCode, type ExitCode } from "./context.ts";

export interface ConfigArguments extends ConfigChoice {
  readonly what: "example" | "schema" | "print";
  /** With `print`: where each value comes from. */
  readonly origins?: boolean;
}

/** Prints to standard output; problems of a configuration go to standard error and give 78. */
export async function config(options: ConfigArguments, context: ConfigContext): Promise<ExitCode> {
  switch (options.what) {
    case "example": {
      const { exampleFile } = await import("../config/example.ts");
      context.stdout(exampleFile());
      return exitCode.ok;
    }
    case "schema": {
      const { jsonSchema } = await import("../config/json-schema.ts");
      context.stdout(jsonSchema());
      return exitCode.ok;
    }
    case "print":
      return print(options, context);
  }
}

function print(options: ConfigArguments, context: ConfigContext): ExitCode {
  const loaded = loadConfiguration(loadContext(options, context));
  if (!loaded.ok) return refuse(loaded, context);
  for (const warning of loaded.warnings) context.stderr(`warning: ${warning}\n`);
  context.stdout(printConfiguration(loaded.printable, options.origins === true ? loaded.origins : undefined));
  return exitCode.ok;
}
