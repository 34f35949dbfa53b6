import assert from "node:assert/strict";
import { chmodSync, chownSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { inspect } from "node:util";
import { createKnownSecrets, knownSecrets, redact } from "../../src/runtime/redact.ts";
import {
  fileSecret,
  literalSecret,
  packSecrets,
  secretFileWarning,
  unpackSecrets,
} from "../../src/runtime/secret.ts";
import { temporaryFolder } from "./http/receivers.ts";

test("a secret prints as <secret> in every way but reveal", () => {
  const secret = literalSecret("hunter22", createKnownSecrets());
  for (const text of [
    String(secret),
    inspect({ secret }, { depth: 9, showHidden: true }),
    JSON.stringify({ secret }),
  ]) {
    assert.match(text, /<secret>/);
    assert.doesNotMatch(text, /hunter22/);
  }
  assert.equal(secret.reveal(), "hunter22");
});

test("a secret's file is trimmed, and read again when it is written or replaced", (t) => {
  const path = join(temporaryFolder(t), "token");
  writeFileSync(path, " first\r\n");
  const secret = fileSecret(path, createKnownSecrets());
  assert.equal(secret.reveal(), "first");
  writeFileSync(path, "other\n");
  assert.equal(secret.reveal(), "other");
  writeFileSync(`${path}.new`, "third\n");
  renameSync(`${path}.new`, path);
  assert.equal(secret.reveal(), "third");
});

test("a secret's file that is away, empty, of several lines or too long says so, and is fine again afterwards", (t) => {
  const path = join(temporaryFolder(t), "token");
  const secret = fileSecret(path, createKnownSecrets());
  assert.throws(() => secret.reveal(), { message: `cannot read ${path}: no such file or directory` });
  writeFileSync(path, "value");
  assert.equal(secret.reveal(), "value");
  for (const [content, message] of [
    [" \n", `${path} must hold a secret, got an empty file`],
    ["a\nb", `${path} must hold one line, got several`],
    ["x".repeat(70_000), `cannot read ${path}: larger than 65536 bytes`],
  ] as const) {
    writeFileSync(path, content);
    assert.throws(() => secret.reveal(), { message });
  }
  rmSync(path);
  assert.throws(() => secret.reveal(), /no such file/);
  writeFileSync(path, "value");
  assert.equal(secret.reveal(), "value");
});

test("a value that a file held is masked from the moment it was read, and the old one still is", (t) => {
  const path = join(temporaryFolder(t), "token");
  const known = createKnownSecrets();
  const secret = fileSecret(path, known);
  for (const value of ["first-token", "second-token"]) {
    writeFileSync(path, value);
    secret.reveal();
  }
  assert.equal(known.redact("first-token second-token third"), "<secret> <secret> third");
});

test("a secret is masked in its JSON, URL and base64 forms, the longest first, and the shortest not at all", () => {
  const known = createKnownSecrets();
  for (const value of ['p"ä/', 'p"ä/long', "on"]) known.add(value);
  const forms = [
    'p"ä/long',
    JSON.stringify('p"ä/long'),
    encodeURIComponent('p"ä/long'),
    Buffer.from('p"ä/long').toString("base64"),
  ];
  assert.equal(known.redact(forms.join(" ")), '<secret> "<secret>" <secret> <secret>');
  assert.equal(known.redact("on"), "on");
});

test("a secret in use stays masked however many tokens and contents of files come and go", (t) => {
  const known = createKnownSecrets();
  const literal = literalSecret("from-configuration", known);
  const path = join(temporaryFolder(t), "token");
  writeFileSync(path, "from-a-file");
  const file = fileSecret(path, known);
  for (let i = 0; i < 300; i++) {
    known.addPassing(`token-${i}`);
    known.add(`content-${i}`);
    for (const secret of [literal, file]) secret.reveal();
  }
  known.addPassing("token-240");
  for (let i = 300; i < 350; i++) known.addPassing(`token-${i}`);
  assert.equal(
    known.redact("from-configuration from-a-file token-240 token-349 token-2"),
    "<secret> <secret> <secret> <secret> token-2",
  );
});

test("only the latest few hundred values are remembered", () => {
  const known = createKnownSecrets();
  for (let i = 0; i < 300; i++) known.add(`value-${String(i).padStart(3, "0")}`);
  assert.equal(known.redact("value-000 value-299"), "value-000 <secret>");
});

for (const [text, masked] of [
  ["to https://me:pw@host:1/x?y=z", "to https://me:***@host:1/x?y=z"],
  ["https://token@host and http://a:b@c", "https://***@host and http://a:***@c"],
  ["https://me:p@ss@host/", "https://me:***@host/"],
  ["https://host/path?mail=a@b", "https://host/path?mail=a@b"],
  ["mail me@host: fine", "mail me@host: fine"],
] as const) {
  test(`${text} is shown as ${masked}`, () => {
    assert.equal(redact(text, []), masked);
  });
}

test("a long text without a URL costs no time", () => {
  assert.equal(redact(`${"a".repeat(200_000)}://`, []).length, 200_003);
});

test("a secret's file that others may read is warned of, and one of root's that a single group may read is not", (t) => {
  const path = join(temporaryFolder(t), "token");
  writeFileSync(path, "x");
  chmodSync(path, 0o644);
  assert.match(
    secretFileWarning(path) ?? "",
    /token must be private to its owner, or to root and the agent's group, got mode 0644 of \d+:\d+: run chmod 600 .*, or for the daemon sudo chown root:_macagent .* && sudo chmod 640 /,
  );
  if (process.getuid?.() === 0) {
    for (const [mode, gid, warned] of [
      [0o640, 399, false],
      [0o640, 20, true],
      [0o660, 399, true],
      [0o641, 399, true],
    ] as const) {
      chownSync(path, 0, gid);
      chmodSync(path, mode);
      assert.equal(secretFileWarning(path) !== undefined, warned, `${mode.toString(8)} of ${gid}`);
    }
    chmodSync(path, 0o600);
    assert.match(
      secretFileWarning(path, "_macagent") ?? "",
      /may be read by root only.*: run sudo chown root:_macagent /,
    );
    assert.equal(secretFileWarning(path, "root"), undefined);
  }
  chmodSync(path, 0o600);
  assert.equal(secretFileWarning(path), undefined);
  assert.equal(secretFileWarning(`${path}.absent`), undefined);
});

test("a configuration's secrets go to another process of ours and are secrets again there, known to the log as before", () => {
  const value = {
    headers: {
      "x-plain": literalSecret("eu-west-1", createKnownSecrets()),
      "\0secret": literalSecret("hunter23"),
    },
    attributes: { "\0secret": "a label", masked: "yes" },
    list: [1, "two", true, null],
  };
  const text = packSecrets(value);
  const received = unpackSecrets(text) as typeof value;
  assert.equal(received.headers["x-plain"].reveal(), "eu-west-1");
  assert.equal(received.headers["\0secret"].reveal(), "hunter23");
  assert.doesNotMatch(JSON.stringify(received), /hunter23|eu-west-1/);
  assert.equal(knownSecrets.redact("hunter23 in eu-west-1"), "<secret> in eu-west-1");
  assert.deepEqual([received.attributes, received.list], [value.attributes, value.list]);
});
