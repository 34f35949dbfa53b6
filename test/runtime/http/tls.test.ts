import assert from "node:assert/strict";
import { cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { TLSSocket } from "node:tls";
import test, { type TestContext } from "node:test";
import type { TlsSettings } from "../../../src/runtime/http/schema.ts";
import {
  expired,
  httpReceiver,
  httpsReceiver,
  noOpenssl,
  selfSigned,
  temporaryFolder,
  type Receiver,
} from "./receivers.ts";
import { answered, client, failed, post } from "./sending.ts";

const skip = noOpenssl;

interface Secured {
  readonly receiver: Receiver;
  readonly folder: string;
  readonly ca_file: string;
}

/** A receiver whose self-signed certificate is for 127.0.0.1 and localhost. */
async function secured(t: TestContext, altNames = "IP:127.0.0.1,DNS:localhost"): Promise<Secured> {
  const folder = temporaryFolder(t);
  const { cert, key, certFile } = selfSigned(folder, "server", altNames);
  const receiver = await httpsReceiver(t, { cert, key }, (_request, response) => response.end("safe"));
  return { receiver, folder, ca_file: certFile };
}

test("a receiver whose issuer is in ca_file is trusted, over one kept connection", { skip }, async (t) => {
  const { receiver, ca_file } = await secured(t);
  const http = client(t, { tls_config: { ca_file } });
  for (let i = 0; i < 3; i++)
    assert.equal(answered(await http.send(post(receiver.url))).body.toString(), "safe");
  assert.equal(receiver.accepted.length, 1);
});

test(
  "a self-signed certificate is refused with advice, and accepted with insecure_skip_verify",
  { skip },
  async (t) => {
    const { receiver } = await secured(t);
    failed(
      await client(t).send(post(receiver.url)),
      "tls",
      /^cannot agree on TLS with 127\.0\.0\.1:\d+: .*set tls_config\.ca_file$/,
    );
    const http = client(t, { tls_config: { insecure_skip_verify: true } });
    assert.equal(answered(await http.send(post(receiver.url))).status, 200);
  },
);

test("a new connection goes on from the TLS session of the one before", { skip }, async (t) => {
  const { cert, key, certFile } = selfSigned(temporaryFolder(t), "server", "IP:127.0.0.1");
  const receiver = await httpsReceiver(t, { cert, key }, ({ socket }, response) => {
    const isResumed = socket instanceof TLSSocket && socket.isSessionReused();
    response.setHeader("connection", "close").end(String(isResumed));
  });
  const http = client(t, { tls_config: { ca_file: certFile } });
  for (const resumed of ["false", "true"])
    assert.equal(answered(await http.send(post(receiver.url))).body.toString(), resumed);
});

test("a certificate for another name is refused unless server_name is that name", { skip }, async (t) => {
  const { receiver, ca_file } = await secured(t, "DNS:metrics.example");
  const attempt = (tls: TlsSettings): ReturnType<ReturnType<typeof client>["send"]> =>
    client(t, { tls_config: { ca_file, ...tls } }).send(post(receiver.url));
  failed(await attempt({}), "tls", /the certificate is for another name; set tls_config\.server_name$/);
  assert.equal(answered(await attempt({ server_name: "metrics.example" })).status, 200);
  failed(await attempt({ server_name: "other.example" }), "tls", /another name/);
});

test("an expired certificate says so", { skip }, async (t) => {
  const { cert, key, certFile } = expired(temporaryFolder(t));
  const receiver = await httpsReceiver(t, { cert, key }, (_request, response) => response.end());
  failed(
    await client(t, { tls_config: { ca_file: certFile } }).send(post(receiver.url)),
    "tls",
    /the certificate has expired; renew it/,
  );
});

test("https to a port that speaks plain HTTP says what to check", async (t) => {
  const receiver = await httpReceiver(t, (_request, response) => response.end());
  const url = new URL(`https://127.0.0.1:${receiver.port}/`);
  failed(await client(t).send(post(url)), "tls", /does not speak TLS here; check https:\/\/ and the port$/);
});

test("http to a port that speaks TLS is a failure", { skip }, async (t) => {
  const { receiver } = await secured(t);
  const reply = await client(t).send(post(new URL(`http://127.0.0.1:${receiver.port}/`)));
  assert.ok(reply.kind === "failure" && ["protocol", "reset"].includes(reply.code), JSON.stringify(reply));
});

test("a client certificate is shown, and a renewed one is used at once", { skip }, async (t) => {
  const folder = temporaryFolder(t);
  const [server, first, second] = [
    selfSigned(folder, "mutual", "IP:127.0.0.1"),
    selfSigned(folder, "first", "DNS:first"),
    selfSigned(folder, "second", "DNS:second"),
  ];
  const options = { ...server, ca: [first.cert, second.cert], requestCert: true, rejectUnauthorized: true };
  const receiver = await httpsReceiver(t, options, (request, response) => {
    response.end(request.socket instanceof TLSSocket ? request.socket.getPeerCertificate().subject.CN : "");
  });
  const none = await client(t, { tls_config: { ca_file: server.certFile } }).send(post(receiver.url));
  failed(none, "tls", /a client certificate is required; set tls_config\.cert_file$/);

  const [cert_file, key_file] = [join(folder, "client.crt"), join(folder, "client.key")];
  const http = client(t, { tls_config: { ca_file: server.certFile, cert_file, key_file } });
  failed(
    await http.send(post(receiver.url)),
    "tls",
    /^cannot read .*client\.crt: no such file or directory$/,
  );
  for (const { certFile, keyFile, name } of [
    { ...first, name: "first" },
    { ...second, name: "second" },
  ]) {
    cpSync(certFile, cert_file);
    cpSync(keyFile, key_file);
    assert.equal(answered(await http.send(post(receiver.url))).body.toString(), name);
  }
  cpSync(first.keyFile, key_file);
  failed(
    await http.send(post(receiver.url)),
    "tls",
    /^cannot use tls_config's cert_file, key_file or ca_file: /,
  );
});

test("a ca_file that holds no certificate is a failure that names it", { skip }, async (t) => {
  const { receiver, folder } = await secured(t);
  const ca_file = join(folder, "empty.pem");
  writeFileSync(ca_file, "no certificate\n");
  failed(
    await client(t, { tls_config: { ca_file } }).send(post(receiver.url)),
    "tls",
    /ca_file must be a PEM file, got .*empty\.pem/,
  );
});

test("min_version is asked of the receiver", { skip }, async (t) => {
  const folder = temporaryFolder(t);
  const { cert, key, certFile } = selfSigned(folder, "old", "IP:127.0.0.1");
  const receiver = await httpsReceiver(t, { cert, key, maxVersion: "TLSv1.2" }, (_request, response) =>
    response.end(),
  );
  const attempt = (min_version: "TLS12" | "TLS13"): ReturnType<ReturnType<typeof client>["send"]> =>
    client(t, { tls_config: { ca_file: certFile, min_version } }).send(post(receiver.url));
  assert.equal(answered(await attempt("TLS12")).status, 200);
  failed(await attempt("TLS13"), "tls", /set tls_config\.min_version$/);
});
