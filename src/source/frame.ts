/**
 * Cuts powermetrics' standard output into documents.
 *
 *     between ── <?xml or <plist ──► inside ── </plist> ──► a frame, and between again
 *        │                             │
 *        └─ lines: garbage             └─ more than maxBytes ──► skipping ── </plist> ──► between
 *                                                                   └────── <?xml ──► inside
 *
 * A document is emitted at its `</plist>`: the NUL belongs to the next one, and waiting for it would delay every
 * sample by an interval (src/parse/README.md, 1).
 */

interface FramerOptions {
  /** The largest document; a longer one is dropped. Default 16 MiB, some 40 times what `--show-all` prints. */
  readonly maxBytes?: number;
  /** One document, from its first `<` to the `>` of `</plist>`, without NULs. Its bytes are overwritten after the call: who keeps them copies them. */
  readonly onFrame: (frame: Buffer) => void;
  /** Text between documents: `proc_pidpath 1460 failed(0)`, or a refusal to run. */
  readonly onGarbage?: (garbage: Garbage) => void;
  /** A document that will not be emitted. */
  readonly onDropped?: (dropped: DroppedFrame) => void;
}

export interface Garbage {
  /** Length of all non-blank lines, those not listed included; line ends and NULs are not counted. */
  readonly bytes: number;
  /** At most `garbageLines` lines of at most `garbageLineBytes` bytes each, for the log. */
  readonly lines: readonly string[];
}

export interface DroppedFrame {
  /** `truncated`: cut off by the stream's end or by the start of another document. */
  readonly reason: "truncated" | "oversized";
  /** Its length as far as it was seen. */
  readonly bytes: number;
}

export interface Framer {
  /** Takes the next piece of the stream for good; emits every document that ends in it before it returns. */
  push(chunk: Buffer): void;
  /** The stream has ended: what is unfinished is reported and dropped. */
  end(): void;
}

export const garbageLines = 20;
export const garbageLineBytes = 512;

const defaultMaxBytes = 16 * 1024 * 1024;
const documentEnd = mark("</", "plist>");
const prolog = mark("<", "?xml");
const root = mark("<", "plist");
const lineFeed = 0x0a;
/** A store of so many documents was made for a longer one than this stream has, and is given back. */
const sparesRoomFor = 4;

type State = "between" | "inside" | "skipping";

export function createFramer(options: FramerOptions): Framer {
  const maxBytes = options.maxBytes ?? defaultMaxBytes;
  const pending = createPending();
  let state: State = "between";
  let skipped = 0;

  function take(piece: Buffer): void {
    pending.append(piece);
    while (step());
  }

  /** Goes on by one change of state; false when more bytes are needed. */
  function step(): boolean {
    switch (state) {
      case "between":
        return findStart();
      case "inside":
        return findEnd();
      case "skipping":
        return findWayOut();
    }
  }

  function findStart(): boolean {
    const bytes = pending.bytes();
    const start = earliest(find(bytes, prolog, pending.searched), find(bytes, root, pending.searched));
    if (start >= 0) {
      reportGarbage(pending.shift(start));
      state = "inside";
      return true;
    }
    pending.searched = Math.max(0, bytes.length - (root.length - 1));
    releaseLines(bytes);
    return false;
  }

  /** Hands on whole lines at once; an unfinished one waits, for it may end in the first bytes of a document. */
  function releaseLines(bytes: Buffer): void {
    const whole = bytes.lastIndexOf(lineFeed) + 1;
    const longest = garbageLineBytes + root.length;
    const cut = bytes.length - whole > longest ? bytes.length - (root.length - 1) : whole;
    if (cut > 0) reportGarbage(pending.shift(cut));
  }

  function findEnd(): boolean {
    const bytes = pending.bytes();
    const end = find(bytes, documentEnd, pending.searched);
    if (end < 0) {
      pending.searched = Math.max(0, bytes.length - (documentEnd.length - 1));
      if (bytes.length > maxBytes) startSkipping();
      return state === "skipping";
    }
    const document = dropCutOff(pending.shift(end + documentEnd.length));
    pending.release(sparesRoomFor * document.length);
    if (document.length > maxBytes) options.onDropped?.({ reason: "oversized", bytes: document.length });
    else options.onFrame(document);
    state = "between";
    return true;
  }

  /** A second start before the end: the tool died while it wrote the first document, and another run went on. */
  function dropCutOff(bytes: Buffer): Buffer {
    const beginning = bytes.subarray(0, prolog.length).equals(prolog.whole) ? prolog : root;
    let start = 0;
    for (let next = find(bytes, beginning, 1); next >= 0; next = find(bytes, beginning, next + 1)) {
      options.onDropped?.({ reason: "truncated", bytes: next - start });
      start = next;
    }
    return bytes.subarray(start);
  }

  function startSkipping(): void {
    state = "skipping";
    skipped = 0;
    pending.searched = 1;
  }

  function findWayOut(): boolean {
    const bytes = pending.bytes();
    const end = find(bytes, documentEnd, pending.searched);
    const start = find(bytes, prolog, pending.searched);
    if (start >= 0 && (end < 0 || start < end)) return leaveSkipping(start, "inside");
    if (end >= 0) return leaveSkipping(end + documentEnd.length, "between");
    const cut = Math.max(0, bytes.length - (documentEnd.length - 1));
    skipped += pending.shift(cut).length;
    return false;
  }

  function leaveSkipping(at: number, next: State): boolean {
    skipped += pending.shift(at).length;
    options.onDropped?.({ reason: "oversized", bytes: skipped });
    state = next;
    return true;
  }

  function reportGarbage(bytes: Buffer): void {
    if (options.onGarbage === undefined) return;
    const lines = bytes
      .toString("latin1")
      .split(/[\r\n]+/)
      .filter((line) => line.trim() !== "");
    if (lines.length === 0) return;
    options.onGarbage({
      bytes: lines.reduce((sum, line) => sum + line.length, 0),
      lines: lines.slice(0, garbageLines).map(readable),
    });
  }

  return {
    push(chunk) {
      let from = 0;
      for (let nul = chunk.indexOf(0); nul >= 0; nul = chunk.indexOf(0, from)) {
        if (nul > from) take(chunk.subarray(from, nul));
        from = nul + 1;
      }
      if (from < chunk.length) take(chunk.subarray(from));
    },
    end() {
      const rest = pending.shift(pending.bytes().length);
      if (state === "between") reportGarbage(rest);
      if (state === "inside") options.onDropped?.({ reason: "truncated", bytes: dropCutOff(rest).length });
      if (state === "skipping") options.onDropped?.({ reason: "oversized", bytes: skipped + rest.length });
      state = "between";
    },
  };
}

