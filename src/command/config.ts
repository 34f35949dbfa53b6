/** `config example|schema|print`. */
import { exitCode, type ExitCode } from "./exit.ts";
import type { LoadWorld, Refused } from "../config/load.ts";
import { formatProblem } from "../config/problem.ts";
import { systemNames } from "../source/system-name.ts";

/** What the commands about configuration see of the world. */
export interface ConfigWorld extends Omit<LoadWorld, "path" | "flags"> {
  stdout(text: string): void;
  stderr(text: string): void;
}

/** Where a command finds its configuration. */
export interface ConfigChoice {
  /** `--config`. */
  readonly config?: string;
  /** Values from the command line by dotted path. */
  readonly flags?: LoadWorld["flags"];
}

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
      return await print(options, world);
  }
}

async function print(options: ConfigArguments, world: ConfigWorld): Promise<ExitCode> {
  const { loadConfiguration } = await import("../config/load.ts");
  const loaded = loadConfiguration(loadWorld(options, world));
  if (!loaded.ok) return refuse(loaded, world);
  for (const warning of loaded.warnings) world.stderr(`warning: ${warning}\n`);
  const { printConfiguration } = await import("../config/print.ts");
  world.stdout(printConfiguration(loaded.printable, options.origins === true ? loaded.origins : undefined));
  return exitCode.ok;
}

/** The world with this command's choice of a configuration. */
export function loadWorld({ config, flags = {} }: ConfigChoice, world: ConfigWorld): LoadWorld {
  const systemName = world.systemName ?? systemNames(world.platform);
  return { ...world, systemName, flags, ...(config !== undefined && { path: config }) };
}

/** Reports every warning and every problem, one a line. */
export function refuse({ problems, warnings }: Refused, world: Pick<ConfigWorld, "stderr">): ExitCode {
  for (const warning of warnings) world.stderr(`warning: ${warning}\n`);
  for (const problem of problems) world.stderr(`${formatProblem(problem)}\n`);
  return exitCode.badConfiguration;
}
