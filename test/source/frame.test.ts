import assert from "node:assert/strict";
import test from "node:test";
import fc from "../support/property.ts";
import {
  createFramer,
  garbageLineBytes,
  garbageLines,
  type DroppedFrame,
  type Framer,
  type Garbage,
} from "../../src/source/frame.ts";

const prolog =
  '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "x">\n';

function plist(content: string): string {
  return `${prolog}<plist version="1.0">\n<dict>\n<key>k</key><string>${content}</string>\n</dict>\n</plist>`;
}

interface Framed {
  readonly frames: string[];
  readonly garbage: Garbage[];
  readonly dropped: DroppedFrame[];
}

function collect(maxBytes?: number): Framed & { readonly framer: Framer } {
  const framed: Framed = { frames: [], garbage: [], dropped: [] };
  const framer = createFramer({
    ...(maxBytes === undefined ? {} : { maxBytes }),
    onFrame: (frame) => framed.frames.push(frame.toString("utf8")),
    onGarbage: (garbage) => framed.garbage.push(garbage),
    onDropped: (dropped) => framed.dropped.push(dropped),
  });
  return { ...framed, framer };
}

function frame(chunks: readonly (string | Buffer)[], maxBytes?: number): Framed {
  const { framer, ...framed } = collect(maxBytes);
  for (const chunk of chunks) framer.push(Buffer.from(chunk));
  framer.end();
  return framed;
}

function everyByte(text: string): Buffer[] {
  return Array.from(Buffer.from(text), (byte) => Buffer.from([byte]));
}

test("a document is emitted at its end, before any NUL or line feed", () => {
  const { framer, frames } = collect();
  framer.push(Buffer.from(plist("one").slice(0, -1)));
  assert.deepEqual(frames, []);
  framer.push(Buffer.from(">"));
  assert.deepEqual(frames, [plist("one")]);
});

test("documents separated by line feed and NUL come out in order", () => {
  const framed = frame([[plist("1"), plist("2"), plist("3")].join("\n\0") + "\n"]);
  assert.deepEqual(framed, { frames: [plist("1"), plist("2"), plist("3")], garbage: [], dropped: [] });
});

test("a document may start with its root element", () => {
  const bare = "<plist><dict/></plist>";
  assert.deepEqual(frame([bare + bare]).frames, [bare, bare]);
});

test("byte by byte makes no difference", () => {
  const stream = `noise\n${plist("1")}\n\0${plist("2")}\r\nmore noise`;
  const framed = frame(everyByte(stream));
  assert.deepEqual(framed.frames, [plist("1"), plist("2")]);
  assert.deepEqual(
    framed.garbage.flatMap(({ lines }) => lines),
    ["noise", "more noise"],
  );
  assert.deepEqual(framed.dropped, []);
});

test("NULs are dropped wherever they are", () => {
  const dotted = Array.from(plist("é"), (char) => `\0${char}\0\0`).join("");
  assert.deepEqual(frame([dotted]).frames, [plist("é")]);
  assert.deepEqual(frame(["\0\0\0"]), { frames: [], garbage: [], dropped: [] });
});

test("a frame is whole while it is handed on, whatever was in its place before", () => {
  const lengths = [1, 50_000, 3, 200_000, 2, 1];
  const texts = lengths.map((length, at) => plist(String(at).repeat(length)));
  const stream = Buffer.from(texts.join("\n\0"));
  for (const size of [1, 7, 1000, 65_536, stream.length]) {
    const pieces = Array.from({ length: Math.ceil(stream.length / size) }, (_, at) =>
      stream.subarray(at * size, (at + 1) * size),
    );
    assert.deepEqual(frame(pieces).frames, texts);
  }
});

test("chunks are the caller's and stay as they are", () => {
  const { framer, frames } = collect();
  const chunks = [plist("1") + "\n\0" + plist("2").slice(0, 90), plist("2").slice(90) + "\n"].map((text) =>
    Buffer.from(text),
  );
  const copies = chunks.map((chunk) => Buffer.from(chunk));
  for (const chunk of chunks) framer.push(chunk);
  assert.deepEqual(frames, [plist("1"), plist("2")]);
  assert.deepEqual(chunks, copies);
});

test("lines between documents are counted and handed on at once", () => {
  const { framer, garbage, frames } = collect();
  framer.push(Buffer.from("proc_pidpath 1460 failed(0)\r\n\n"));
  assert.deepEqual(garbage, [{ bytes: 27, lines: ["proc_pidpath 1460 failed(0)"] }]);
  framer.push(Buffer.from(plist("1") + "\npowermetrics must be invoked as the superuser"));
  assert.deepEqual(frames, [plist("1")]);
  assert.equal(garbage.length, 1);
  framer.end();
  assert.deepEqual(garbage[1], { bytes: 45, lines: ["powermetrics must be invoked as the superuser"] });
});

