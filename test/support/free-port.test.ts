/** Ports for programs that must be told one are nobody else's. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createServer } from "node:net";
import { once } from "node:events";
import test from "node:test";
import { freePort } from "./free-port.ts";

const module = JSON.stringify(new URL("free-port.ts", import.meta.url).href);

test("no port is given twice, neither here nor to another process, while this one runs", async () => {
  const ours: number[] = [];
  for (let at = 0; at < 50; at++) ours.push(await freePort(100));
  assert.equal(new Set(ours).size, 50);
  const script = `const { freePort } = await import(${module}); console.log(await freePort(100));`;
  const other = spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
  assert.ok(Number(other.stdout) >= 20_100, other.stderr);
  assert.ok(!ours.includes(Number(other.stdout)));
});

test("a port that somebody listens on is passed over", async () => {
  const port = await freePort();
  const server = createServer().listen(port + 1, "127.0.0.1");
  await once(server, "listening");
  assert.notEqual(await freePort(), port + 1);
  server.close();
});
