/** What a user without root is told to allow in sudoers: each command line of the agent, and nothing more. */
import assert from "node:assert/strict";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { preflight } from "../../src/command/preflight.ts";
import type { CommandContext } from "../../src/command/context.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { accepted, worldOf } from "../config/world.ts";
import { temporaryFolder } from "../support/folder.ts";

const help = `The following samplers are supported by --samplers:

    tasks       per task
    cpu_power   cpu power
    gpu_power   gpu power
    thermal     thermal pressure

and the following sampler groups
`;

test("without root the line for sudoers has the arguments that this Mac's powermetrics is asked with, and no wildcard", async (t) => {
  const program = join(temporaryFolder(t), "powermetrics");
  writeFileSync(program, `#!/bin/sh\ncat <<'END'\n${help}END\n`);
  chmodSync(program, 0o755);
  const line = async (text: string): Promise<string> => {
    const { configuration } = accepted(
      worldOf(`sources: { powermetrics: { command: [${program}]${text} } }`),
    );
    const world = { uid: 501, env: {}, clock: systemClock, signal: t.signal, fileExists: () => true };
    const found = await preflight({ configuration, simulated: false }, world as unknown as CommandContext);
    assert.equal(found?.code, 77);
    return / and add to sudoers: (.*)$/.exec(found.message)?.[1] ?? "";
  };
  const stream = `${program} -f plist -i 10000 -s cpu_power\\,gpu_power\\,thermal -a 0`;
  assert.equal(await line(""), `%admin ALL=(root) NOPASSWD: ${program} --help, ${stream}, ${stream} -b 1`);
  const tasks = await line(", interval: 30s, samplers: [tasks], tasks: { enabled: true }");
  assert.match(tasks, / -i 30000 -s tasks -a 0 --show-process-coalition --show-process-energy, /);
  assert.doesNotMatch(tasks, /[*?[]/);
});
