import assert from "node:assert/strict";
import test from "node:test";
import { z } from "zod";
import { checkHttp, httpFields } from "../../../src/runtime/http/schema.ts";

const httpSchema = z.strictObject(httpFields()).superRefine(checkHttp);

function issues(settings: unknown): string[] {
  const parsed = httpSchema.safeParse(settings);
  return parsed.error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`) ?? [];
}

test("a block pasted from Prometheus is accepted, and its secrets are opaque", () => {
  const settings = httpSchema.parse({
    headers: { "X-Scope-OrgID": "team" },
    basic_auth: { username: "me", password: "hunter22" },
    tls_config: { ca_file: "/ca.pem", min_version: "TLS12", insecure_skip_verify: false },
    proxy_url: "http://proxy:3128",
    no_proxy: "10.0.0.0/8",
    proxy_from_environment: false,
  });
  assert.equal(settings.basic_auth?.password?.reveal(), "hunter22");
  assert.equal(settings.headers?.["X-Scope-OrgID"]?.reveal(), "team");
  assert.doesNotMatch(JSON.stringify(settings), /hunter22|team/);
  assert.equal(httpSchema.parse({ authorization: { credentials: "abcd" } }).authorization?.type, "Bearer");
});

for (const [what, settings, want] of [
  [
    "no password",
    { basic_auth: { username: "a" } },
    /^basic_auth: must have exactly one of password and password_file$/,
  ],
  [
    "two passwords",
    { basic_auth: { username: "a", password: "b", password_file: "c" } },
    /exactly one of password/,
  ],
  [
    "two credentials",
    { authorization: { credentials: "b", credentials_file: "c" } },
    /exactly one of credentials/,
  ],
  [
    "basic as a scheme",
    { authorization: { type: "basic", credentials: "b" } },
    /type: must not be Basic: use basic_auth$/,
  ],
  ["a key without a certificate", { tls_config: { key_file: "k" } }, /must have both cert_file and key_file/],
  ["an unknown TLS version", { tls_config: { min_version: "SSL3" } }, /^tls_config\.min_version: /],
  ["a socks proxy", { proxy_url: "socks5://p:1" }, /^proxy_url: must be an http:\/\/ or https:\/\/ URL$/],
  [
    "a header of the protocol",
    { headers: { "Content-Type": "x" } },
    /^headers\.Content-Type: must not be set/,
  ],
  ["a header with a broken name", { headers: { "a b": "x" } }, /^headers\.a b: must be a valid header name$/],
  ["a header with a line feed", { headers: { a: "x\ny" } }, /^headers\.a: must be a valid header value$/],
  [
    "a header that YAML took for a number",
    { headers: { a: 7 } },
    /^headers\.a: must be text: put the value in quotes$/,
  ],
  ["an unknown key", { tls_config: { ca: "x" } }, /^tls_config: Unrecognized key: "ca"$/],
] as const) {
  test(`${what} is an issue with its path`, () => {
    assert.match(issues(settings).join("\n"), want);
  });
}

test("basic_auth, authorization and an Authorization header exclude one another", () => {
  const basic_auth = { username: "a", password: "b" };
  const authorization = { credentials: "c" };
  const headers = { AUTHORIZATION: "Bearer d" };
  for (const settings of [
    { basic_auth, authorization },
    { basic_auth, headers },
    { authorization, headers },
  ])
    assert.match(issues(settings).join("\n"), /must be the only way to authenticate/);
  assert.deepEqual(issues({ headers }), []);
});

test("every field has a description in the JSON Schema", () => {
  const { properties = {} } = z.toJSONSchema(httpSchema, { io: "input" });
  const undescribed = Object.entries(properties).filter(
    ([, field]) => typeof field !== "object" || field.description === undefined,
  );
  assert.deepEqual(undescribed, []);
  assert.deepEqual(Object.keys(properties).length, 8);
});
