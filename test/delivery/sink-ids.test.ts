/** Which block of a changed configuration goes on with which backlog. */
import assert from "node:assert/strict";
import test from "node:test";
import { assignSinks } from "../../src/delivery/deliveries.ts";
import type { KnownSink, SinkAssignment } from "../../src/journal/types.ts";
import { receiversOf, type SinkBlocks } from "../../src/sink/index.ts";
import { otlpSchema } from "../../src/sink/otlp/schema.ts";
import { remoteWriteSchema } from "../../src/sink/remote-write/schema.ts";

function assign(...[receivers, known]: Parameters<typeof assignSinks>): readonly SinkAssignment[] {
  return assignSinks(receivers, known).map(({ assigned }) => assigned);
}

type Block = Readonly<Record<string, unknown>>;

function blocks(remoteWrite: readonly Block[], otlp: readonly Block[] = []): SinkBlocks {
  return {
    remote_write: remoteWrite.map((block) => remoteWriteSchema.parse(block)),
    otlp: otlp.map((block) => otlpSchema.parse(block)),
    pushgateway: [],
  };
}

const write = "https://prometheus.example/api/v1/write";
const other = "https://mimir.example/api/v1/push";
const only = (regex: string): Block => ({
  write_relabel_configs: [{ source_labels: ["__name__"], regex, action: "keep" }],
});

/** Ids of the first configuration, and under which of them each block of the second goes on. */
function change(before: SinkBlocks, after: SinkBlocks): readonly (string | undefined)[] {
  const known = assign(receiversOf(before), []).map(({ sink, block }): KnownSink => ({ sink, block }));
  const next = assign(receiversOf(after), known);
  assert.equal(new Set(next.map(({ sink }) => sink)).size, next.length, "ids are unique");
  return next.map(({ was }) => was);
}

test("blocks are called by their name, or by their number among those of their type", () => {
  const sinks = assign(
    receiversOf(
      blocks([{ url: write }, { url: other, name: "team" }, { url: write }], [{ endpoint: "http://c" }]),
    ),
    [],
  );
  assert.deepEqual(
    sinks.map(({ sink }) => sink),
    ["remote_write-1", "remote_write/team", "remote_write-3", "otlp-1"],
  );
});

const one = "remote_write-1";
const two = "remote_write-2";
const cases: Readonly<Record<string, readonly [SinkBlocks, SinkBlocks, readonly (string | undefined)[]]>> = {
  "another path": [blocks([{ url: "https://prometheus.example/wirte" }]), blocks([{ url: write }]), [one]],
  "another host": [blocks([{ url: write }]), blocks([{ url: other }]), [one]],
  "another scheme": [blocks([{ url: write.replace("https", "http") }]), blocks([{ url: write }]), [one]],
  "a query": [blocks([{ url: write }]), blocks([{ url: `${write}?db=mac` }]), [one]],
  "credentials in the address": [
    blocks([{ url: write }]),
    blocks([{ url: "https://u:p@prometheus.example/api/v1/write" }]),
    [one],
  ],
  "another order": [
    blocks([{ url: write }, { url: other }]),
    blocks([{ url: other }, { url: write }]),
    [two, one],
  ],
  "another order of blocks with one address": [
    blocks([
      { url: write, ...only("a") },
      { url: write, ...only("b") },
    ]),
    blocks([
      { url: write, ...only("b") },
      { url: write, ...only("a") },
    ]),
    [two, one],
  ],
  "a block with the same address in front": [
    blocks([{ url: write, ...only("a") }]),
    blocks([
      { url: write, ...only("b") },
      { url: write, ...only("a") },
    ]),
    [undefined, one],
  ],
  "a second block just like the first": [
    blocks([{ url: write }]),
    blocks([{ url: write }, { url: write }]),
    [one, undefined],
  ],
  "another block in front, and another path": [
    blocks([{ url: write }]),
    blocks([{ url: other }, { url: `${write}/` }]),
    [undefined, one],
  ],
  "a block that is removed": [blocks([{ url: write }, { url: other }]), blocks([{ url: other }]), [two]],
  "a name given": [blocks([{ url: write }]), blocks([{ url: write, name: "a" }]), [one]],
  "a name taken away": [blocks([{ url: write, name: "a" }]), blocks([{ url: write }]), ["remote_write/a"]],
  "all but the name": [
    blocks([
      { url: write, name: "a" },
      { url: other, name: "b" },
    ]),
    blocks([
      { url: other, name: "a" },
      { url: write, name: "b" },
    ]),
    ["remote_write/a", "remote_write/b"],
  ],
  "nothing but the name": [
    blocks([{ url: write, name: "a" }]),
    blocks([{ url: write, name: "b" }]),
    ["remote_write/a"],
  ],
  "name and address": [blocks([{ url: write, name: "a" }]), blocks([{ url: other, name: "b" }]), [undefined]],
  "another type": [
    blocks([{ url: write }]),
    blocks([], [{ endpoint: "https://prometheus.example" }]),
    [undefined],
  ],
};

for (const [name, [before, after, want]] of Object.entries(cases))
  test(`a configuration that changes by ${name}: each block keeps its own backlog`, () => {
    assert.deepEqual(change(before, after), want);
  });

test("ids of version 0.1, which were made from the address, go over to their blocks", () => {
  const known = [
    "otlp/c:4318-d49c2baa",
    "remote_write/team-c0ba2db3",
    "remote_write/prometheus.example-11111111",
  ];
  const sinks = assign(
    receiversOf(blocks([{ url: write }, { url: other, name: "team" }], [{ endpoint: "http://c:4318" }])),
    known.map((sink) => ({ sink })),
  );
  assert.deepEqual(
    sinks.map(({ sink, was }) => [sink, was]),
    [
      ["remote_write-1", known[2]],
      ["remote_write/team", known[1]],
      ["otlp-1", known[0]],
    ],
  );
});

test("two addresses at one host of version 0.1 are told apart by the hash", () => {
  const [first, second] = [`${write}?a=1`, `${write}?a=2`];
  // The hashes of version 0.1, over address and name.
  const known = ["remote_write/prometheus.example-68384c58", "remote_write/prometheus.example-ec9b7a7e"];
  for (const urls of [
    [first, second],
    [second, first],
  ]) {
    const sinks = assign(
      receiversOf(blocks(urls.map((url) => ({ url })))),
      known.map((sink) => ({ sink })),
    );
    assert.deepEqual(
      sinks.map(({ was }) => was),
      urls.map((url) => known[url === first ? 0 : 1]),
    );
  }
});
