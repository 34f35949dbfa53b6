/** OAuth 2.0 with client credentials, against a small issuer and a receiver of our own. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { createHttpClient, type HttpClient } from "../../../src/runtime/http/client.ts";
import { withTokens } from "../../../src/runtime/http/oauth2.ts";
import type { OauthSettings } from "../../../src/runtime/http/schema.ts";
import { literalSecret } from "../../../src/runtime/secret.ts";
import { createKnownSecrets } from "../../../src/runtime/redact.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { httpReceiver, temporaryFolder } from "./receivers.ts";
import { answered, failed, post } from "./sending.ts";

interface Asked {
  readonly authorization: string | undefined;
  readonly form: Readonly<Record<string, string>>;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  return text;
}

/** An issuer whose tokens are numbered, a receiver that wants the last of them, and a client. */
async function rig(t: TestContext, settings: Partial<OauthSettings> = {}) {
  const asked: Asked[] = [];
  const it = {
    clock: fakeClock(),
    asked,
    expiresIn: 60 as number | undefined,
    /** What the issuer answers instead of a token. */
    refuse: undefined as ((response: ServerResponse, asked: Asked) => boolean) | undefined,
    /** What was accepted last. */
    accepted: (token: string | undefined) => token === `Bearer token-${asked.length}`,
    secrets: createKnownSecrets(),
  };
  const issuer = await httpReceiver(t, (request, response) => {
    void bodyOf(request).then((text) => {
      const { authorization } = request.headers;
      const one = { authorization, form: Object.fromEntries(new URLSearchParams(text)) };
      asked.push(one);
      if (it.refuse?.(response, one) === true) return;
      const token = { access_token: `token-${asked.length}`, token_type: "Bearer", expires_in: it.expiresIn };
      response.setHeader("content-type", "application/json").end(JSON.stringify(token));
    });
  });
  const receiver = await httpReceiver(t, (request, response) => {
    response.statusCode = it.accepted(request.headers.authorization) ? 200 : 401;
    response.end(request.headers.authorization);
  });
  const oauth2: OauthSettings = {
    client_id: "mac agent",
    client_secret: literalSecret("hush/hush", it.secrets),
    token_url: issuer.url.href,
    scopes: ["metrics:write", "more"],
    endpoint_params: { audience: "mimir" },
    ...settings,
  };
  const http = createHttpClient({ oauth2 }, { clock: it.clock, env: {}, secrets: it.secrets });
  t.after(() => http[Symbol.asyncDispose]());
  return Object.assign(it, { issuer, send: () => http.send(post(receiver.url)) });
}

test("a token is asked for once, kept while it lives, and renewed before it expires", async (t) => {
  const { send, asked, clock } = await rig(t);
  assert.equal(answered(await send()).body.toString(), "Bearer token-1");
  assert.equal(answered(await send()).body.toString(), "Bearer token-1");
  assert.deepEqual(asked, [
    {
      authorization: `Basic ${Buffer.from("mac+agent:hush%2Fhush").toString("base64")}`,
      form: { grant_type: "client_credentials", scope: "metrics:write more", audience: "mimir" },
    },
  ]);
  await clock.advance(51_000);
  assert.equal(answered(await send()).body.toString(), "Bearer token-2");
});

test("of tokens the latest are masked, and as many as there may be take no place of another secret", async (t) => {
  const { send, clock, secrets } = await rig(t);
  secrets.add("a-password");
  for (let renewal = 0; renewal < 300; renewal++) {
    assert.equal(answered(await send()).status, 200);
    await clock.advance(60_000);
  }
  assert.equal(secrets.redact("a-password token-2 token-300"), "<secret> token-2 <secret>");
});

test("requests at the same time share one token", async (t) => {
  const { send, asked } = await rig(t);
  const replies = await Promise.all([send(), send(), send()]);
  assert.deepEqual(
    replies.map((reply) => answered(reply).status),
    [200, 200, 200],
  );
  assert.equal(asked.length, 1);
});

