/** The configuration that `install` writes where there is none: the starter file, with the paths of this installation. */
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

/** The variables that `install` writes where there are none: an explanation. */
export const starterEnvironment = `# Variables for \${...} in agent.yaml, and MAC_POWERMETRICS_* settings, one KEY=value a line: launchd hands on no others.
# Device management may write this file; install keeps it. Readable by root and the agent's group only.
# MAC_SITE=office
`;
