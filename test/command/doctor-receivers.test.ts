/** The health of receivers as `doctor` takes it from the daemon that runs. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import test from "node:test";
import { receiversOfDaemon } from "../../src/command/doctor.ts";
import type { CommandContext } from "../../src/command/context.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { accepted, worldOf } from "../config/world.ts";
import { noOpenssl, selfSigned } from "../runtime/http/receivers.ts";
import { temporaryFolder } from "../support/folder.ts";
import { sinkStatus, statusOf, statusTime } from "../support/status.ts";

test("receivers are as well as the daemon says: delivering, failing with its reason, or not tried yet", async (t) => {
  const failed = {
    time: statusTime,
    code: "connect",
    reason: "cannot connect to desk:9090: no route to host",
  };
  const { lastSuccess: _, ...untried } = sinkStatus;
  const status = statusOf({
    sinks: [
      sinkStatus,
      { ...sinkStatus, state: "retrying", lastFailure: { ...failed, advice: "Check that it runs." } },
      { ...sinkStatus, lastFailure: { ...failed, time: statusTime - 60_000 } },
      untried,
    ],
  });
  let answer = JSON.stringify(status);
  const server = createServer((request, response) => {
    assert.equal(request.url, "/api/v1/status");
    response.end(answer);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  t.after(() => server.closeAllConnections());
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const world = { clock: systemClock, env: {}, self: [], signal: t.signal } as unknown as CommandContext;
  const configured = (text: string) => accepted(worldOf(`web: ${text}`)).configuration;
  const ask = (text = `{ listen_addresses: ["${address}"] }`) => receiversOfDaemon(configured(text), world);

  const found = await ask();
  assert.ok(typeof found === "object");
  assert.deepEqual(
    found.map((one) => one.status),
    ["ok", "failure", "ok", "warning"],
  );
  assert.match(
    found[1]?.message ?? "",
    /the daemon says retrying: cannot connect to desk:9090: no route to host$/,
  );
  assert.equal(found[1]?.fix, "Check that it runs.");

  const withFile = `{ listen_addresses: ["${address}"], config_file: /work/web.yml }`;
  assert.deepEqual(await ask(withFile), found, "a web.config_file without password is in nobody's way");

  answer = "another program";
  assert.equal(await ask(), `unexpected answer of http://${address}: want a status of version 1`);
  assert.equal(await ask("{ enabled: false }"), "web.enabled is false");
});

test(
  "a daemon that serves TLS is asked all the same, and one that wants a password says so",
  { skip: noOpenssl },
  async (t) => {
    const { cert, key } = selfSigned(temporaryFolder(t), "agent", "DNS:agent.example");
    let code = 200;
    const server = createTlsServer({ cert, key }, (_, response) =>
      response.writeHead(code).end(JSON.stringify(statusOf({ sinks: [sinkStatus] }))),
    );
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    t.after(() => server.close());
    t.after(() => server.closeAllConnections());
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const world = { clock: systemClock, env: {}, self: [], signal: t.signal } as unknown as CommandContext;
    const { configuration } = accepted(
      worldOf(`web: { listen_addresses: ["${address}"], config_file: /work/web.yml }`),
    );
    assert.equal((await receiversOfDaemon(configuration, world)).length, 1);
    code = 401;
    assert.equal(
      await receiversOfDaemon(configuration, world),
      `unexpected status of https://${address}: got 401, want 200`,
    );
  },
);