test("a token that is refused is renewed once, and a receiver that refuses it still says so itself", async (t) => {
  const it = await rig(t);
  await it.send();
  it.accepted = (token) => token === "Bearer token-2";
  assert.equal(answered(await it.send()).status, 200);
  it.accepted = () => false;
  assert.equal(answered(await it.send()).status, 401);
  assert.equal(it.asked.length, 3);
});

test("an issuer that takes credentials in the body alone gets them there, from then on", async (t) => {
  const it = await rig(t);
  it.refuse = (response, { form }) => {
    if (form["client_secret"] === "hush/hush") return false;
    response.writeHead(401).end();
    return true;
  };
  assert.equal(answered(await it.send()).status, 200);
  await it.clock.advance(60_000);
  assert.equal(answered(await it.send()).status, 200);
  assert.deepEqual(
    it.asked.map(({ authorization, form }) => [authorization !== undefined, form["client_id"]]),
    [
      [true, undefined],
      [false, "mac agent"],
      [false, "mac agent"],
    ],
  );
});

test("without a token nothing is sent, and the reason names the issuer and no secret", async (t) => {
  const it = await rig(t);
  it.refuse = (response) => {
    response.writeHead(400).end('{"error":"invalid_client","error_description":"hush/hush"}');
    return true;
  };
  failed(
    await it.send(),
    "credentials",
    /^cannot get a token from .*: unexpected status: got 400, invalid_client$/,
  );
  it.refuse = (response) => {
    response.end("<html>");
    return true;
  };
  failed(await it.send(), "credentials", /got no access_token in its answer$/);
  it.refuse = (response) => {
    void it.clock.advance(1500).then(() => response.destroy());
    return true;
  };
  const cut = await it.send();
  failed(cut, "reset", /^cannot get a token from .*connection closed/);
  assert.ok(cut.kind === "failure" && cut.unsent, "the issuer has got something, the receiver has not");
  assert.ok(cut.durationMs >= 1500, `took ${cut.durationMs} ms`);
  await it.issuer.close();
  failed(await it.send(), "connect", /^cannot get a token from .*connection refused/);
});

test("a secret's file is read when a token is asked for, and its absence is a reason", async (t) => {
  const file = join(temporaryFolder(t), "secret");
  const it = await rig(t, { client_secret: undefined, client_secret_file: file } as unknown as OauthSettings);
  failed(await it.send(), "credentials", /cannot read .*secret: no such file or directory$/);
  writeFileSync(file, "other\n");
  assert.equal(answered(await it.send()).status, 200);
  assert.equal(
    Buffer.from(it.asked[0]?.authorization?.slice(6) ?? "", "base64").toString(),
    "mac+agent:other",
  );
});

test("a token's request and the one that it is for share the time of one", async () => {
  const clock = fakeClock();
  const times: number[] = [];
  /** Answers after two seconds. */
  const clientOf = (body: string, status = 200): HttpClient => ({
    async send({ timeoutMs }) {
      times.push(timeoutMs);
      await clock.sleep(2000);
      const head = { kind: "response", status, headers: {}, truncated: false } as const;
      return { ...head, body: Buffer.from(body), durationMs: 2000, receivedAt: clock.now() };
    },
    renew: () => undefined,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
  const settings: OauthSettings = {
    client_id: "agent",
    client_secret: literalSecret("hush-hush", createKnownSecrets()),
    token_url: "http://issuer.test/",
    scopes: [],
    endpoint_params: {},
  };
  const issuer = clientOf('{"access_token":"token"}');
  const client = withTokens(
    clientOf("", 401),
    issuer,
    settings,
    clock,
    createKnownSecrets(),
    () => undefined,
  );
  const replied = client.send({ ...post(new URL("http://a.test/")), timeoutMs: 9000 });
  await clock.advance(8000);
  assert.equal(answered(await replied).status, 401);
  assert.deepEqual(times, [9000, 7000, 5000, 3000]);
});
