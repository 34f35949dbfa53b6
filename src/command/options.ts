/** Options that several commands have, and values that options take. */
import { InvalidArgumentError, Option } from "commander";
import { parseDuration } from "../runtime/quantity.ts";

export const configOption = (): Option => new Option("--config <file>", "configuration file");
export const jsonOption = (): Option => new Option("--json", "print it as JSON");
export const pushOption = (): Option =>
  new Option("--push", "also deliver to every receiver of the configuration");
export const prefixOption = (): Option =>
  new Option("--prefix <folder>", "work below this folder instead of the system, tools included");
export const dryRunOption = (): Option => new Option("--dry-run", "only print the steps");
export const logLevels = ["debug", "info", "warn", "error"];
export const choiceOption = (flags: string, description: string, choices: readonly string[]): Option =>
  new Option(flags, description).choices(choices);
/** The first is the default. */
export const formatOption = (...formats: readonly string[]): Option =>
  choiceOption("--format <format>", "form of the output", formats).default(formats[0]);
export const simulateOption = (): Option =>
  new Option(
    "--simulate [when]",
    "use the simulator instead of Apple's tools; auto: where there is no Mac with root",
  )
    .choices(["always", "auto"])
    .preset("always");

export function duration(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new InvalidArgumentError("It must be a duration such as 90s or 1m30s.");
  return ms;
}

export function positive(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1)
    throw new InvalidArgumentError("It must be a whole number above 0.");
  return number;
}
