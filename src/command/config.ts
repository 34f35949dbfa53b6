/** `config example|schema|print`. */
import { loadConfiguration } from "../config/load.ts";
import { printConfiguration } from "../config/print.ts";
import { exitCode, type ExitCode } from "./exit.ts";
import { loadWorld, refuse, type ConfigChoice, type ConfigWorld } from "./load.ts";

export interface ConfigArguments extends ConfigChoice {
  readonly what: "example" | "schema" | "print";
  /** With `print`: where each value comes from. */
  readonly origins?: boolean;
}

/** Prints to standard output; problems of a configuration go to standard error and give 78. */
export async function config(options: ConfigArguments, world: ConfigWorld): Promise<ExitCode> {
  switch (options.what) {
    case "example": {
      const { exampleFile } = await import("../config/example.ts");
      world.stdout(exampleFile());
      return exitCode.ok;
    }
    case "schema": {
      const { jsonSchema } = await import("../config/json-schema.ts");
      world.stdout(jsonSchema());
      return exitCode.ok;
    }
    case "print":
      return print(options, world);
  }
}

function print(options: ConfigArguments, world: ConfigWorld): ExitCode {
  const loaded = loadConfiguration(loadWorld(options, world));
  if (!loaded.ok) return refuse(loaded, world);
  for (const warning of loaded.warnings) world.stderr(`warning: ${warning}\n`);
  world.stdout(printConfiguration(loaded.printable, options.origins === true ? loaded.origins : undefined));
  return exitCode.ok;
}
