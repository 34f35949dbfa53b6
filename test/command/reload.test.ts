import test, { type TestContext } from "node:test";
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "../support/folder.ts";
import { until } from "../support/until.ts";

const cli = fileURLToPath(new URL("../../src/cli.ts", import.meta.url));

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

interface Running {
  configure(urls: readonly string[], interval?: string): void;
  /** Any text as the configuration. */
  write(text: string): void;
  /** POST /-/reload. */
  reload(): Promise<Response>;
  hangUp(): void;
  log(): string;
  /** SIGTERM, and how it ended. */
  end(): Promise<readonly unknown[]>;
}

/** An agent that sends to the receivers at these addresses; it ends with the test. */
function running(t: TestContext, urls: readonly string[]): Running {
  const here = temporaryFolder(t);
  const path = join(here, "agent.yaml");
  const log = join(here, "agent.log");
  const configure = (to: readonly string[], interval = "200ms"): void =>
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
        web: { listen_addresses: ["127.0.0.1:0"], enable_reload: true },
        remote_write: to.map((url) => ({ url, queue_config: { batch_send_deadline: "100ms" } })),
      }),
    );
  configure(urls);
  const agent = spawn(process.execPath, [cli, "run", "--simulate", "--config", path], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const ended = once(agent, "exit");
  t.after(() => agent.kill("SIGKILL") && ended);
  return {
    configure,
    write: (text) => writeFileSync(path, text),
    reload() {
      const [, address = ""] = /"address":"([^"]+)","msg":"listening"/.exec(readFileSync(log, "utf8")) ?? [];
      return fetch(`http://${address}/-/reload`, { method: "POST" });
    },
    hangUp: () => void agent.kill("SIGHUP"),
    log: () => readFileSync(log, "utf8"),
    end() {
      agent.kill("SIGTERM");
      return ended;
    },
  };
}

/** So many more requests than now. */
async function more(receiver: { readonly requests: () => number }, count = 1): Promise<void> {
  const wanted = receiver.requests() + count;
  await until(() => receiver.requests() >= wanted);
}

test("SIGHUP adds a sink, and the agent goes on", async (t) => {
  await using first = await receiver();
  await using second = await receiver();
  const agent = running(t, [first.url]);
  await more(first);
  assert.equal(second.requests(), 0);
  agent.configure([first.url, second.url]);
  agent.hangUp();
  await more(second);
  await more(first);
  assert.deepEqual(await agent.end(), [0, null]);
});

test("a configuration that is wrong is refused by POST /-/reload, and the one before stays in force", async (t) => {
  await using first = await receiver();
  const agent = running(t, [first.url]);
  await more(first);
  agent.write("remote_writes: []\n");
  const refused = await agent.reload();
  assert.equal(refused.status, 500);
  assert.match(
    await refused.text(),
    /agent\.yaml:1:1: unknown key 'remote_writes', did you mean 'remote_write'/,
  );
  assert.equal(agent.log().split("cannot use the new configuration").length - 1, 1);
  await more(first, 2);
});

test("what cannot change in a running agent makes it start anew, in one process", async (t) => {
  await using first = await receiver();
  await using second = await receiver();
  const agent = running(t, [first.url]);
  await more(first);
  agent.configure([second.url], "300ms");
  assert.equal((await agent.reload()).status, 200);
  await until(() => agent.log().split('starts"').length - 1 === 2);
  await more(second, 2);
  assert.match(agent.log(), /"because_of":\["sources.vm_stat"\]/);
  assert.deepEqual(await agent.end(), [0, null]);
});
