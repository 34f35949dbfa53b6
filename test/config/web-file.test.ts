import assert from "node:assert/strict";
import test from "node:test";
import { parseWebFile } from "../../src/config/web-file.ts";

const hash = `$2y$10$${"a".repeat(53)}`;
const parse = (text: string) => parseWebFile("/etc/agent/web.yaml", Buffer.from(text));
const problems = (text: string): readonly string[] => {
  const parsed = parse(text);
  return parsed.ok ? [] : parsed.problems;
};

test("exporter-toolkit's example file is accepted, with paths from its own folder", () => {
  const parsed = parse(`
tls_server_config:
  cert_file: server.crt
  key_file: keys/server.key
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: /ca.crt
  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]
  curve_preferences: [X25519, CurveP256]
  min_version: TLS13
http_server_config:
  http2: true
  headers: { X-Frame-Options: deny }
basic_auth_users:
  alice: ${hash}
  1234: ${hash}
rate_limit: { interval: 1s, burst: 20 }
`);
  assert.deepEqual(parsed, {
    ok: true,
    warnings: ["http_server_config.http2: HTTP/2 is not supported, requests are answered by HTTP/1.1"],
    config: {
      tls_server_config: {
        cert_file: "/etc/agent/server.crt",
        key_file: "/etc/agent/keys/server.key",
        client_auth_type: "RequireAndVerifyClientCert",
        client_ca_file: "/ca.crt",
        cipher_suites: ["ECDHE-RSA-AES128-GCM-SHA256"],
        curve_preferences: ["X25519", "P-256"],
        min_version: "TLSv1.3",
        max_version: "TLSv1.3",
        prefer_server_cipher_suites: true,
      },
      http_server_config: { http2: true, headers: { "X-Frame-Options": "deny" } },
      basic_auth_users: { 1234: hash, alice: hash },
      rate_limit: { interval: 1000, burst: 20 },
    },
  });
});

test("an empty file is a configuration without anything", () => {
  for (const text of ["", "# nothing\n", "tls_server_config:\n"])
    assert.deepEqual(parse(text), {
      ok: true,
      config: { http_server_config: { headers: {} }, basic_auth_users: {} },
      warnings: [],
    });
});

test("everything wrong is told at once, each at its line and column, and no hash is printed", () => {
  const text = `tls_server_config:
  cert_file: a.crt
  cert: inline
  min_version: TLS14
  cipher_suites: [TLS_FOO]
  client_ca_file: ca.crt
  client_allowed_sans: [a]
http_server_config:
  headers: { X-Frame-Options: allow, Server: mine }
basic_auth_users:
  alice: hunter2
  bob: $2y$18$${"a".repeat(53)}
rate_limt: {}
`;
  const at = (place: string, message: string): string => `/etc/agent/web.yaml:${place}: ${message}`;
  const mustBeHash = "must be a bcrypt hash with a cost between 4 and 15, as htpasswd -nBC 10 USER prints it";
  assert.deepEqual(
    problems(text),
    [
      at("2:3", "tls_server_config.key_file: must be set"),
      at("3:9", "tls_server_config.cert: must not be set together with cert_file"),
      at(
        "4:16",
        "tls_server_config.min_version: must be TLS10, TLS11, TLS12 or TLS13, got \"TLS14\", did you mean 'TLS10'?",
      ),
      at(
        "5:19",
        'tls_server_config.cipher_suites[0]: must be a cipher suite of Go\'s crypto/tls, got "TLS_FOO"',
      ),
      at(
        "2:3",
        "tls_server_config.client_auth_type: must ask for a certificate when client_ca or client_ca_file is set",
      ),
      at(
        "7:24",
        "tls_server_config.client_allowed_sans: must come with RequireAnyClientCert or RequireAndVerifyClientCert",
      ),
      at("9:31", "http_server_config.headers.X-Frame-Options: must be deny or sameorigin"),
      at("9:38", "http_server_config.headers: unknown key 'Server'"),
      at("11:10", `basic_auth_users.alice: ${mustBeHash}`),
      at("12:8", `basic_auth_users.bob: ${mustBeHash}`),
      at("13:1", "unknown key 'rate_limt', did you mean 'rate_limit'?"),
    ].toSorted(byPlace),
  );
});

const byPlace = (a: string, b: string): number => {
  const [lineA = 0, columnA = 0] = a.split(":").slice(1, 3).map(Number);
  const [lineB = 0, columnB = 0] = b.split(":").slice(1, 3).map(Number);
  return lineA - lineB || columnA - columnB;
};

test("a minimum version above the maximum is refused", () => {
  assert.deepEqual(
    problems("tls_server_config: { cert: a, key: b, min_version: TLS13, max_version: TLS12 }\n"),
    ["/etc/agent/web.yaml:1:52: tls_server_config.min_version: must not be above max_version"],
  );
});

test("a header that would split the answer, and a limit that lets nobody in, are refused", () => {
  assert.equal(problems('http_server_config: { headers: { X-XSS-Protection: "a\\r\\nb" } }\n').length, 1);
  assert.equal(problems("rate_limit: { interval: 1s }\n").length, 1);
});

test("${} has no meaning in this file", () => {
  const parsed = parse("http_server_config: { headers: { Content-Security-Policy: 'a ${HOME} $1' } }\n");
  assert.ok(parsed.ok);
  assert.equal(parsed.config.http_server_config.headers["Content-Security-Policy"], "a ${HOME} $1");
});

test("a user of a name that an object can't hold is refused, never dropped", () => {
  assert.deepEqual(problems(`basic_auth_users: { __proto__: ${hash} }\n`), [
    "/etc/agent/web.yaml:1:21: basic_auth_users: name must not be __proto__",
  ]);
  assert.equal(problems("basic_auth_users:\n  alice:\n").length, 1);
});

test("what is no YAML, or no text, is a problem in words", () => {
  assert.equal(problems("a: [\n").length > 0, true);
  const binary = parseWebFile("/w.yaml", Buffer.from([0xff, 0xfe, 0]));
  assert.ok(!binary.ok);
});
