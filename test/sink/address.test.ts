import assert from "node:assert/strict";
import test from "node:test";
import { literalSecret } from "../../src/runtime/secret.ts";
import { targetOf } from "../../src/sink/address.ts";

const target = (url: string, settings: Parameters<typeof targetOf>[1] = {}): string =>
  targetOf(new URL(url), settings);
const tenant = (value: string): Parameters<typeof targetOf>[1] => ({
  headers: { "X-Scope-OrgID": literalSecret(value) },
});

test("what one database, account or tenant has taken says nothing of another one at the same address", () => {
  const targets = [
    target("http://h/w"),
    target("http://h/w?db=a"),
    target("http://h/w?db=b"),
    target("http://one:secret@h/w"),
    target("http://h/w", { basic_auth: { username: "two", password: literalSecret("p") } }),
    target("http://h/w", tenant("a")),
    target("http://h/w", tenant("b")),
  ];
  assert.equal(new Set(targets).size, targets.length);
});

test("a new password, token or header of another kind leaves a receiver the one that it was", () => {
  assert.equal(target("http://one:old@h/w"), target("http://one:new@h/w"));
  const authorization = (value: string): string =>
    target("http://h/w", { authorization: { type: "Bearer", credentials: literalSecret(value) } });
  assert.equal(authorization("old"), authorization("new"));
  const other = (value: string): string =>
    target("http://h/w", { headers: { "X-Key": literalSecret(value) } });
  assert.equal(other("old"), other("new"));
});
