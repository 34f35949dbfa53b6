import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { hashSync } from "bcryptjs";
import { temporaryFolder } from "../runtime/http/receivers.ts";
import { ask, basic, openEndpoint, type Running, type Setup } from "./endpoint.ts";

/** The lowest cost, as a test needs no safety. */
const hashOf = (password: string): string => hashSync(password, 4);
const usersFile = (users: Record<string, string>): string =>
  [
    "basic_auth_users:",
    ...Object.entries(users).map(([user, password]) => `  ${user}: ${hashOf(password)}`),
    "",
  ].join("\n");

interface Guarded extends Running {
  readonly file: string;
  /** Replaces the file and lets the endpoint look at it. */
  readonly rewrite: (content: string) => Promise<void>;
  readonly status: (path: string, credentials?: readonly [user: string, password: string]) => Promise<number>;
}

async function guarded(t: TestContext, content: string, setup: Setup = {}): Promise<Guarded> {
  const file = join(temporaryFolder(t), "web.yaml");
  writeFileSync(file, content);
  const running = await openEndpoint(t, { ...setup, settings: { config_file: file, ...setup.settings } });
  return {
    ...running,
    file,
    async rewrite(changed) {
      writeFileSync(file, changed);
      await running.clock.advance(1000);
    },
    async status(path, credentials) {
      const headers = credentials === undefined ? {} : basic(...credentials);
      return (await ask(running.endpoint.addresses[0]?.port ?? 0, path, { headers })).status;
    },
  };
}

test("with users every page wants a password, and says so", async (t) => {
  const { port, status } = await guarded(t, usersFile({ alice: "right" }));
  for (const path of ["/metrics", "/-/healthy", "/-/ready", "/nothing"])
    assert.equal(await status(path), 401);
  const { headers } = await ask(port, "/metrics");
  assert.match(headers["www-authenticate"] ?? "", /^Basic realm="mac-powermetrics-agent"/);
  assert.equal(await status("/metrics", ["alice", "right"]), 200);
  assert.equal(await status("/metrics", ["alice", "wrong"]), 401);
  assert.equal(await status("/metrics", ["mallory", "right"]), 401);
});

test("a thousand wrong passwords are answered, most of them unread, and the right one still works", async (t) => {
  const { port, status } = await guarded(t, usersFile({ alice: "right" }));
  assert.equal(await status("/metrics", ["alice", "right"]), 200);
  const counts = new Map<number, number>();
  for (let guess = 0; guess < 1000; guess++) {
    const reply = await ask(port, "/metrics", { headers: basic("alice", `guess ${guess}`) });
    counts.set(reply.status, (counts.get(reply.status) ?? 0) + 1);
    if (reply.status === 429) assert.equal(reply.headers["retry-after"], "10");
  }
  assert.deepEqual([counts.get(401), counts.get(429)], [5, 995]);
  assert.equal(await status("/metrics", ["alice", "right"]), 200);
});

test("a wrong name for us is refused before any password is looked at", async (t) => {
  const { port } = await guarded(t, usersFile({ alice: "right" }));
  const { status } = await ask(port, "/metrics", {
    headers: { host: "evil.example", ...basic("alice", "right") },
  });
  assert.equal(status, 421);
});

test("a changed file counts within a second, also on kept connections", async (t) => {
  const { status, rewrite, logged } = await guarded(t, usersFile({ alice: "old" }));
  assert.equal(await status("/metrics", ["alice", "old"]), 200);
  await rewrite(usersFile({ alice: "new" }));
  assert.equal(await status("/metrics", ["alice", "old"]), 401);
  assert.equal(await status("/metrics", ["alice", "new"]), 200);
  assert.equal(logged().filter((line) => line === "info web configuration read again").length, 1);
});

