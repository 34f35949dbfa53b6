import assert from "node:assert/strict";
import test from "node:test";
import { createAuthenticator, parseCredentials, type Verdict } from "../../src/endpoint/authenticate.ts";
import { fakeClock } from "../support/fake-clock.ts";

/** Compares at once, by a hash that any test can read, and counts. */
function setup(users: Record<string, string> = { alice: "hash of right", bob: "hash of word" }) {
  const clock = fakeClock();
  const compares: string[] = [];
  let running = 0;
  let most = 0;
  const compare = async (password: string, hash: string): Promise<boolean> => {
    compares.push(password);
    most = Math.max(most, ++running);
    await Promise.resolve();
    running--;
    return hash === `hash of ${password}`;
  };
  const authenticator = createAuthenticator(compare, clock);
  let known: ReadonlyMap<string, string> = new Map(Object.entries(users));
  return {
    clock,
    compares,
    get most() {
      return most;
    },
    setUsers: (changed: Record<string, string>) => (known = new Map(Object.entries(changed))),
    verify: async (user: string, password: string, peer = "10.0.0.1"): Promise<Verdict> =>
      authenticator.verify(known, { user, password }, peer),
  };
}

test("the right password is admitted, and compared only the first time", async () => {
  const { verify, compares } = setup();
  assert.equal(await verify("alice", "right"), "admitted");
  assert.equal(await verify("alice", "right"), "admitted");
  assert.deepEqual(compares, ["right"]);
});

test("the same wrong password again costs no compare", async () => {
  const { verify, compares } = setup();
  for (let time = 0; time < 1000; time++) assert.equal(await verify("alice", "wrong"), "refused");
  assert.deepEqual(compares, ["wrong"]);
});

test("a thousand different wrong passwords of one peer cost five compares", async () => {
  const { verify, compares } = setup();
  const verdicts = await Promise.all(
    Array.from({ length: 1000 }, (_, guess) => verify("alice", `guess ${guess}`)),
  );
  assert.equal(compares.length, 5);
  assert.equal(verdicts.filter((verdict) => verdict === "refused").length, 5);
  assert.equal(verdicts.filter((verdict) => verdict === "busy").length, 995);
});

test("a thousand peers that guess cost ten compares, and one more a second", async () => {
  const { verify, compares, clock } = setup();
  const guess = (round: number): Promise<Verdict[]> =>
    Promise.all(
      Array.from({ length: 1000 }, (_, peer) => verify("alice", `${round} ${peer}`, `10.0.0.${peer}`)),
    );
  await guess(1);
  assert.equal(compares.length, 10);
  await clock.advance(3000);
  await guess(2);
  assert.equal(compares.length, 13);
});

test("who guesses keeps the right password out for one answer only, also from the same address", async () => {
  const { verify, compares, clock } = setup();
  for (let guess = 0; guess < 500; guess++) await verify("alice", `guess ${guess}`);
  assert.equal(await verify("alice", "right"), "busy");
  for (let guess = 500; guess < 600; guess++) await verify("alice", `guess ${guess}`);
  assert.equal(await verify("alice", "right"), "admitted");
  assert.ok(compares.length <= 7, `${compares.length} compares`);
  await clock.advance(0);
});

test("compares run one after the other", async () => {
  const counted = setup();
  await Promise.all(Array.from({ length: 5 }, (_, guess) => counted.verify("alice", `guess ${guess}`)));
  assert.equal(counted.most, 1);
});

test("who guesses does not keep others out, whether they were seen before or not", async () => {
  const { verify } = setup();
  assert.equal(await verify("alice", "right", "10.0.0.9"), "admitted");
  await Promise.all(Array.from({ length: 500 }, (_, guess) => verify("alice", `guess ${guess}`, "10.6.6.6")));
  assert.equal(await verify("alice", "right", "10.0.0.9"), "admitted");
  assert.equal(await verify("bob", "word", "10.0.0.8"), "admitted");
});

test("right passwords cost nothing of the budget", async () => {
  const users = Object.fromEntries(
    Array.from({ length: 40 }, (_, user) => [`user${user}`, `hash of ${user}`]),
  );
  const { verify } = setup(users);
  for (let user = 0; user < 40; user++) assert.equal(await verify(`user${user}`, String(user)), "admitted");
});

test("an unknown user is compared as a known one is, and refused even with somebody's password", async () => {
  const { verify, compares } = setup();
  assert.equal(await verify("mallory", "right"), "refused");
  assert.deepEqual(compares, ["right"]);
});

test("a changed hash and a removed user count at once", async () => {
  const { verify, setUsers } = setup();
  assert.equal(await verify("alice", "right"), "admitted");
  setUsers({ alice: "hash of new" });
  assert.equal(await verify("alice", "right"), "refused");
  assert.equal(await verify("alice", "new"), "admitted");
  setUsers({ bob: "hash of new" });
  assert.equal(await verify("alice", "new"), "refused");
});

test("requests that come while their password is compared share the compare", async () => {
  const { verify, compares } = setup();
  const verdicts = await Promise.all(Array.from({ length: 20 }, () => verify("alice", "right")));
  assert.deepEqual(new Set(verdicts), new Set(["admitted"]));
  assert.equal(compares.length, 1);
});

test("a compare that fails takes nobody else down", async () => {
  let broken = true;
  const authenticator = createAuthenticator(
    () => (broken ? Promise.reject(new Error("bad hash")) : Promise.resolve(true)),
    fakeClock(),
  );
  const users = new Map([["alice", "hash"]]);
  await assert.rejects(async () => authenticator.verify(users, { user: "alice", password: "a" }, "peer"));
  broken = false;
  assert.equal(await authenticator.verify(users, { user: "alice", password: "a" }, "peer"), "admitted");
});

test("credentials are read as RFC 7617 writes them", () => {
  const encode = (text: string): string => Buffer.from(text).toString("base64");
  assert.deepEqual(parseCredentials(`Basic ${encode("a:b")}`), { user: "a", password: "b" });
  assert.deepEqual(parseCredentials(`basic  ${encode("a:b:c")}`), { user: "a", password: "b:c" });
  assert.deepEqual(parseCredentials(`Basic ${encode("ä:ö")}`), { user: "ä", password: "ö" });
  assert.deepEqual(parseCredentials(`Basic ${encode(":")}`), { user: "", password: "" });
  for (const header of [
    undefined,
    "",
    "Basic",
    "Basic ",
    `Bearer ${encode("a:b")}`,
    `Basic ${encode("ab")}`,
    "Basic !!!",
  ])
    assert.equal(parseCredentials(header), undefined);
});
