/** A proxy that device management names in mdm.env: every command that sends goes through it. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import test from "node:test";
import { run, startCommand, temporaryFolder, until } from "./agent.ts";

test("receivers are reached through the proxy of mdm.env, by check --connect and by run", async (t) => {
  const targets: string[] = [];
  const proxy = createServer((request, response) => {
    targets.push(request.url ?? "");
    request.resume().on("end", () => response.writeHead(204).end());
  }).listen(0, "127.0.0.1");
  await once(proxy, "listening");
  t.after(() => proxy.close());
  t.after(() => proxy.closeAllConnections());

  const folder = temporaryFolder(t);
  const config = join(folder, "agent.yaml");
  writeFileSync(
    config,
    `remote_write: [{ url: "http://receiver.test/api/v1/write", queue_config: { batch_send_deadline: 100ms } }]
sources: { powermetrics: { interval: 200ms }, vm_stat: { enabled: false }, pmset: { enabled: false } }
journal: { path: ${JSON.stringify(join(folder, "journal.db"))} }
run_as: root
web: { enabled: false }
`,
  );
  const { port } = proxy.address() as AddressInfo;
  writeFileSync(join(folder, "mdm.env"), `HTTP_PROXY=http://127.0.0.1:${port}\n`);

  const checked = await run(["check", "--connect", "--config", config]);
  assert.equal(checked.code, 0, checked.stderr + checked.stdout);
  assert.deepEqual([...new Set(targets)], ["http://receiver.test/api/v1/write"]);

  targets.length = 0;
  const agent = startCommand(t, ["run", "--simulate", "--config", config]);
  await until(() => targets.length > 0);
  const { code, stderr } = await agent.stop();
  assert.equal(code, 0, stderr);
});
