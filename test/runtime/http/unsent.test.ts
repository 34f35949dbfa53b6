/** Whether a receiver may have got some of a request that failed: what it refuses later may be stored then. */
import assert from "node:assert/strict";
import test from "node:test";
import { fakeClock } from "../../support/fake-clock.ts";
import { httpProxy, httpReceiver, rawReceiver } from "./receivers.ts";
import { client, post } from "./sending.ts";
import type { HttpFailure, HttpReply } from "../../../src/runtime/http/client.ts";

function assertUnsent(reply: HttpReply, code: HttpFailure["code"], unsent: boolean): void {
  assert.ok(reply.kind === "failure", JSON.stringify(reply));
  assert.deepEqual([reply.code, reply.unsent === true], [code, unsent], reply.reason);
}

test("a request that no connection stood for, or that could not be made, is unsent", async (t) => {
  const away = await httpReceiver(t, (_request, response) => response.end());
  await away.close();
  assertUnsent(await client(t).send(post(away.url)), "connect", true);
  assertUnsent(await client(t).send(post(new URL("http://no-such-host.invalid/"))), "dns", true);
  const plain = await rawReceiver(t, (socket) => socket.end("HTTP/1.1 400 No\r\n\r\n"));
  assertUnsent(await client(t).send(post(new URL(`https://127.0.0.1:${plain.port}/`))), "tls", true);
  const authorization = { type: "Bearer", credentials_file: "/no/such/file" };
  assertUnsent(await client(t, { authorization }).send(post(away.url)), "credentials", true);
  assertUnsent(await client(t).send(post(away.url, { signal: AbortSignal.abort() })), "aborted", true);
});

test("a request that a proxy did not let through is unsent", async (t) => {
  const proxy = await httpProxy(t, "user:pass");
  const http = client(t, { proxy_url: `http://user:wrong@127.0.0.1:${proxy.port}` });
  for (const url of ["http://metrics.example/", "https://metrics.example/"])
    assertUnsent(await http.send(post(new URL(url))), "proxy", true);
});

test("a connection that does not come about in time leaves a request unsent, an answer that does not come does not", async (t) => {
  const clock = fakeClock();
  const silent = await rawReceiver(t, () => undefined);
  for (const scheme of ["https", "http"]) {
    const before = silent.accepted.length;
    const sending = client(t, {}, { clock }).send(post(new URL(`${scheme}://127.0.0.1:${silent.port}/`)));
    while (silent.accepted.length === before) await clock.advance(1);
    await clock.advance(5000);
    assertUnsent(await sending, "timeout", scheme === "https");
  }
});

test("a request that was on a connection may have arrived, though it is tried again in vain", async (t) => {
  const resetting = await rawReceiver(t, (socket) => socket.resetAndDestroy());
  assertUnsent(await client(t).send(post(resetting.url)), "reset", false);

  let isFirst = true;
  const leaving = await rawReceiver(t, (socket) => {
    if (isFirst) socket.write("HTTP/1.1 204 None\r\n\r\n");
    else void leaving.close();
    isFirst = false;
  });
  const http = client(t);
  await http.send(post(leaving.url));
  assertUnsent(await http.send(post(leaving.url)), "connect", false);
});