/**
 * Bytes that wait for more, and how far they have been searched.
 *
 *     a piece of the caller's ── more comes ──► a store of our own, which the next document uses again
 *
 * Each byte is copied once, or twice while the store grows; a new store for each document would cost as much as the copies.
 */
interface Pending {
  searched: number;
  bytes(): Buffer;
  append(piece: Buffer): void;
  /** Takes the first `length` bytes out; they stay as they are until the next `append`. */
  shift(length: number): Buffer;
  /** Gives a store of more than `length` bytes back. */
  release(length: number): void;
}

function createPending(): Pending {
  let own: Buffer = Buffer.alloc(0);
  /** `own`, or a piece that nothing was added to yet: that is the caller's chunk, and may not be written behind. */
  let store = own;
  let from = 0;
  let to = 0;

  /** Moves what waits to the front of our own store, with room for `length` bytes behind it. */
  function makeRoom(length: number): void {
    const needed = to - from + length;
    const target = needed <= own.length ? own : Buffer.allocUnsafeSlow(Math.ceil(1.25 * needed));
    store.copy(target, 0, from, to);
    own = target;
    store = target;
    to -= from;
    from = 0;
  }

  const pending: Pending = {
    searched: 0,
    bytes: () => store.subarray(from, to),
    append(piece) {
      if (from === to) {
        store = piece;
        from = 0;
        to = piece.length;
        return;
      }
      if (store !== own || to + piece.length > store.length) makeRoom(piece.length);
      to += piece.copy(store, to);
    },
    shift(length) {
      const taken = store.subarray(from, from + length);
      from += length;
      pending.searched = Math.max(0, pending.searched - length);
      return taken;
    },
    release(length) {
      if (own.length > length) own = Buffer.alloc(0);
    },
  };
  return pending;
}

/** A text to look for, by its rare part: a search for `<` stops at every tag, which takes ten times as long. */
interface Mark {
  readonly whole: Buffer;
  readonly rare: Buffer;
  readonly length: number;
}

function mark(lead: string, rare: string): Mark {
  const whole = Buffer.from(lead + rare);
  return { whole, rare: Buffer.from(rare), length: whole.length };
}

/** Where the mark starts, at `from` or later; -1 where it does not occur. */
function find(bytes: Buffer, { whole, rare, length }: Mark, from: number): number {
  const lead = length - rare.length;
  for (let at = bytes.indexOf(rare, from + lead); at >= 0; at = bytes.indexOf(rare, at + 1))
    if (bytes.subarray(at - lead, at - lead + length).equals(whole)) return at - lead;
  return -1;
}

function earliest(a: number, b: number): number {
  if (a < 0 || b < 0) return Math.max(a, b);
  return Math.min(a, b);
}

function readable(line: string): string {
  return Buffer.from(line.slice(0, garbageLineBytes), "latin1").toString("utf8").trim();
}
