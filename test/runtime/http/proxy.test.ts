import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { bypasses, proxyFor } from "../../../src/runtime/http/proxy.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import {
  httpProxy,
  httpReceiver,
  httpsReceiver,
  noOpenssl,
  rawReceiver,
  selfSigned,
  temporaryFolder,
} from "./receivers.ts";
import { answered, client, failed, post } from "./sending.ts";

const metrics = new URL("https://metrics.example:8443/x");

for (const [list, url, bypassed] of [
  ["", "http://a.example/", false],
  ["*", "http://a.example/", true],
  ["example.com", "http://example.com/", true],
  ["example.com", "http://EXAMPLE.com./", true],
  ["example.com", "http://a.example.com/", true],
  ["example.com", "http://notexample.com/", false],
  [".example.com", "http://a.example.com/", true],
  [".example.com", "http://example.com/", false],
  ["*.example.com", "http://a.b.example.com/", true],
  ["example.com:8080", "http://example.com:8080/", true],
  ["example.com:8080", "http://example.com/", false],
  ["example.com:443", "https://example.com/", true],
  ["a.example, b.example", "http://b.example/", true],
  ["10.0.0.0/8", "http://10.1.2.3:9090/", true],
  ["10.0.0.0/8", "http://11.1.2.3/", false],
  ["10.0.0.0/99", "http://10.1.2.3/", false],
  ["10.0.0.0/8", "http://ten.example/", false],
  ["10.1.2.3", "http://10.1.2.3/", true],
  ["10.1.2.3:9090", "http://10.1.2.3:9091/", false],
  ["1.2.3", "http://10.1.2.3/", false],
  ["fd00::/8", "http://[fd12::1]/", true],
  ["2001:db8::1", "http://[2001:db8:0:0::1]:9/", true],
  ["[2001:db8::1]:9", "http://[2001:db8::1]:9/", true],
  ["[2001:db8::1]:9", "http://[2001:db8::1]:8/", false],
] as const) {
  test(`no_proxy "${list}" ${bypassed ? "names" : "does not name"} ${url}`, () => {
    assert.equal(bypasses(new URL(url), list), bypassed);
  });
}

test("the environment's proxy is chosen by the receiver's protocol, in either case", () => {
  const env = { HTTP_PROXY: "http://plain:1", https_proxy: "secure:2" };
  assert.equal(proxyFor(metrics, {}, env)?.href, "http://secure:2/");
  assert.equal(proxyFor(new URL("http://metrics.example/"), {}, env)?.href, "http://plain:1/");
  assert.equal(proxyFor(metrics, { proxy_from_environment: false }, env), undefined);
  assert.equal(proxyFor(metrics, {}, { ...env, no_proxy: "metrics.example" }), undefined);
  assert.equal(proxyFor(metrics, {}, { HTTPS_PROXY: "" }), undefined);
});

test("the environment's proxy is never used for this machine itself, proxy_url is", () => {
  const env = { HTTP_PROXY: "http://plain:1" };
  for (const host of ["localhost", "127.1.2.3", "[::1]"]) {
    const url = new URL(`http://${host}/`);
    assert.equal(proxyFor(url, {}, env), undefined);
    assert.equal(proxyFor(url, { proxy_url: "http://p:3" }, env)?.href, "http://p:3/");
  }
});

test("proxy_url wins over the environment and has its own no_proxy", () => {
  const env = { HTTPS_PROXY: "http://environment:1", NO_PROXY: "*" };
  assert.equal(proxyFor(metrics, { proxy_url: "http://own:1" }, env)?.host, "own:1");
  assert.equal(proxyFor(metrics, { proxy_url: "http://own:1", no_proxy: "example" }, env), undefined);
});

test("a proxy that is no HTTP proxy is named, without its password", () => {
  assert.throws(() => proxyFor(metrics, {}, { HTTPS_PROXY: "socks5://u:hunter2@p:1" }), {
    message: "HTTPS_PROXY must be an http:// or https:// URL, got socks5://",
  });
  assert.throws(() => proxyFor(metrics, {}, { HTTPS_PROXY: "http://" }), /HTTPS_PROXY must be a URL/);
});

test("a plain request goes to the proxy in absolute form, with its credentials", async (t) => {
  const proxy = await httpProxy(t, "user:p@ss");
  const receiver = await httpReceiver(t, (request, response) =>
    response.end(`${request.headers.host ?? ""} ${request.url ?? ""}`),
  );
  const target = new URL("/push?x=1", receiver.url);
  const http = client(t, { proxy_url: `http://user:p%40ss@127.0.0.1:${proxy.port}` });
  assert.equal(
    answered(await http.send(post(target))).body.toString(),
    `127.0.0.1:${receiver.port} /push?x=1`,
  );
  assert.deepEqual(proxy.seen, [`POST ${target.href}`]);
});

test(
  "a secure request goes through a tunnel, which serves the next one too",
  { skip: noOpenssl },
  async (t) => {
    const proxy = await httpProxy(t, "user:pass");
    const { cert, key, certFile } = selfSigned(temporaryFolder(t), "server", "IP:127.0.0.1");
    const receiver = await httpsReceiver(t, { cert, key }, (request, response) => response.end(request.url));
    const settings = {
      proxy_url: `http://user:pass@127.0.0.1:${proxy.port}`,
      tls_config: { ca_file: certFile },
    };
    const http = client(t, settings);
    for (const path of ["/one", "/two"])
      assert.equal(answered(await http.send(post(new URL(path, receiver.url)))).body.toString(), path);
    assert.deepEqual(proxy.seen, [`CONNECT 127.0.0.1:${receiver.port}`]);
    const distrustful = client(t, { proxy_url: settings.proxy_url });
    failed(
      await distrustful.send(post(receiver.url)),
      "tls",
      /through proxy 127\.0\.0\.1:\d+: .*self-signed/,
    );
  },
);

