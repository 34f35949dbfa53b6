/** A parent for the test of lost privileges: starts a command as root, becomes nobody, stops the child, and says how it ended. */
import { systemClock } from "../../src/runtime/clock.ts";
import { spawnChild } from "../../src/source/child.ts";

const [graceMs, ...argv] = process.argv.slice(2);
const nobody = 65534;
let said = false;
const child = spawnChild(argv, {
  clock: systemClock,
  environment: { PATH: "/usr/bin:/bin" },
  onStdout() {
    if (said) return;
    said = true;
    process.setuid?.(nobody);
    void child.stop().then((exit) => process.stdout.write(JSON.stringify({ pid: child.pid, exit })));
  },
  onStderr: () => undefined,
  graceMs: Number(graceMs),
});
