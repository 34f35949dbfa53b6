import assert from "node:assert/strict";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import type { HttpReply } from "../../../src/runtime/http/client.ts";
import { literalSecret } from "../../../src/runtime/secret.ts";
import { httpReceiver, temporaryFolder } from "./receivers.ts";
import { answered, client, failed, post } from "./sending.ts";
import { recordingLogger } from "../../support/log.ts";

test("credentials are read from their file again when it changes", async (t) => {
  const file = join(temporaryFolder(t), "password");
  const receiver = await httpReceiver(t, (request, response) => response.end(request.headers.authorization));
  const http = client(t, { basic_auth: { username: "me", password_file: file } });
  const sent = async (): Promise<string> => {
    const [scheme, token] = answered(await http.send(post(receiver.url)))
      .body.toString()
      .split(" ");
    assert.equal(scheme, "Basic");
    return Buffer.from(token ?? "", "base64").toString();
  };
  failed(
    await http.send(post(receiver.url)),
    "credentials",
    /^cannot read .*password: no such file or directory$/,
  );
  writeFileSync(file, "one\n");
  assert.equal(await sent(), "me:one");
  writeFileSync(file, "two\n");
  assert.equal(await sent(), "me:two");
  writeFileSync(file, "\n");
  failed(await http.send(post(receiver.url)), "credentials", /must hold a secret, got an empty file/);
});

test("any scheme of authorization is sent, and characters that no header may hold are a credentials failure", async (t) => {
  const receiver = await httpReceiver(t, (request, response) => response.end(request.headers.authorization));
  const send = (credentials: string): Promise<HttpReply> =>
    client(t, { authorization: { type: "Token", credentials: literalSecret(credentials) } }).send(
      post(receiver.url),
    );
  assert.equal(answered(await send("abc")).body.toString(), "Token abc");
  failed(await send("schlüssel→"), "credentials", /must be plain text/);
});

test("a password in the URL authenticates and shows in no failure", async (t) => {
  const receiver = await httpReceiver(t, (request, response) => response.end(request.headers.authorization));
  const url = new URL(`http://me:hunter2%21@127.0.0.1:${receiver.port}/`);
  const http = client(t);
  const token = answered(await http.send(post(url)))
    .body.toString()
    .slice("Basic ".length);
  assert.equal(Buffer.from(token, "base64").toString(), "me:hunter2!");
  await receiver.close();
  const reply = await http.send(post(url));
  failed(reply, "connect", /^cannot connect to 127/);
  assert.doesNotMatch(JSON.stringify(reply), /hunter2/);
});

test("a URL of another protocol and a header that can't be sent are failures, not throws", async (t) => {
  failed(await client(t).send(post(new URL("ftp://127.0.0.1/"))), "protocol", /^url must be http/);
  failed(
    await client(t).send(post(new URL("http://127.0.0.1:1/"), { headers: { "x-a": "\n" } })),
    "protocol",
    /header/,
  );
});

test("a file of credentials that others may read is warned of", (t) => {
  const file = join(temporaryFolder(t), "token");
  writeFileSync(file, "x");
  chmodSync(file, 0o644);
  const log = recordingLogger();
  client(t, { authorization: { type: "Bearer", credentials_file: file } }, { log });
  assert.equal(log.texts.length, 1);
  assert.match(
    log.texts[0] ?? "",
    /must be private to its owner, or to root and the agent's group, got mode 0644/,
  );
});