test("a proxy may itself be reached by TLS when it is trusted", { skip: noOpenssl }, async (t) => {
  const { cert, key, certFile } = selfSigned(temporaryFolder(t), "proxy", "IP:127.0.0.1");
  const proxy = await httpsReceiver(t, { cert, key }, (request, response) => response.end(request.url));
  const settings = { proxy_url: `https://127.0.0.1:${proxy.port}` };
  failed(await client(t, settings).send(post(new URL("http://metrics.example/"))), "tls", /self-signed/);
  failed(
    await client(t, settings).send(post(metrics)),
    "proxy",
    /^cannot agree on TLS with proxy 127.*self-signed/,
  );
  const trusting = client(t, {
    ...settings,
    tls_config: { ca_file: certFile, server_name: "metrics.example" },
  });
  const reply = answered(await trusting.send(post(new URL("http://metrics.example/"))));
  assert.equal(reply.body.toString(), "http://metrics.example/");
});

test("a tunnel through a proxy that is itself reached by TLS works", { skip: noOpenssl }, async (t) => {
  const { cert, key, certFile } = selfSigned(temporaryFolder(t), "both", "IP:127.0.0.1");
  const proxy = await httpProxy(t, "user:pass", { cert, key });
  const receiver = await httpsReceiver(t, { cert, key }, (_request, response) => response.end("safe"));
  const proxy_url = `https://user:pass@127.0.0.1:${proxy.port}`;
  const reply = await client(t, { proxy_url, tls_config: { ca_file: certFile } }).send(post(receiver.url));
  assert.equal(answered(reply).body.toString(), "safe");
});

test(
  "a proxy that is reached by TLS goes by its own name, not by the receiver's",
  { skip: noOpenssl },
  async (t) => {
    const folder = temporaryFolder(t);
    const ofProxy = selfSigned(folder, "proxy", "IP:127.0.0.1");
    const ofReceiver = selfSigned(folder, "receiver", "DNS:metrics.example");
    const ca_file = join(folder, "both.crt");
    writeFileSync(ca_file, Buffer.concat([ofProxy.cert, ofReceiver.cert]));
    const proxy = await httpProxy(t, undefined, { cert: ofProxy.cert, key: ofProxy.key });
    const { cert, key } = ofReceiver;
    const receiver = await httpsReceiver(t, { cert, key }, (_request, response) => response.end("safe"));
    const http = client(t, { proxy_url: proxy.url.href, tls_config: { ca_file } });
    const reply = await http.send(post(new URL(`https://metrics.example:${receiver.port}/`)));
    assert.equal(answered(reply).body.toString(), "safe");
  },
);

test("renewing connections does not call off a tunnel that is being opened", async (t) => {
  const proxy = await rawReceiver(t, (socket) => {
    http.renew();
    socket.end("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n");
  });
  const http = client(t, { proxy_url: proxy.url.href });
  failed(await http.send(post(metrics)), "proxy", /the proxy answered 503$/);
});

test("a proxy that asks for credentials is a proxy failure that says where to put them", async (t) => {
  const proxy = await httpProxy(t, "user:pass");
  const http = client(t, { proxy_url: `http://user:wrong@127.0.0.1:${proxy.port}` });
  for (const url of [new URL("http://metrics.example/"), metrics]) {
    const reply = await http.send(post(url));
    failed(
      reply,
      "proxy",
      /^cannot connect through proxy 127\.0\.0\.1:\d+: .*407.*set user:password@ in proxy_url$/,
    );
    assert.doesNotMatch(JSON.stringify(reply), /wrong/);
  }
});

test("a proxy that is away, hangs up or talks nonsense is a proxy failure", async (t) => {
  const away = await httpReceiver(t, (_request, response) => response.end());
  await away.close();
  const closing = await rawReceiver(t, (socket) => socket.end());
  const nonsense = await rawReceiver(t, (socket) => socket.end("SSH-2.0\r\n\r\n"));
  const refusing = await rawReceiver(t, (socket) => socket.end("HTTP/1.1 503 No\r\n\r\n"));
  for (const [proxy, reason] of [
    [away, /^cannot connect to proxy 127\.0\.0\.1:\d+: connection refused$/],
    [closing, /proxy 127\.0\.0\.1:\d+: connection closed/],
    [nonsense, /^unexpected answer from proxy 127\.0\.0\.1:\d+: it is not HTTP\/1\.1$/],
    [refusing, /^cannot connect through proxy 127\.0\.0\.1:\d+: the proxy answered 503$/],
  ] as const)
    failed(await client(t, { proxy_url: proxy.url.href }).send(post(metrics)), "proxy", reason);
  const direct = await client(t, { proxy_url: away.url.href }).send(post(new URL("http://metrics.example/")));
  failed(direct, "proxy", /^cannot connect to proxy 127\.0\.0\.1:\d+: connection refused$/);
});

test("a proxy that hangs ends at the connect limit, and its socket with it", async (t) => {
  const clock = fakeClock();
  const proxy = await rawReceiver(t, () => undefined);
  const sending = client(t, { proxy_url: proxy.url.href }, { clock }).send(
    post(metrics, { timeoutMs: 60_000 }),
  );
  while (proxy.accepted.length === 0) await clock.advance(1);
  await clock.advance(10_000);
  failed(await sending, "proxy", /through proxy 127\.0\.0\.1:\d+: timed out/);
  const [socket] = proxy.accepted;
  await new Promise<void>((resolve) =>
    socket?.closed === true ? resolve() : socket?.once("close", () => resolve()),
  );
  assert.equal(clock.pending, 0);
});
