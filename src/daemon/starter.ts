/** Owns the configuration that `install` writes where there is none: the starter file, with the paths of this installation. */
import { exampleFile } from "../config/example.ts";
import type { Layout } from "./layout.ts";

/** The log goes to a file that newsyslog rotates, and the journal into the folder that the agent may write. */
export function starterFile({ log, state }: Layout): string {
  const paths: readonly (readonly [line: RegExp, text: string])[] = [
    [/^ {2}# file: .*$/m, `  file: ${JSON.stringify(log)}`],
    [/^ {2}path: .*$/m, `  path: ${JSON.stringify(`${state}/journal.db`)}`],
  ];
  return paths.reduce((text, [line, replacement]) => text.replace(line, () => replacement), exampleFile());
}
