/** Reasons that only some systems give, with the errors that Node.js makes of theirs. */
import assert from "node:assert/strict";
import test from "node:test";
import { faultOf } from "../../../src/runtime/http/failure.ts";

const unreachable = (address: string): Error =>
  Object.assign(new Error(`connect EHOSTUNREACH ${address}:9090`), {
    code: "EHOSTUNREACH",
    errno: -113,
    syscall: "connect",
    address,
  });

test("no route to a private address on macOS 15 names local network privacy and what to do; elsewhere it does not", () => {
  const place = { target: "metrics.example:9090", connected: false };
  const reason = (address: string, platform: string, release: string): string =>
    faultOf(unreachable(address), place, { platform, release }).reason;
  for (const address of ["192.168.1.7", "10.0.0.1", "172.20.0.1", "169.254.9.9", "fd00::1", "fe80::1"])
    assert.match(
      reason(address, "darwin", "24.0.0"),
      /^cannot connect to metrics\.example:9090: .*unreachable.*; macOS may keep .* > Local Network, or set run_as: root$/,
      address,
    );
  assert.match(reason("10.0.0.1", "darwin", "25.1.0"), /Local Network/);
  for (const [address, platform, release] of [
    ["203.0.113.7", "darwin", "24.0.0"],
    ["192.168.1.7", "darwin", "23.6.0"],
    ["192.168.1.7", "linux", "6.8.0"],
  ] as const)
    assert.doesNotMatch(
      reason(address, platform, release),
      /Local Network/,
      `${address} ${platform} ${release}`,
    );
});

test("without an address in the error the receiver's name or the proxy's counts", () => {
  const error = Object.assign(new Error("no route"), { code: "EHOSTUNREACH" });
  const system = { platform: "darwin", release: "24.0.0" };
  const place = { target: "metrics.example:9090", connected: false };
  assert.doesNotMatch(faultOf(error, place, system).reason, /Local Network/);
  assert.match(faultOf(error, { ...place, target: "mini.local:9090" }, system).reason, /Local Network/);
  const proxied = faultOf(error, { ...place, proxy: "192.168.1.1:3128" }, system);
  assert.equal(proxied.code, "proxy");
  assert.match(proxied.reason, /Local Network/);
});
