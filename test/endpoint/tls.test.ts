import assert from "node:assert/strict";
import { once } from "node:events";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import { noOpenssl, selfSigned, temporaryFolder, type Certificate } from "../runtime/http/receivers.ts";
import { ask, askTls, exchange, openEndpoint, type Running } from "./endpoint.ts";

const skip = noOpenssl;

interface TlsRunning extends Running {
  readonly folder: string;
  readonly server: Certificate;
  /** The answer's status to a client that trusts `server` alone. */
  readonly status: (options?: ConnectionOptions) => Promise<number>;
}

/** An endpoint with `server.crt` and `server.key`, and more lines below `tls_server_config`. */
async function tlsEndpoint(
  t: TestContext,
  lines: readonly string[] = [],
  folder = temporaryFolder(t),
): Promise<TlsRunning> {
  const server = selfSigned(folder, "server", "IP:127.0.0.1");
  const file = join(folder, "web.yaml");
  writeFileSync(file, webFile(lines));
  const running = await openEndpoint(t, { settings: { config_file: file } });
  return {
    ...running,
    folder,
    server,
    status: async (options) =>
      (await askTls(running.port, "/metrics", { ca: server.cert, ...options })).status,
  };
}

const webFile = (lines: readonly string[]): string =>
  [
    "tls_server_config:",
    "  cert_file: server.crt",
    "  key_file: server.key",
    ...lines.map((line) => `  ${line}`),
    "",
  ].join("\n");

/** A finished handshake. */
function handshake(port: number, options: ConnectionOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false, ...options }, () =>
      resolve(socket),
    );
    socket.on("error", reject);
  });
}

/** What lets a client skip the certificates next time; with TLS 1.3 it follows the handshake. */
async function sessionOf(port: number, options: ConnectionOptions): Promise<Buffer> {
  const socket = connect({ host: "127.0.0.1", port, ...options });
  const [session] = (await once(socket, "session")) as [Buffer];
  socket.destroy();
  return session;
}

async function fingerprintOf(port: number): Promise<string> {
  const socket = await handshake(port, {});
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}

test("with a certificate the endpoint speaks TLS, and nothing else", { skip }, async (t) => {
  const { port, status } = await tlsEndpoint(t);
  assert.equal(await status(), 200);
  await assert.rejects(ask(port, "/metrics"));
});

test("certificate and key may stand in the file itself", { skip }, async (t) => {
  const folder = temporaryFolder(t);
  const { cert, key } = selfSigned(folder, "inline", "IP:127.0.0.1");
  const file = join(folder, "web.yaml");
  const block = (text: Buffer): string => text.toString().trimEnd().replaceAll("\n", "\n    ");
  writeFileSync(file, `tls_server_config:\n  cert: |\n    ${block(cert)}\n  key: |\n    ${block(key)}\n`);
  const { port } = await openEndpoint(t, { settings: { config_file: file } });
  assert.equal((await askTls(port, "/metrics", { ca: cert })).status, 200);
});

test("a renewed certificate is shown to the next connection", { skip }, async (t) => {
  const { port, folder, clock, server } = await tlsEndpoint(t);
  const before = await fingerprintOf(port);
  const renewed = selfSigned(folder, "renewed", "IP:127.0.0.1");
  copyFileSync(renewed.certFile, server.certFile);
  copyFileSync(renewed.keyFile, server.keyFile);
  await clock.advance(1000);
  assert.notEqual(await fingerprintOf(port), before);
});

test("a certificate whose key is still the old one waits for its key", { skip }, async (t) => {
  const { port, folder, clock, server, logged } = await tlsEndpoint(t);
  const before = await fingerprintOf(port);
  const renewed = selfSigned(folder, "renewed", "IP:127.0.0.1");
  copyFileSync(renewed.certFile, server.certFile);
  for (let look = 0; look < 3; look++) {
    await clock.advance(1000);
    assert.equal(await fingerprintOf(port), before);
  }
  assert.equal(logged().filter((line) => /^error .*cannot use tls_server_config/.test(line)).length, 1);
  copyFileSync(renewed.keyFile, server.keyFile);
  await clock.advance(1000);
  assert.notEqual(await fingerprintOf(port), before);
});

test("a key of another certificate at the start is a problem, and nothing is served", { skip }, async (t) => {
  const folder = temporaryFolder(t);
  const other = selfSigned(folder, "other", "IP:127.0.0.1");
  selfSigned(folder, "server", "IP:127.0.0.1");
  copyFileSync(other.keyFile, join(folder, "server.key"));
  const file = join(folder, "web.yaml");
  writeFileSync(file, webFile([]));
  const { endpoint } = await openEndpoint(t, { settings: { config_file: file } });
  assert.deepEqual(endpoint.addresses, []);
  assert.match(
    endpoint.problems[0] ?? "",
    /^cannot use web\.config_file: cannot use tls_server_config's certificate and key: /,
  );
});

test("min_version and max_version hold", { skip }, async (t) => {
  const old = await tlsEndpoint(t, ["max_version: TLS12"]);
  assert.equal((await handshake(old.port, {})).getProtocol(), "TLSv1.2");
  await assert.rejects(handshake(old.port, { minVersion: "TLSv1.3" }));
  const modern = await tlsEndpoint(t, ["min_version: TLS13"]);
  await assert.rejects(handshake(modern.port, { maxVersion: "TLSv1.2" }));
});

