/** Whatever a configuration file holds, it loads or is refused with problems that name their place, and its secrets stay in it. */
import assert from "node:assert/strict";
import fc from "../support/property.ts";
import { exampleFile } from "../../src/config/example.ts";
import { loadConfiguration } from "../../src/config/load.ts";
import { formatProblem } from "../../src/config/problem.ts";
import { parseWebFile } from "../../src/config/web-file.ts";
import { worldOf } from "../config/world.ts";
import { fuzz } from "./fuzzing.ts";
import { mutated } from "./mutation.ts";

const secret = "hunter2-very-secret";

function loads(text: string | Uint8Array, env: Readonly<Record<string, string>> = {}): void {
  const loaded = loadConfiguration(worldOf(text, { env }));
  if (loaded.ok) return;
  assert.ok(loaded.problems.length > 0, "a refusal says why");
  for (const problem of loaded.problems) assert.match(formatProblem(problem), /^[^\n]*\S[^\n]*$/);
}

/** The starter file, and the same with every example behind `#` taken in. */
const example = exampleFile();
const open = example.replace(/^#(?= {2}|- )/gm, " ").replaceAll(/^( *)# ?(?=[a-z_]+:|- )/gm, "$1");
const bases = [example, open].map((text) => Buffer.from(text));

const words = [
  ...": \n - { } [ ] # & * ! | > ' \" % @ ` , ? <<: &a *a !!binary !!js/function ${ ${HOME} ${X:-y} $$ --- ...".split(
    " ",
  ),
  ...[
    "\n  ",
    "\t",
    "\0",
    "\u2028",
    "\r",
    "\ufeff",
    "__proto__:",
    "constructor: 1",
    "1e999",
    ".nan",
    "0x10",
    "10s",
    "-1s",
    "9".repeat(40),
  ],
];

fuzz("the starter file, damaged anywhere, loads or is refused", {
  inputs: mutated(bases, words),
  prepare: () => loads,
});

const scalar = fc.oneof(
  fc.string(),
  fc.string({ unit: "binary" }),
  fc.double(),
  fc.bigInt().map(String),
  fc.boolean(),
  fc.constant(null),
  fc.constantFrom(
    "10s",
    "256MB",
    "http://127.0.0.1:9",
    "https://u:p@h/",
    "${A}",
    "${A:-b}",
    "127.0.0.1:0",
    "/dev/null",
  ),
);
/** Each word of the schema at any place, right or wrong. */
const known = [...new Set(example.match(/[a-z][a-z_]{2,}(?=:)/g))];
const key = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...known) },
  fc.string(),
  fc.constant("__proto__"),
);
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { maxDepth: 6 },
    scalar,
    fc.array(tie("tree"), { maxLength: 3 }),
    fc.dictionary(key, tie("tree"), { maxKeys: 8 }),
  ),
}));

fuzz("a tree of the schema's own words in any order loads or is refused", {
  inputs: fc.dictionary(key, tree, { maxKeys: 8 }),
  prepare: () => (value) => loads(JSON.stringify(value)),
});

const variables = fc.dictionary(
  fc.constantFrom(
    ...known.map((word) => `MAC_POWERMETRICS_${word.toUpperCase()}`),
    "OTEL_RESOURCE_ATTRIBUTES",
    "A",
  ),
  fc.string(),
);

fuzz("any environment lies over the file or is refused", {
  inputs: fc.tuple(fc.dictionary(key, scalar, { maxKeys: 3 }), variables),
  prepare:
    () =>
    ([value, env]) =>
      loads(JSON.stringify(value), env),
});

fuzz("what is wrong with a block never shows its password", {
  inputs: fc.tuple(
    mutated(
      [
        Buffer.from(
          `remote_write:\n  - url: http://a\n    basic_auth: { username: u, password: ${secret} }\n`,
        ),
      ],
      [":", "\n", "{", "x: 1\n"],
    ),
  ),
  prepare:
    () =>
    ([bytes]) => {
      const loaded = loadConfiguration(worldOf(bytes));
      // Damage that takes the password out of its place makes any text of it: a name, an address, a value that is shown.
      const isWhole = bytes.includes(`password: ${secret} }`) && bytes.toString().split(secret).length === 2;
      if (loaded.ok || !isWhole) return;
      for (const problem of loaded.problems)
        assert.ok(!formatProblem(problem).includes(secret), formatProblem(problem));
    },
});

const web = Buffer.from(
  "tls_server_config: { cert_file: a.pem, key_file: a.key, min_version: TLS12 }\nhttp_server_config: { headers: { X-Frame-Options: deny } }\nbasic_auth_users: { ada: $2b$10$abcdefghijklmnopqrstuuJ3vP0GvXlUx8rX8x9zXzXzXzXzXzXz }\n",
);

fuzz("a damaged web file is read, or refused in one line", {
  inputs: mutated([web], words),
  prepare: () => (bytes) => {
    const read = parseWebFile("/etc/web.yaml", bytes);
    for (const line of read.ok ? read.warnings : read.problems) assert.match(line, /^[^\n]*\S[^\n]*$/);
  },
});
