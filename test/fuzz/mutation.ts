/** Damages bytes as disks, pipes and people do: flips, cuts, losses, repetitions, insertions. */
import fc from "../support/property.ts";

export type Edit = (bytes: Buffer) => Buffer;

/**
 * A place as a share of the length, so that an edit fits whatever the edits before it left. Not `fc.double`: it draws from
 * all doubles alike, half of which are below 2^-500, so that nearly all edits would be of the first byte.
 */
const place = fc.nat(2 ** 30).map((part) => part / 2 ** 30);

function at(share: number, { length }: Buffer): number {
  return Math.min(length, Math.floor(share * (length + 1)));
}

const flip = fc.tuple(place, fc.nat(7)).map(([share, bit]): Edit => {
  return (bytes) => {
    const changed = Buffer.from(bytes);
    const index = Math.min(at(share, bytes), bytes.length - 1);
    if (index >= 0) changed[index] = (changed[index] ?? 0) ^ (1 << bit);
    return changed;
  };
});

const truncation = place.map(
  (share): Edit =>
    (bytes) =>
      bytes.subarray(0, at(share, bytes)),
);

const beheading = place.map(
  (share): Edit =>
    (bytes) =>
      bytes.subarray(at(share, bytes)),
);

const loss = fc.tuple(place, fc.nat(200)).map(([share, size]): Edit => {
  return (bytes) =>
    Buffer.concat([bytes.subarray(0, at(share, bytes)), bytes.subarray(at(share, bytes) + size)]);
});

/** A piece of itself somewhere else: a number gets another's digits, a list closes a dict. */
const splice = fc.tuple(place, place, fc.nat(300)).map(([from, to, size]): Edit => {
  return (bytes) => {
    const piece = bytes.subarray(at(from, bytes), at(from, bytes) + size);
    return Buffer.concat([bytes.subarray(0, at(to, bytes)), piece, bytes.subarray(at(to, bytes))]);
  };
});

function insertion(words: readonly string[]): fc.Arbitrary<Edit> {
  const noise = fc.oneof(
    fc.uint8Array({ maxLength: 16 }),
    fc.constantFrom(...words).map((word) => Buffer.from(word, "latin1")),
  );
  return fc.tuple(place, noise).map(
    ([share, piece]): Edit =>
      (bytes) =>
        Buffer.concat([bytes.subarray(0, at(share, bytes)), piece, bytes.subarray(at(share, bytes))]),
  );
}

/** Some edits, one after another. @param words what means something in this format and may turn up anywhere */
export function damage(words: readonly string[]): fc.Arbitrary<Edit> {
  return fc
    .array(fc.oneof(flip, loss, splice, insertion(words), truncation, beheading), {
      minLength: 1,
      maxLength: 6,
    })
    .map((edits) => (bytes) => edits.reduce((changed, edit) => edit(changed), bytes));
}

/** One of the bases, damaged. */
export function mutated(bases: readonly Buffer[], words: readonly string[]): fc.Arbitrary<Buffer> {
  return fc.tuple(fc.constantFrom(...bases), damage(words)).map(([base, edit]) => edit(base));
}

/** What makes a number none: within it, before it or behind it. */
const spoilers = ["x", "A", "e", "_", "-", ".", ",", "%", " ", "7x", "x7", "\u0663", ";", "(", "'"];

/** One of the bases with one of its numbers spoiled: what is left of it must not be taken for it. */
export function spoiled(bases: readonly Buffer[]): fc.Arbitrary<Buffer> {
  return fc
    .tuple(fc.constantFrom(...bases), place, place, fc.constantFrom(...spoilers))
    .map(([base, which, where, spoiler]) => {
      const text = base.toString("utf8");
      const numbers = [...text.matchAll(/\d+/g)];
      const chosen = numbers[Math.min(Math.floor(which * numbers.length), numbers.length - 1)];
      const digits = chosen?.[0] ?? "";
      const cut = (chosen?.index ?? 0) + Math.round(where * digits.length);
      return Buffer.from(text.slice(0, cut) + spoiler + text.slice(cut));
    });
}
