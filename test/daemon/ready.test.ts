import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import test from "node:test";
import { label, layoutUnder, service } from "../../src/daemon/layout.ts";
import { endpointProbe, firstSampleMs } from "../../src/daemon/ready.ts";
import type { System, ToolResult } from "../../src/daemon/system.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { accepted, worldOf } from "../config/world.ts";

const patience = (yaml: string): number => firstSampleMs(accepted(worldOf(yaml)).configuration);
const sources = (interval: string): string =>
  `sources: { powermetrics: { interval: ${interval} }, pmset: { enabled: false }, ioreg: { enabled: false } }`;

test("an installation waits for a first window that powermetrics holds back for one more interval", () => {
  assert.equal(patience(sources("60s")), 135_000);
  assert.equal(patience(sources("10s")), 75_000, "sysctl's interval of 30 s is the longest");
});

test("nobody waits for windows of more than two minutes, or without an endpoint to ask", () => {
  assert.equal(patience(sources("5m")), 0);
  assert.equal(patience(`${sources("60s")}\nweb: { enabled: false }`), 0);
});

test("an answer counts only when it is the job's own: another agent may listen there already", async (t) => {
  const server = createServer((_request, response) => response.end("ready\n")).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const { configuration } = accepted(worldOf(`web: { listen_addresses: ["127.0.0.1:${port}"] }`));
  const layout = layoutUnder();
  const ok = (stdout: string): ToolResult => ({ code: 0, stdout, stderr: "" });
  const none: ToolResult = { code: 1, stdout: "", stderr: "" };
  const probe = (job: ToolResult, sockets: ToolResult, isRoot = true) => {
    const tool: System["tool"] = ([file = ""]) =>
      Promise.resolve(file === layout.launchctl ? job : file === layout.lsof ? sockets : none);
    return endpointProbe(configuration, { layout, clock: systemClock, isRoot, tool })();
  };
  const running = ok(`${service} = {\n\tstate = running\n\tpid = 4711\n}\n`);
  const own = ok(`p4711\nf21\nn127.0.0.1:${port}\n`);

  assert.deepEqual(await probe(running, own), { ready: true });
  assert.deepEqual(await probe(running, none), {
    ready: false,
    reason: `port ${port} is another program's: process 4711 of the job does not listen there`,
  });
  assert.deepEqual(await probe(ok(`${label}\n\tstate = spawn scheduled\n`), own), {
    ready: false,
    reason: `port ${port} is another program's: the job does not run`,
  });
  assert.deepEqual(await probe(running, { code: -1, stdout: "", stderr: "no lsof" }), { ready: true });
  assert.deepEqual(await probe(running, none, false), { ready: true }, "without root nothing is to be seen");
});
