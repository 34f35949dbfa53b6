/** How long a stop takes at most, whoever does not play along. */
import { chmodSync, existsSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { assertStopsInTime, startAgent, stopwatch, temporaryFolder, until } from "./agent.ts";

/** Takes every request and answers none. */
async function silentReceiver(t: TestContext): Promise<{ url: string; asked: Promise<unknown> }> {
  const { promise: asked, resolve } = Promise.withResolvers<undefined>();
  const receiver = createServer((request) => void request.resume().on("end", () => resolve(undefined)));
  await new Promise<void>((ready) => receiver.listen(0, "127.0.0.1", ready));
  t.after(() => receiver.close());
  t.after(() => receiver.closeAllConnections());
  return { url: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`, asked };
}

/** Says nothing, and ends by SIGKILL only; `runs` once powermetrics' stream has been started. */
function deafTool(folder: string): { readonly path: string; readonly runs: () => true | undefined } {
  const path = join(folder, "deaf");
  const mark = join(folder, "runs");
  const lines = [
    "#!/bin/sh",
    'if [ "$1" = --help ]; then exit 0; fi',
    "trap '' TERM HUP PIPE",
    `if [ "$1" = -f ]; then : > '${mark}'; fi`,
    "while :; do sleep 1; done",
  ];
  writeFileSync(path, `${lines.join("\n")}\n`, { mode: 0o755 });
  return { path, runs: () => existsSync(mark) || undefined };
}

const quiet = "sysctl: { enabled: false }, pmset: { enabled: false }";

test("SIGTERM ends the agent within 2 s while a source takes no signal and a receiver never answers", async (t) => {
  const folder = temporaryFolder(t);
  const { path: deaf, runs } = deafTool(folder);
  const watch = stopwatch(folder);
  const { url, asked } = await silentReceiver(t);
  const agent = await startAgent(t, {
    simulate: false,
    configuration: `
run_as: root
sources: { powermetrics: { interval: 1s, command: [${deaf}] }, vm_stat: { interval: 1s, command: [${deaf}] }, ${quiet} }
journal: { commit_interval: 100ms }
remote_write: [{ url: "${url}", queue_config: { batch_send_deadline: 100ms } }]
`,
    environment: { NODE_OPTIONS: watch.option },
  });
  await asked;
  await until(runs, () => "powermetrics was not started");
  await assertStopsInTime(agent, watch);
});

const notRoot =
  process.getuid?.() === 0 ? false : "only root can start what the agent may not signal afterwards";

test(
  "SIGTERM ends an agent that gave up root within 2 s, though powermetrics is silent for an interval",
  { skip: notRoot },
  async (t) => {
    const folder = temporaryFolder(t);
    // Files of the account's, and of its stopwatch.
    chmodSync(folder, 0o777);
    const watch = stopwatch(folder);
    const { url, asked } = await silentReceiver(t);
    const agent = await startAgent(t, {
      configuration: `
run_as: nobody
sources: { powermetrics: { interval: 60s }, vm_stat: { enabled: false }, ${quiet} }
journal: { path: ${join(folder, "state/journal.db")}, commit_interval: 100ms }
remote_write: [{ url: "${url}", queue_config: { batch_send_deadline: 100ms } }]
`,
      environment: { NODE_OPTIONS: watch.option },
    });
    await agent.logged(({ msg }) => msg === "gave up root");
    await asked;
    await assertStopsInTime(agent, watch);
  },
);
