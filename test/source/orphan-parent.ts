/** A parent for the test of orphans: starts the command in its arguments and says its process id once it speaks. */
import { systemClock } from "../../src/runtime/clock.ts";
import { spawnChild } from "../../src/source/child.ts";

let said = false;
const child = spawnChild(process.argv.slice(2), {
  clock: systemClock,
  environment: { PATH: "/usr/bin:/bin" },
  onStdout() {
    if (!said) process.stdout.write(`${child.pid ?? 0}\n`);
    said = true;
  },
  onStderr: () => undefined,
});
