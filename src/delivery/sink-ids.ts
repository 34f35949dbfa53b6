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

export interface AssignedReceiver {
  readonly receiver: Receiver;
  readonly assigned: SinkAssignment;
}

/** A block that wants an id, with the one that version 0.1 gave it. */
interface Wanted {
  readonly receiver: Receiver;
  readonly block: SinkBlock;
  readonly oldId: string;
}

/** In the order of the receivers; ids are unique as long as no two blocks of a type have the same name. */
export function assignSinks(
  receivers: readonly Receiver[],
  known: readonly KnownSink[],
): readonly AssignedReceiver[] {
  const wanted = wantedBy(receivers);
  const matches = matchesOf(wanted, known.map(recalled));
  const taken = new Set(known.map(({ sink }) => sink));
  for (const { block } of wanted) if (block.name !== undefined) taken.add(nameOf(block));
  return wanted.map((one) => {
    const { receiver, block } = one;
    const was = matches.get(one)?.sink;
    const sink = block.name === undefined ? numberOf(block, was, taken) : nameOf(block);
    taken.add(sink);
    return { receiver, assigned: { sink, block, ...(was !== undefined && { was }) } };
  });
}

function wantedBy(receivers: readonly Receiver[]): readonly Wanted[] {
  const counts = new Map<string, number>();
  return receivers.map((receiver) => {
    const { type, name, address, settings, destination } = receiver;
    const position = counts.get(type) ?? 0;
    counts.set(type, position + 1);
    const hash = hashOf(settings, URL.parse(destination)?.search ?? "");
    const block = { type, address, position, hash, ...(name !== undefined && { name }) };
    return { receiver, block, oldId: oldIdOf(receiver) };
  });
}

function oldIdOf({ type, name, destination }: Receiver): string {
  const text = `${destination}\n${name ?? ""}`;
  const hash = createHash("sha256").update(text).digest("hex").slice(0, 8);
  return `${type}/${name ?? hostOf(destination) ?? ""}-${hash}`;
}

/** Of all but name and address; secrets print as `<secret>`, so none can be guessed from it. */
function hashOf(settings: unknown, query: string): string {
  const text = JSON.stringify([settings, query], (key, value: unknown) =>
    ["name", "url", "endpoint", "metrics_endpoint"].includes(key) ? undefined : value,
  );
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

function nameOf({ type, name = "" }: SinkBlock): string {
  return `${type}/${name}`;
}

/** The number that it had, or the first free one from its place on. */
function numberOf(block: SinkBlock, before: string | undefined, taken: ReadonlySet<string>): string {
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
function matchesOf(wanted: readonly Wanted[], known: readonly Recalled[]): ReadonlyMap<Wanted, Recalled> {
  const found = new Map<Wanted, Recalled>();
  const free = new Set(known);
  function match(isSame: (wanted: Wanted, known: Recalled) => boolean): void {
    for (const one of wanted) {
      if (found.has(one)) continue;
      const same = [...free].find((each) => each.block.type === one.block.type && isSame(one, each));
      if (same === undefined) continue;
      found.set(one, same);
      free.delete(same);
    }
  }
  match(({ oldId }, { sink }) => sink === oldId);
  for (const alike of likenesses) match((one, each) => alike(one.block, each.block));
  return found;
}

function hostOf(address: string | undefined): string | undefined {
  return address === undefined ? undefined : URL.parse(address, "http://localhost")?.host;
}