test("garbage on the line of a document's start is cut off it", () => {
  const framed = frame([`warning: x ${plist("1")}`]);
  assert.deepEqual(framed.frames, [plist("1")]);
  assert.deepEqual(framed.garbage, [{ bytes: 11, lines: ["warning: x"] }]);
});

test("many and long lines of garbage are counted in full and listed within bounds", () => {
  const line = "x".repeat(3 * garbageLineBytes);
  const [many] = frame([`${line}\n`.repeat(100)]).garbage;
  assert.equal(many?.bytes, 300 * garbageLineBytes);
  assert.equal(many.lines.length, garbageLines);
  assert.ok(many.lines.every((listed) => listed.length === garbageLineBytes));
});

test("an endless line of garbage is handed on in pieces, and a document after it is found", () => {
  const framed = frame([...everyByte("y".repeat(5000)), plist("1")]);
  assert.equal(
    framed.garbage.reduce((sum, { bytes }) => sum + bytes, 0),
    5000,
  );
  assert.ok(framed.garbage.length > 1);
  assert.deepEqual(framed.frames, [plist("1")]);
});

test("a tail without an end is dropped and counted", () => {
  const tail = plist("2").slice(0, -20);
  const framed = frame([plist("1") + "\n\0" + tail]);
  assert.deepEqual(framed.frames, [plist("1")]);
  assert.deepEqual(framed.dropped, [{ reason: "truncated", bytes: tail.length }]);
});

test("a document that another one cuts off is dropped and counted", () => {
  const cut = plist("1").slice(0, 150);
  for (const chunks of [[cut + cut + plist("2")], everyByte(cut + cut + plist("2"))]) {
    const framed = frame(chunks);
    assert.deepEqual(framed.frames, [plist("2")]);
    assert.deepEqual(framed.dropped, [
      { reason: "truncated", bytes: 150 },
      { reason: "truncated", bytes: 150 },
    ]);
  }
});

test("an oversize document is dropped, counted in full, and the next one is emitted", () => {
  const large = plist("x".repeat(1000));
  for (const chunks of [[large + "\n\0" + plist("2")], everyByte(large + "\n\0" + plist("2"))]) {
    const framed = frame(chunks, 500);
    assert.deepEqual(framed.frames, [plist("2")]);
    assert.deepEqual(framed.dropped, [{ reason: "oversized", bytes: large.length }]);
    assert.deepEqual(framed.garbage, []);
  }
});

test("an oversize document without an end gives way to the next start", () => {
  const large = plist("x".repeat(1000)).slice(0, -30);
  const framed = frame(everyByte(large + plist("2")), 500);
  assert.deepEqual(framed.frames, [plist("2")]);
  assert.deepEqual(framed.dropped, [{ reason: "oversized", bytes: large.length }]);
});

test("the end of the stream inside an oversize document counts all of it", () => {
  const large = plist("x".repeat(1000)).slice(0, -30);
  assert.deepEqual(frame([large], 500).dropped, [{ reason: "oversized", bytes: large.length }]);
});

test("any split of any stream gives the same documents and counts every byte", () => {
  const part = fc.oneof(
    fc.string({ unit: "grapheme-ascii" }).map((text) => ({ document: plist(text.replace(/[<>&]/g, "")) })),
    fc
      .constantFrom("proc_pidpath 1 failed(0)\n", "\n", "\r\n", "<", "<?", "</plist>", "ERROR: é\n")
      .map((garbage) => ({ garbage })),
  );
  const stream = fc.array(part, { maxLength: 8 });
  fc.assert(
    fc.property(stream, fc.array(fc.nat()), fc.array(fc.nat()), (parts, cuts, nuls) => {
      const text = parts.map((one) => ("document" in one ? one.document + "\n" : one.garbage)).join("");
      const framed = frame(split(withNuls(Buffer.from(text), nuls), cuts));
      assert.deepEqual(
        framed.frames,
        parts.flatMap((one) => ("document" in one ? [one.document] : [])),
      );
      const expected = parts.flatMap((one) =>
        "garbage" in one ? [Buffer.byteLength(one.garbage.replace(/[\r\n]/g, ""))] : [],
      );
      const counted = framed.garbage.reduce((sum, { bytes }) => sum + bytes, 0);
      assert.equal(
        counted,
        expected.reduce((sum, bytes) => sum + bytes, 0),
      );
    }),
  );
});

function withNuls(bytes: Buffer, positions: readonly number[]): Buffer {
  const places = new Set(positions.map((position) => position % (bytes.length + 1)));
  return Buffer.from(Array.from(bytes).flatMap((byte, index) => (places.has(index) ? [0, byte] : [byte])));
}

function split(bytes: Buffer, positions: readonly number[]): Buffer[] {
  const places = [...new Set(positions.map((position) => position % (bytes.length + 1)))].sort(
    (a, b) => a - b,
  );
  return [...places, bytes.length].map((end, index) =>
    bytes.subarray(index === 0 ? 0 : places[index - 1], end),
  );
}
