/** The step of CI that asks for known vulnerabilities, with a registry of its own: what it passes, skips and fails. */
import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { freePort } from "../support/free-port.ts";
import { folderOfFile } from "../support/folder.ts";

const script = fileURLToPath(new URL("../../.ci/audit", import.meta.url));
const folder = folderOfFile();
const withNpm = { skip: spawnSync("npm", ["--version"]).status === 0 ? false : "npm is not here" };

const endpoint = "/-/npm/v1/security/advisories/bulk";
const clean = { status: 200, body: "{}" };
const advisory = {
  id: 1,
  url: "https://example.invalid/advisory",
  title: "draws what it should not",
  severity: "info",
  vulnerable_versions: "*",
};

interface Verdict {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

test("it passes where no package has a known vulnerability", withNpm, async () => {
  const { verdict, asked } = await auditWith(clean);
  assert.deepEqual(verdict, { code: 0, out: "no known vulnerabilities\n", err: "" });
  assert.ok("uplot" in asked && "esbuild" in asked, "development dependencies are asked for");
});

test("it asks for all packages whatever the machine's settings leave out", withNpm, async () => {
  const settings = { NODE_ENV: "production", npm_config_omit: "dev", npm_config_offline: "true" };
  const { verdict, asked } = await auditWith(clean, settings);
  assert.equal(verdict.code, 0, verdict.err);
  assert.ok("uplot" in asked);
});

test("it fails on a vulnerability of any severity and prints it", withNpm, async () => {
  const found = { status: 200, body: JSON.stringify({ uplot: [advisory] }) };
  const { verdict } = await auditWith(found, { npm_config_audit_level: "none" });
  assert.equal(verdict.code, 1);
  assert.match(
    verdict.err,
    /\nuplot \*: info, draws what it should not \(https:\/\/example\.invalid\/advisory\)\n$/,
  );
});

for (const status of [404, 405])
  test(`it is skipped with the reason where the registry answers ${status}`, withNpm, async () => {
    const { verdict } = await auditWith({ status, body: "" });
    assert.equal(verdict.code, 0);
    assert.match(verdict.out, new RegExp(`^skipped: this registry has no audit endpoint: ${status} .*\n$`));
  });

for (const status of [401, 403, 500])
  test(`it fails where the registry answers ${status}`, withNpm, async () => {
    const { verdict } = await auditWith({ status, body: "" });
    assert.deepEqual([verdict.code, verdict.out], [1, ""]);
    assert.match(verdict.err, new RegExp(`^cannot ask for known vulnerabilities: .*${status}.*\n$`));
  });

test("it fails where the answer is none of a registry's, as that of a captive portal", withNpm, async () => {
  const { verdict } = await auditWith({ status: 200, body: "<html>404 405</html>" });
  assert.deepEqual([verdict.code, verdict.out], [1, ""]);
  assert.match(verdict.err, /^cannot ask for known vulnerabilities: /);
});

test("it fails where npm fails without a word", async () => {
  writeFileSync(join(folder, "npm"), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
  const verdict = await audit(await freePort(), { PATH: `${folder}:${process.env["PATH"]}` });
  assert.deepEqual([verdict.code, verdict.out], [1, ""]);
  assert.match(verdict.err, /^cannot ask for known vulnerabilities: .*got nothing, want JSON\n$/);
});

test("it fails where nobody answers", withNpm, async () => {
  const verdict = await audit(await freePort(), {});
  assert.deepEqual([verdict.code, verdict.out], [1, ""]);
  assert.match(verdict.err, /^cannot ask for known vulnerabilities: .*ECONNREFUSED/);
});

async function auditWith(
  answer: { readonly status: number; readonly body: string },
  settings: Record<string, string> = {},
): Promise<{ readonly verdict: Verdict; readonly asked: Record<string, unknown> }> {
  let asked: Record<string, unknown> = {};
  const registry = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      if (request.url !== endpoint) return response.writeHead(404).end();
      asked = JSON.parse(gunzipSync(Buffer.concat(parts)).toString()) as typeof asked;
      return response.writeHead(answer.status).end(answer.body);
    });
  }).listen(0, "127.0.0.1");
  await once(registry, "listening");
  try {
    return { verdict: await audit((registry.address() as AddressInfo).port, settings), asked };
  } finally {
    registry.close();
    registry.closeAllConnections();
  }
}

function audit(port: number, settings: Record<string, string>): Promise<Verdict> {
  const env = {
    ...process.env,
    npm_config_registry: `http://127.0.0.1:${port}/`,
    npm_config_cache: join(folder, "cache"),
    npm_config_noproxy: "127.0.0.1",
    npm_config_fetch_retries: "0",
    npm_config_update_notifier: "false",
    ...settings,
  };
  return new Promise((resolve) => {
    execFile("bash", [script], { env }, (error, out, err) =>
      resolve({ code: typeof error?.code === "number" ? error.code : error ? -1 : 0, out, err }),
    );
  });
}
