/** A parent for the test of lost privileges: starts its arguments as root, becomes nobody, stops the child, and says how it ended. */
import { systemClock } from "../../src/runtime/clock.ts";
import { spawnChild } from "../../src/source/child.ts";

const nobody = 65534;
let said = false;
const child = spawnChild(process.argv.slice(2), {
  clock: systemClock,
  environment: { PATH: "/usr/bin:/bin" },
  onStdout() {
    if (said) return;
    said = true;
    process.setuid?.(nobody);
    void child.stop().then((exit) => process.stdout.write(JSON.stringify({ pid: child.pid, exit })));
  },
  onStderr: () => undefined,
  graceMs: 200,
});