test("cipher_suites rule TLS 1.2 and leave TLS 1.3 alone, as in Go", { skip }, async (t) => {
  const { port } = await tlsEndpoint(t, ["cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]"]);
  const cipher = async (maxVersion: "TLSv1.2" | "TLSv1.3"): Promise<string> =>
    (await handshake(port, { maxVersion })).getCipher().name;
  assert.equal(await cipher("TLSv1.2"), "ECDHE-ECDSA-AES256-GCM-SHA384");
  assert.match(await cipher("TLSv1.3"), /^TLS_/);
  await assert.rejects(handshake(port, { maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256" }));
});

test("curve_preferences hold", { skip }, async (t) => {
  const { port } = await tlsEndpoint(t, ["curve_preferences: [CurveP384]"]);
  await handshake(port, { ecdhCurve: "P-384" });
  await assert.rejects(handshake(port, { ecdhCurve: "X25519" }));
});

/** Who gets in under each policy: without a certificate, with a stranger's, with a good one. */
const policies: readonly (readonly [
  type: string,
  ca: boolean,
  welcome: readonly [boolean, boolean, boolean],
])[] = [
  ["NoClientCert", false, [true, true, true]],
  ["RequestClientCert", true, [true, true, true]],
  ["RequireAnyClientCert", true, [false, true, true]],
  ["RequireClientCert", true, [false, true, true]],
  ["VerifyClientCertIfGiven", true, [true, false, true]],
  ["RequireAndVerifyClientCert", true, [false, false, true]],
];

for (const [type, ca, welcome] of policies) {
  test(`${type} lets in who it should`, { skip }, async (t) => {
    const folder = temporaryFolder(t);
    const good = selfSigned(folder, "client", "DNS:client.example");
    const stranger = selfSigned(folder, "stranger", "DNS:client.example");
    const lines = [`client_auth_type: ${type}`, ...(ca ? ["client_ca_file: client.crt"] : [])];
    const { status } = await tlsEndpoint(t, lines, folder);
    const certificates = [{}, ...[stranger, good].map(({ cert, key }) => ({ cert, key }))];
    const got = await Promise.all(
      certificates.map((one) =>
        status(one).then(
          (code) => code === 200,
          () => false,
        ),
      ),
    );
    assert.deepEqual(got, welcome);
  });
}

test("client_allowed_sans lets in who has one of the names", { skip }, async (t) => {
  const folder = temporaryFolder(t);
  const names = [
    "DNS:prometheus.example",
    "IP:10.0.0.1",
    "IP:fd00::1",
    "URI:spiffe://example/scraper",
    "DNS:other.example",
  ];
  const clients = names.map((name, index) => selfSigned(folder, `client${index}`, name));
  writeFileSync(join(folder, "ca.crt"), Buffer.concat(clients.map(({ certFile }) => readFileSync(certFile))));
  const { status } = await tlsEndpoint(
    t,
    [
      "client_auth_type: RequireAndVerifyClientCert",
      "client_ca_file: ca.crt",
      "client_allowed_sans: [prometheus.example, 10.0.0.1, 'fd00::1', 'spiffe://example/scraper']",
    ],
    folder,
  );
  const welcome = await Promise.all(
    clients.map(({ cert, key }) =>
      status({ cert, key }).then(
        (code) => code === 200,
        () => false,
      ),
    ),
  );
  assert.deepEqual(welcome, [true, true, true, true, false]);
});

test(
  "a client that was let in once is judged again when it comes back with its session",
  { skip },
  async (t) => {
    const folder = temporaryFolder(t);
    const client = selfSigned(folder, "client", "DNS:client.example");
    const other = selfSigned(folder, "other", "DNS:other.example");
    const policy = ["client_auth_type: RequireAndVerifyClientCert", "client_ca_file: client.crt"];
    const { port, status, clock, server } = await tlsEndpoint(t, policy, folder);
    const identity = { ca: server.cert, cert: client.cert, key: client.key };
    const versions = ["TLSv1.2", "TLSv1.3"] as const;
    const returning = await Promise.all(
      versions.map(async (maxVersion) => {
        const options = { ...identity, maxVersion };
        return { ...options, session: await sessionOf(port, options) };
      }),
    );
    for (const options of returning) assert.equal(await status(options), 200);
    copyFileSync(other.certFile, client.certFile);
    await clock.advance(1000);
    for (const options of returning) await assert.rejects(status(options));
  },
);

test("turning client certificates on later keeps everybody out until the restart", { skip }, async (t) => {
  const { folder, status, clock, logged, server } = await tlsEndpoint(t);
  assert.equal(await status(), 200);
  writeFileSync(join(folder, "web.yaml"), webFile(["client_auth_type: RequireAnyClientCert"]));
  await clock.advance(1000);
  await assert.rejects(status({ cert: server.cert, key: server.key }));
  assert.ok(
    logged().includes(
      "warn web.config_file turned client certificates on or off: restart the agent to apply it",
    ),
  );
});

test("a client that never starts its handshake is cut off", { skip }, async (t) => {
  const folder = temporaryFolder(t);
  selfSigned(folder, "server", "IP:127.0.0.1");
  const file = join(folder, "web.yaml");
  writeFileSync(file, webFile([]));
  const { port } = await openEndpoint(t, { settings: { config_file: file }, limits: { headersMs: 100 } });
  assert.equal(await exchange(port, ""), "");
});
