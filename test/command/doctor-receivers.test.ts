/** The health of receivers as `doctor` takes it from the daemon that runs. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import test from "node:test";
import { receiversOfDaemon } from "../../src/command/doctor.ts";
import type { World } from "../../src/command/world.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { accepted, worldOf } from "../config/world.ts";
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
  const world = { clock: systemClock, env: {}, self: [], signal: t.signal } as unknown as World;
  const configured = (text: string) => accepted(worldOf(`web: ${text}`)).configuration;
  const ask = (text = `{ listen_addresses: ["${address}"] }`) => receiversOfDaemon(configured(text), world);

  const found = (await ask()) ?? [];
  assert.deepEqual(
    found.map((one) => one.status),
    ["ok", "failure", "ok", "warning"],
  );
  assert.match(
    found[1]?.message ?? "",
    /the daemon says retrying: cannot connect to desk:9090: no route to host$/,
  );
  assert.equal(found[1]?.fix, "Check that it runs.");

  answer = "another program";
  assert.equal(await ask(), undefined);
  assert.equal(await ask("{ enabled: false }"), undefined);
});
