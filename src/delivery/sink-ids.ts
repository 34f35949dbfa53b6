/**
 * Gives each block of the configuration the id of its sink: the key of its cursor in the journal, and its label in logs and metrics.
 *
 * A block with a name has the id `remote_write/NAME`, the others `remote_write-1`, `remote_write-2` … The journal remembers for each id
 * what its block looked like, so that a block keeps its backlog when its address, credentials or place change, and two blocks with
 * one address do not share one.
 */
import { createHash } from "node:crypto";
import type { KnownSink, SinkAssignment, SinkBlock } from "../journal/types.ts";
import type { Receiver } from "../sink/index.ts";

/** One assignment a receiver, in their order; ids are unique as long as no two blocks of a type have the same name. */
export function assignSinks(
  receivers: readonly Receiver[],
  known: readonly KnownSink[],
): readonly SinkAssignment[] {
  const wanted = blocksOf(receivers);
  const oldIds = new Map(wanted.map((block, index) => [block, oldId(receivers[index])]));
  const was = matchesOf(wanted, known.map(recalled), (block) => oldIds.get(block));
  const taken = new Set(known.map(({ sink }) => sink));
  const ids = new Map<SinkBlock, string>();
  // Names first: a block without one makes way.
  for (const block of wanted.toSorted(
    (a, b) => Number(b.name !== undefined) - Number(a.name !== undefined),
  )) {
    const before = was.get(block)?.sink;
    const id = block.name === undefined ? numbered(block, before, taken) : `${block.type}/${block.name}`;
    taken.add(id);
    ids.set(block, id);
  }
  return wanted.map((block) => {
    const sink = ids.get(block) ?? block.type;
    const before = was.get(block)?.sink;
    return { sink, block, ...(before !== undefined && { was: before }) };
  });
}

function blocksOf(receivers: readonly Receiver[]): readonly SinkBlock[] {
  const counts = new Map<string, number>();
  return receivers.map(({ type, name, address, settings, destination }) => {
    const position = counts.get(type) ?? 0;
    counts.set(type, position + 1);
    const hash = hashOf(settings, URL.parse(destination)?.search ?? "");
    return { type, address, position, hash, ...(name !== undefined && { name }) };
  });
}

/** The id that version 0.1 gave a block. */
function oldId(receiver: Receiver | undefined): string | undefined {
  if (receiver === undefined) return undefined;
  const { type, name, destination } = receiver;
  const hash = createHash("sha256")
    .update(`${destination}\n${name ?? ""}`)
    .digest("hex")
    .slice(0, 8);
  return `${type}/${name ?? hostOf(destination) ?? ""}-${hash}`;
}

/** Of all but name and address; secrets print as `<secret>`, so none can be guessed from it. */
function hashOf(settings: unknown, query: string): string {
  const text = JSON.stringify([settings, query], (key, value: unknown) =>
    ["name", "url", "endpoint", "metrics_endpoint"].includes(key) ? undefined : value,
  );
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

/** The number that it had, or the first free one from its place on. */
function numbered(block: SinkBlock, before: string | undefined, taken: ReadonlySet<string>): string {
  if (before !== undefined && /^[a-z_]+-\d+$/.test(before)) return before;
  let number = block.position + 1;
  while (taken.has(`${block.type}-${number}`)) number++;
  return `${block.type}-${number}`;
}

interface Recalled {
  readonly sink: string;
  readonly block: Partial<SinkBlock> & Pick<SinkBlock, "type">;
}

/** Journals of version 0.1 knew a sink by `type/NAME-HASH` or `type/HOST-HASH` alone. */
function recalled({ sink, block }: KnownSink): Recalled {
  if (block !== undefined) return { sink, block };
  const [, type = sink, label] = /^([a-z_]+)\/(.*)-[0-9a-f]{8}$/.exec(sink) ?? [];
  return { sink, block: { type, ...(label !== undefined && { name: label, address: `//${label}/` }) } };
}

type Likeness = (wanted: SinkBlock, known: Recalled["block"]) => boolean;

/** Two names that differ are two blocks, unless the name is all that differs. */
const compatible: Likeness = (wanted, known) =>
  wanted.name === undefined || known.name === undefined || known.address?.startsWith("//") === true;
const sameAddress: Likeness = (wanted, known) => wanted.address === known.address;
const sameSettings: Likeness = (wanted, known) => wanted.hash === known.hash;
const sameHost: Likeness = (wanted, known) => hostOf(wanted.address) === hostOf(known.address);
/** Of a version 0.1 block nothing but its type may be left. */
const samePlace: Likeness = (wanted, known) =>
  known.position === undefined || wanted.position === known.position;

/** From the surest sign of being the same block to the weakest. */
const likenesses: readonly Likeness[] = [
  (wanted, known) => wanted.name !== undefined && wanted.name === known.name,
  (wanted, known) => sameAddress(wanted, known) && sameSettings(wanted, known) && samePlace(wanted, known),
  (wanted, known) => sameAddress(wanted, known) && sameSettings(wanted, known),
  (wanted, known) => compatible(wanted, known) && sameAddress(wanted, known) && samePlace(wanted, known),
  (wanted, known) => compatible(wanted, known) && sameAddress(wanted, known),
  (wanted, known) => compatible(wanted, known) && sameHost(wanted, known) && samePlace(wanted, known),
  (wanted, known) => compatible(wanted, known) && sameHost(wanted, known),
  (wanted, known) => compatible(wanted, known) && samePlace(wanted, known),
];

/** Each known sink goes to one block at most. */
function matchesOf(
  wanted: readonly SinkBlock[],
  known: readonly Recalled[],
  oldIdOf: (block: SinkBlock) => string | undefined,
): ReadonlyMap<SinkBlock, Recalled> {
  const found = new Map<SinkBlock, Recalled>();
  const free = new Set(known);
  function match(isSame: (block: SinkBlock, one: Recalled) => boolean): void {
    for (const block of wanted) {
      if (found.has(block)) continue;
      const one = [...free].find((each) => each.block.type === block.type && isSame(block, each));
      if (one === undefined) continue;
      found.set(block, one);
      free.delete(one);
    }
  }
  match((block, { sink }) => sink === oldIdOf(block));
  for (const alike of likenesses) match((block, one) => alike(block, one.block));
  return found;
}

function hostOf(address: string | undefined): string | undefined {
  return address === undefined ? undefined : URL.parse(address, "http://localhost")?.host;
}