test("a broken file leaves the old one in force, and is logged once with line and column", async (t) => {
  const { status, rewrite, logged, file, clock } = await guarded(t, usersFile({ alice: "right" }));
  await rewrite("basic_auth_users:\n  alice: plain\n");
  assert.equal(await status("/metrics"), 401);
  await clock.advance(5000);
  assert.equal(await status("/metrics", ["alice", "right"]), 200);
  const errors = logged().filter((line) => line.startsWith("error"));
  assert.equal(errors.length, 1);
  const [error = ""] = errors;
  assert.ok(
    error.startsWith(
      `error cannot use web.config_file: ${file}:2:10: basic_auth_users.alice: must be a bcrypt hash`,
    ),
  );
  assert.ok(error.endsWith("; the one before stays in force"));
  assert.doesNotMatch(error, /plain/);
});

test("a deleted file leaves the old one in force", async (t) => {
  const { status, file, clock } = await guarded(t, usersFile({ alice: "right" }));
  rmSync(file);
  await clock.advance(1000);
  assert.equal(await status("/metrics"), 401);
  assert.equal(await status("/metrics", ["alice", "right"]), 200);
});

test("with a broken file at the start nothing is served, until the file is good", async (t) => {
  const { endpoint, status, rewrite, clock } = await guarded(t, "basic_auth_users: [alice]\n");
  assert.deepEqual(endpoint.addresses, []);
  assert.match(
    endpoint.problems[0] ?? "",
    /^cannot use web\.config_file: .*web\.yaml:1:19: basic_auth_users: must be a map/,
  );
  await rewrite(usersFile({ alice: "right" }));
  await clock.advance(30_000);
  while (endpoint.problems.length > 0) await clock.advance(1);
  assert.equal(await status("/metrics"), 401);
  assert.equal(await status("/metrics", ["alice", "right"]), 200);
});

test("without a file that was asked for nothing is served", async (t) => {
  const { endpoint } = await openEndpoint(t, { settings: { config_file: "/nonexistent/web.yaml" } });
  assert.deepEqual(endpoint.problems, [
    "cannot use web.config_file: cannot read /nonexistent/web.yaml: no such file or directory",
  ]);
});

test("headers of the file replace our own on every answer; blank ones are not sent", async (t) => {
  const { port } = await guarded(
    t,
    "http_server_config:\n  headers:\n    X-Frame-Options: SAMEORIGIN\n    Strict-Transport-Security: max-age=60\n    X-XSS-Protection: ''\n",
  );
  for (const path of ["/metrics", "/nothing"]) {
    const { headers } = await ask(port, path);
    assert.equal(headers["x-frame-options"], "SAMEORIGIN");
    assert.equal(headers["strict-transport-security"], "max-age=60");
    assert.equal(headers["x-xss-protection"], undefined);
    assert.equal(headers["x-content-type-options"], "nosniff");
  }
});

test("a rate limit answers 429 beyond its burst, until the interval has passed", async (t) => {
  const { status, clock } = await guarded(t, "rate_limit: { interval: 1s, burst: 2 }\n");
  assert.deepEqual(
    [await status("/metrics"), await status("/metrics"), await status("/metrics")],
    [200, 200, 429],
  );
  await clock.advance(1000);
  assert.deepEqual([await status("/metrics"), await status("/metrics")], [200, 429]);
});

test("an empty file asks for nothing", async (t) => {
  const { status } = await guarded(t, "");
  assert.equal(await status("/metrics"), 200);
});

test("HTTP/2 is said to be missing", async (t) => {
  const { logged } = await guarded(t, "http_server_config: { http2: true }\n");
  assert.ok(logged().some((line) => /^warn .*HTTP\/2 is not supported/.test(line)));
});

test("an address that others can reach is warned about, unless the file asks for passwords", async (t) => {
  const settings = { listen_addresses: [":0"] };
  const warned = ({ logged }: Running): boolean =>
    logged().some((line) => /^warn .*without authentication/.test(line));
  assert.ok(warned(await guarded(t, "", { settings })));
  assert.ok(!warned(await guarded(t, usersFile({ alice: "right" }), { settings })));
});

test("TLS that is turned on later needs a restart, and the log says so", async (t) => {
  const { rewrite, status, logged } = await guarded(t, "");
  await rewrite("tls_server_config: { cert: x, key: y }\n");
  assert.equal(await status("/metrics"), 200);
  assert.ok(
    logged().some((line) =>
      line.startsWith("error cannot use web.config_file: cannot use tls_server_config's certificate and key"),
    ),
  );
});
