/** A keychain that takes its time, as macOS' does: another process reads it, and the agent answers and stops meanwhile. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import test from "node:test";
import { noOpenssl, selfSigned } from "../runtime/http/receivers.ts";
import { assertStopsInTime, program, startAgent, stopwatch, temporaryFolder, until } from "./agent.ts";

/** Blocks whoever asks for the system's certificates, says so in a file, and then gives this one. */
function slowKeychain(folder: string, seconds: number, certFile: string): { preload: string; asked: string } {
  const preload = join(folder, "keychain.mjs");
  const asked = join(folder, "asked");
  writeFileSync(
    preload,
    `import { appendFileSync, readFileSync } from "node:fs";
     import tls from "node:tls";
     const original = tls.getCACertificates;
     tls.getCACertificates = (type) => {
       if (type !== "system") return original(type);
       appendFileSync(${JSON.stringify(asked)}, process.argv[2] + "\\n");
       Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ${seconds * 1000});
       appendFileSync(${JSON.stringify(asked)}, "answered\\n");
       return [readFileSync(${JSON.stringify(certFile)}, "utf8")];
     };`,
  );
  return { preload, asked };
}

test(
  "while the keychain hangs /-/ready answers, and SIGTERM ends the agent within 2 s",
  { skip: noOpenssl },
  async (t) => {
    const folder = temporaryFolder(t);
    const { cert, key, certFile } = selfSigned(folder, "server", "IP:127.0.0.1");
    const receiver = createServer(
      { cert, key },
      (request, response) => void request.resume().on("end", () => response.writeHead(204).end()),
    );
    receiver.on("tlsClientError", () => undefined);
    await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
    t.after(() => receiver.close());
    t.after(() => receiver.closeAllConnections());
    const { preload, asked } = slowKeychain(folder, 60, certFile);
    const watch = stopwatch(folder);
    const agent = await startAgent(t, {
      configuration: `
sources: { powermetrics: { interval: 200ms }, vm_stat: { enabled: false }, sysctl: { enabled: false }, pmset: { enabled: false } }
journal: { path: ${join(folder, "journal.db")} }
remote_write: [{ url: "https://127.0.0.1:${(receiver.address() as AddressInfo).port}/", queue_config: { batch_send_deadline: 100ms } }]
`,
      environment: { NODE_OPTIONS: `--import=${preload} ${watch.option}` },
    });
    const never = (): string => "never";
    await until(() => (existsSync(asked) ? true : undefined), never);
    // Whether every source has a sample yet is another matter.
    assert.match(String((await fetch(`${agent.origin}/-/ready`)).status), /^(?:200|503)$/);
    await assertStopsInTime(agent, watch);
    assert.equal(readFileSync(asked, "utf8"), "authorities\n", "asked once, by a process of its own");
  },
);

test(
  "a receiver and a target whose issuer only the system knows are connected to, after one look",
  { skip: noOpenssl },
  async (t) => {
    const folder = temporaryFolder(t);
    const { cert, key, certFile } = selfSigned(folder, "server", "IP:127.0.0.1");
    let requests = 0;
    const receiver = createServer({ cert, key }, (request, response) => {
      requests++;
      if (request.method === "GET") response.setHeader("content-type", "text/plain").end("a 1\n");
      else request.resume().on("end", () => response.writeHead(204).end());
    });
    receiver.on("tlsClientError", () => undefined);
    await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
    t.after(() => receiver.close());
    t.after(() => receiver.closeAllConnections());
    const { port } = receiver.address() as AddressInfo;
    const { preload, asked } = slowKeychain(folder, 0, certFile);
    const config = join(folder, "agent.yaml");
    writeFileSync(
      config,
      `remote_write: [{ url: "https://127.0.0.1:${port}/", remote_timeout: 30s }]
scrape_configs:
  [{ job_name: a, scheme: https, scrape_interval: 30s, scrape_timeout: 30s, static_configs: [{ targets: ["127.0.0.1:${port}"] }] }]
`,
    );
    const check = spawn(process.execPath, [...program, "check", "--connect", "--config", config], {
      env: { PATH: process.env["PATH"], NODE_OPTIONS: `--import=${preload}` },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    check.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
    assert.deepEqual(await once(check, "close"), [0, null], said);
    assert.ok(requests > 1);
    assert.equal(readFileSync(asked, "utf8"), "authorities\nanswered\n");
  },
);
