/** One secret in every place that takes one, and a receiver that sends back what it was told: none is ever printed. */
import assert from "node:assert/strict";
import { chmodSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { fetchText, run, shortIntervals, startAgent, temporaryFolder, until } from "./agent.ts";

/** Distinct, so that a leak tells where it came from. */
const places = [
  "remote-write-password",
  "remote-write-password-file",
  "remote-write-header-token",
  "remote-write-url-userinfo",
  "otlp-credentials",
  "otlp-credentials-file",
  "otlp-header-token",
  "pushgateway-password",
  "proxy-userinfo",
  "environment-password",
] as const;
type Place = (typeof places)[number];

const secretOf = (place: Place): string => `S3cr3t+${place}/=x`;
const uriSecretOf = (place: Place): string => encodeURIComponent(secretOf(place));

/** Answers 400 with every header and the address it was asked for, plain and decoded, as a careless proxy does. */
async function tellTale(t: TestContext): Promise<string> {
  const server = createServer((request, response) => {
    const basic = /^Basic (.+)$/.exec(request.headers.authorization ?? "")?.[1] ?? "";
    const decoded = Buffer.from(basic, "base64").toString();
    request.resume();
    response.writeHead(400, { "content-type": "text/plain" });
    response.end(`bad request: ${JSON.stringify(request.headers)} ${decoded} ${request.url ?? ""}`);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.closeAllConnections());
  t.after(() => server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

interface Planted {
  readonly configuration: string;
  readonly environment: Readonly<Record<string, string>>;
}

async function plant(t: TestContext): Promise<Planted> {
  const receiver = await tellTale(t);
  const folder = temporaryFolder(t);
  const file = (place: Place): string => {
    const path = join(folder, place);
    writeFileSync(path, `${secretOf(place)}\n`);
    chmodSync(path, 0o600);
    return path;
  };
  const configuration = `${shortIntervals}
journal: { path: ${join(folder, "journal.db")} }
log: { level: debug }
web: { enable_reload: true }
remote_write:
  - name: first
    url: http://${receiver}/a
    basic_auth: { username: u, password: "${secretOf("remote-write-password")}" }
    headers: { X-Auth-Token: "${secretOf("remote-write-header-token")}" }
    queue_config: { batch_send_deadline: 100ms }
  - name: second
    url: http://u:${uriSecretOf("remote-write-url-userinfo")}@${receiver}/b
    queue_config: { batch_send_deadline: 100ms }
  - name: third
    url: http://${receiver}/c
    basic_auth: { username: u, password_file: ${file("remote-write-password-file")} }
    queue_config: { batch_send_deadline: 100ms }
  - name: fourth
    url: http://receiver.invalid/d
    proxy_url: http://u:${uriSecretOf("proxy-userinfo")}@${receiver}
    queue_config: { batch_send_deadline: 100ms }
  - name: fifth
    url: http://${receiver}/e
    basic_auth: { username: u, password: "\${PLANTED_PASSWORD}" }
    queue_config: { batch_send_deadline: 100ms }
otlp:
  - name: sixth
    endpoint: http://${receiver}
    authorization: { type: Bearer, credentials: "${secretOf("otlp-credentials")}" }
    headers: { X-Api-Key: "${secretOf("otlp-header-token")}" }
    queue_config: { batch_send_deadline: 100ms }
  - name: seventh
    endpoint: http://${receiver}/f
    authorization: { type: Bearer, credentials_file: ${file("otlp-credentials-file")} }
    queue_config: { batch_send_deadline: 100ms }
pushgateway:
  - url: http://${receiver}
    interval: 1s
    basic_auth: { username: u, password: "${secretOf("pushgateway-password")}" }
`;
  return { configuration, environment: { PLANTED_PASSWORD: secretOf("environment-password") } };
}

/** The secret as it is, and as it looks in JSON, in an address and in a Basic credential. */
function formsOf(place: Place): readonly string[] {
  const secret = secretOf(place);
  const basic = Buffer.from(`u:${secret}`).toString("base64");
  return [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret), basic];
}

function assertClean(where: string, text: string): void {
  assert.ok(text.length > 0, `${where} must say something`);
  for (const place of places) {
    for (const form of formsOf(place)) {
      const at = text.indexOf(form);
      assert.equal(at, -1, `${where} tells ${place}: …${text.slice(Math.max(0, at - 80), at + 80)}…`);
    }
  }
}

test("no command prints a secret, whether the configuration is right or wrong", async (t) => {
  const { configuration, environment } = await plant(t);
  const folder = temporaryFolder(t);
  const right = join(folder, "right.yaml");
  const wrong = join(folder, "wrong.yaml");
  writeFileSync(right, configuration);
  writeFileSync(
    wrong,
    `${configuration.replace("password:", "pasword:")}\nnonsense: ${secretOf("pushgateway-password")}\n`,
  );
  const calls = [
    ["config", "print", "--config", right],
    ["config", "print", "--origins", "--config", right],
    ["check", "--config", right],
    ["check", "--json", "--config", right],
    ["check", "--connect", "--config", right],
    ["check", "--connect", "--json", "--config", right],
    ["doctor", "--json", "--config", right],
    ["once", "--simulate", "--push", "--config", right],
  ];
  for (const call of calls) {
    const { stdout, stderr } = await run(call, environment);
    assertClean(call.join(" "), stdout + stderr);
  }
  const refused = await run(["check", "--config", wrong], environment);
  assert.equal(refused.code, 78);
  const told = refused.stdout + refused.stderr;
  for (const place of places.filter((one) => one !== "pushgateway-password")) {
    for (const form of formsOf(place)) assert.ok(!told.includes(form), `${place}: ${told}`);
  }
});

test("a running agent tells no secret: not in its log, its page, its API, its metrics, nor at a reload", async (t) => {
  const agent = await startAgent(t, await plant(t));
  const rejected = await agent.metrics((text) => {
    const failing = new Set(
      [...text.matchAll(/requests_total\{code="[^2][^"]*",sink="([^"]+)"/g)].map(([, sink]) => sink),
    );
    return failing.size >= 8;
  });
  assertClean("/metrics", rejected);
  for (const path of ["/", "/api/v1/status"]) {
    const text = await until(
      async () => await fetchText(`${agent.origin}${path}`),
      () => `no answer to ${path}`,
    );
    assert.match(text, /remote_write/);
    assertClean(path, text);
  }
  process.kill(agent.pid, "SIGHUP");
  await agent.logged(({ msg }) => msg.startsWith("configuration read again"));
  await agent.kill("SIGTERM");
  const log = agent.log();
  assert.ok(
    log.some(({ msg }) => msg.includes("bad request")),
    "the receiver's words must be in the log, masked",
  );
  assertClean("the log", log.map((line) => JSON.stringify(line)).join("\n"));
});
