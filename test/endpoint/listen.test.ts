import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { networkInterfaces } from "node:os";
import test from "node:test";
import { exposureWarning } from "../../src/runtime/address.ts";
import type { Route } from "../../src/endpoint/route.ts";
import { ask, openEndpoint, send } from "./endpoint.ts";

const hasIpv6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === "::1"),
);

test("every address is listened on, and reported with its real port", async (t) => {
  const { endpoint } = await openEndpoint(t, {
    settings: { listen_addresses: ["127.0.0.1:0", "127.0.0.1:0"] },
  });
  const ports = endpoint.addresses.map(({ port }) => port);
  assert.equal(new Set(ports).size, 2);
  for (const port of ports) assert.equal((await ask(port, "/-/healthy")).status, 200);
  assert.deepEqual(endpoint.problems, []);
});

test("IPv6 addresses stand in brackets", { skip: !hasIpv6 && "this machine has no ::1" }, async (t) => {
  const { endpoint, port } = await openEndpoint(t, { settings: { listen_addresses: ["[::1]:0"] } });
  assert.equal(endpoint.addresses[0]?.host, "::1");
  assert.equal((await ask(port, "/metrics", { host: "::1" })).status, 200);
});

test("without a host every interface is listened on; the configuration has warned, so the endpoint does not", async (t) => {
  const { port, logged } = await openEndpoint(t, { settings: { listen_addresses: [":0"] } });
  assert.equal((await ask(port, "/metrics")).status, 200);
  assert.ok(!logged().some((line) => line.includes("without authentication")));
});

test("a port in use is a problem in words, and is taken once it is free", async (t) => {
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const { port } = other.address() as AddressInfo;
  const { endpoint, clock, logged } = await openEndpoint(t, {
    settings: { listen_addresses: [`127.0.0.1:${port}`, "127.0.0.1:0"] },
  });
  const reason = `cannot listen on 127.0.0.1:${port}: address in use; is another agent running?`;
  assert.deepEqual(endpoint.problems, [reason]);
  assert.equal(endpoint.addresses.length, 1, "the other address works");
  await clock.advance(30_000);
  assert.deepEqual(endpoint.problems, [reason]);
  assert.equal(logged().filter((line) => line === `error ${reason}`).length, 1, "said once");

  other.close();
  await once(other, "close");
  await clock.advance(30_000);
  while (endpoint.problems.length > 0) await clock.advance(1);
  assert.equal((await ask(port, "/metrics")).status, 200);
});

test("an address of another machine is a problem in words", async (t) => {
  const { endpoint } = await openEndpoint(t, { settings: { listen_addresses: ["192.0.2.1:0"] } });
  assert.deepEqual(endpoint.problems, ["cannot listen on 192.0.2.1:0: address not available"]);
});

test("stopping while an address can't be had ends the trying", async (t) => {
  const { endpoint, clock } = await openEndpoint(t, { settings: { listen_addresses: ["192.0.2.1:0"] } });
  assert.equal(clock.pending, 1);
  await endpoint[Symbol.asyncDispose]();
  assert.equal(clock.pending, 0);
});

test("stopping ends idle connections at once and frees the port", async (t) => {
  const { endpoint, port, clock } = await openEndpoint(t);
  const { socket, received } = await send(port, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await once(socket, "data");
  await endpoint[Symbol.asyncDispose]();
  await received;
  assert.equal(clock.pending, 0);
  await assert.rejects(ask(port, "/metrics"), /ECONNREFUSED/);
});

test("stopping gives a request in flight one second", async (t) => {
  const endless: Route = {
    path: "/endless",
    methods: ["GET"],
    handle: ({ response }) => void response.write("on"),
  };
  const { endpoint, port, clock } = await openEndpoint(t, { deps: { routes: [endless] } });
  const { socket, received } = await send(port, "GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await once(socket, "data");
  const ended = endpoint[Symbol.asyncDispose]();
  await clock.advance(999);
  assert.ok(!socket.destroyed);
  await clock.advance(1);
  await ended;
  await received;
});

test("a request in flight that ends in time is answered whole", async (t) => {
  let finish: (() => void) | undefined;
  const slow: Route = {
    path: "/slow",
    methods: ["GET"],
    handle: ({ response }) => {
      response.write("first ");
      finish = () => void response.end("last");
    },
  };
  const { endpoint, port, clock } = await openEndpoint(t, { deps: { routes: [slow] } });
  const { socket, received } = await send(port, "GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await once(socket, "data");
  const ended = endpoint[Symbol.asyncDispose]();
  finish?.();
  await clock.advance(1000);
  await ended;
  assert.match(await received, /first [^]*last/);
});

test("stopping twice, by the signal and by hand, is once", async (t) => {
  const { endpoint } = await openEndpoint(t);
  await Promise.all([endpoint[Symbol.asyncDispose](), endpoint[Symbol.asyncDispose]()]);
});

test("only an address that others can reach without authentication deserves a warning", () => {
  for (const host of ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
    assert.equal(exposureWarning({ host, port: 9127 }, false), undefined);
  for (const host of ["", "0.0.0.0", "::", "192.168.1.7", "studio.local", "128.0.0.1"]) {
    assert.match(exposureWarning({ host, port: 9127 }, false) ?? "", /without authentication/);
    assert.equal(exposureWarning({ host, port: 9127 }, true), undefined);
  }
});
