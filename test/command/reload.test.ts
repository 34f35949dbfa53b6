import test from "node:test";
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { freePort } from "../support/free-port.ts";

const cli = fileURLToPath(new URL("../../src/cli.ts", import.meta.url));

/** With a deadline far beyond what it takes. */
async function until(look: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (await look()) return;
    await sleep(25);
  }
  throw new Error("waited 15 s in vain");
}

/** A receiver that takes everything and counts it. */
async function receiver(): Promise<{ url: string; requests: () => number } & AsyncDisposable> {
  let requests = 0;
  const server: Server = createServer((request, response) => {
    requests++;
    request.resume().on("end", () => response.writeHead(204).end());
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/api/v1/write`,
    requests: () => requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test("SIGHUP and POST /-/reload swap sinks, refuse a bad file, and start the agent anew for the rest, in one process", async () => {
  const here = mkdtempSync(join(tmpdir(), "reload-"));
  const port = await freePort();
  await using first = await receiver();
  await using second = await receiver();
  const path = join(here, "agent.yaml");
  const log = join(here, "agent.log");
  const configure = (urls: readonly string[], interval = "200ms"): void =>
    writeFileSync(
      path,
      JSON.stringify({
        run_as: "root",
        journal: { path: join(here, "journal.db"), commit_interval: "100ms" },
        log: { file: log },
        sources: {
          powermetrics: { enabled: false },
          vm_stat: { interval },
          sysctl: { enabled: false },
          pmset: { enabled: false },
        },
        web: { listen_addresses: [`127.0.0.1:${port}`], enable_reload: true },
        remote_write: urls.map((url) => ({ url, queue_config: { batch_send_deadline: "100ms" } })),
      }),
    );
  const said = (words: string): number => readFileSync(log, "utf8").split(words).length - 1;
  const reload = (): Promise<Response> => fetch(`http://127.0.0.1:${port}/-/reload`, { method: "POST" });

  configure([first.url]);
  const agent = spawn(process.execPath, [cli, "run", "--simulate", "--config", path], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const ended = once(agent, "exit");
  try {
    await until(() => first.requests() > 0);
    assert.equal(second.requests(), 0);

    configure([first.url, second.url]);
    agent.kill("SIGHUP");
    await until(() => second.requests() > 0);

    writeFileSync(path, "remote_writes: []\n");
    const refused = await reload();
    assert.equal(refused.status, 500);
    assert.match(
      await refused.text(),
      /agent\.yaml:1:1: unknown key 'remote_writes', did you mean 'remote_write'/,
    );
    assert.equal(said("cannot use the new configuration"), 1);
    const before = [first.requests(), second.requests()];
    await until(() => first.requests() > Number(before[0]) && second.requests() > Number(before[1]));

    configure([second.url], "300ms");
    assert.equal((await reload()).status, 200);
    await until(() => said('starts"') === 2);
    const after = second.requests();
    await until(() => second.requests() > after + 1);
    assert.match(readFileSync(log, "utf8"), /"because_of":\["sources.vm_stat"\]/);

    agent.kill("SIGTERM");
    assert.deepEqual(await ended, [0, null]);
  } finally {
    agent.kill("SIGKILL");
    rmSync(here, { recursive: true, force: true });
  }
});
