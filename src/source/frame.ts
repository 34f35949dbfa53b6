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
  return new DocumentFramer(options);
}

class DocumentFramer implements Framer {
  readonly #options: FramerOptions;
  readonly #maxBytes: number;
  readonly #pending = new PendingBytes();
  #state: State = "between";
  /** Bytes of the document that is being skipped. */
  #skipped = 0;

  constructor(options: FramerOptions) {
    this.#options = options;
    this.#maxBytes = options.maxBytes ?? defaultMaxBytes;
  }

  push(chunk: Buffer): void {
    let from = 0;
    for (let nul = chunk.indexOf(0); nul >= 0; nul = chunk.indexOf(0, from)) {
      if (nul > from) this.#take(chunk.subarray(from, nul));
      from = nul + 1;
    }
    if (from < chunk.length) this.#take(chunk.subarray(from));
  }

  end(): void {
    const rest = this.#pending.shift(this.#pending.bytes().length);
    if (this.#state === "between") this.#reportGarbage(rest);
    if (this.#state === "inside") this.#drop("truncated", this.#dropCutOff(rest).length);
    if (this.#state === "skipping") this.#drop("oversized", this.#skipped + rest.length);
    this.#state = "between";
  }

  #take(piece: Buffer): void {
    this.#pending.append(piece);
    while (this.#step());
  }

  /** Goes on by one change of state; false when more bytes are needed. */
  #step(): boolean {
    switch (this.#state) {
      case "between":
        return this.#findStart();
      case "inside":
        return this.#findEnd();
      case "skipping":
        return this.#findWayOut();
    }
  }

  #findStart(): boolean {
    const pending = this.#pending;
    const bytes = pending.bytes();
    const start = earliest(find(bytes, prolog, pending.searched), find(bytes, root, pending.searched));
    if (start >= 0) {
      this.#reportGarbage(pending.shift(start));
      this.#state = "inside";
      return true;
    }
    pending.searched = Math.max(0, bytes.length - (root.length - 1));
    this.#releaseLines(bytes);
    return false;
  }

  /** Hands on whole lines at once; an unfinished one waits, for it may end in the first bytes of a document. */
  #releaseLines(bytes: Buffer): void {
    const whole = bytes.lastIndexOf(lineFeed) + 1;
    const longest = garbageLineBytes + root.length;
    const cut = bytes.length - whole > longest ? bytes.length - (root.length - 1) : whole;
    if (cut > 0) this.#reportGarbage(this.#pending.shift(cut));
  }

  #findEnd(): boolean {
    const pending = this.#pending;
    const bytes = pending.bytes();
    const end = find(bytes, documentEnd, pending.searched);
    if (end < 0) {
      pending.searched = Math.max(0, bytes.length - (documentEnd.length - 1));
      if (bytes.length <= this.#maxBytes) return false;
      this.#state = "skipping";
      this.#skipped = 0;
      pending.searched = 1;
      return true;
    }
    const document = this.#dropCutOff(pending.shift(end + documentEnd.length));
    pending.release(sparesRoomFor * document.length);
    if (document.length > this.#maxBytes) this.#drop("oversized", document.length);
    else this.#options.onFrame(document);
    this.#state = "between";
    return true;
  }

  /** A second start before the end: the tool died while it wrote the first document, and another run went on. */
  #dropCutOff(bytes: Buffer): Buffer {
    const opening = bytes.subarray(0, prolog.length).equals(prolog.whole) ? prolog : root;
    let start = 0;
    for (let next = find(bytes, opening, 1); next >= 0; next = find(bytes, opening, next + 1)) {
      this.#drop("truncated", next - start);
      start = next;
    }
    return bytes.subarray(start);
  }

  #findWayOut(): boolean {
    const pending = this.#pending;
    const bytes = pending.bytes();
    const end = find(bytes, documentEnd, pending.searched);
    const start = find(bytes, prolog, pending.searched);
    if (start >= 0 && (end < 0 || start < end)) return this.#leaveSkipping(start, "inside");
    if (end >= 0) return this.#leaveSkipping(end + documentEnd.length, "between");
    const cut = Math.max(0, bytes.length - (documentEnd.length - 1));
    this.#skipped += pending.shift(cut).length;
    return false;
  }

  #leaveSkipping(at: number, next: State): boolean {
    this.#skipped += this.#pending.shift(at).length;
    this.#drop("oversized", this.#skipped);
    this.#state = next;
    return true;
  }

  #drop(reason: DroppedFrame["reason"], bytes: number): void {
    this.#options.onDropped?.({ reason, bytes });
  }

  #reportGarbage(bytes: Buffer): void {
    if (this.#options.onGarbage === undefined) return;
    const lines = bytes
      .toString("latin1")
      .split(/[\r\n]+/)
      .filter((line) => line.trim() !== "");
    if (lines.length === 0) return;
    this.#options.onGarbage({
      bytes: lines.reduce((sum, line) => sum + line.length, 0),
      lines: lines.slice(0, garbageLines).map(readable),
    });
  }
}

/**
 * Bytes that wait for more, and how far they have been searched.
 *
 *     a piece of the caller's ── more comes ──► a store of our own, which the next document uses again
 *
 * Each byte is copied once, or twice while the store grows; a new store for each document would cost as much as the copies.
 */
class PendingBytes {
  searched = 0;
  #own: Buffer = Buffer.alloc(0);
  /** `#own`, or a piece that nothing was added to yet: that is the caller's chunk, and may not be written behind. */
  #store = this.#own;
  #from = 0;
  #to = 0;

  bytes(): Buffer {
    return this.#store.subarray(this.#from, this.#to);
  }

  append(piece: Buffer): void {
    if (this.#from === this.#to) {
      this.#store = piece;
      this.#from = 0;
      this.#to = piece.length;
      return;
    }
    if (this.#store !== this.#own || this.#to + piece.length > this.#store.length)
      this.#makeRoom(piece.length);
    this.#to += piece.copy(this.#store, this.#to);
  }

  /** Takes the first `length` bytes out; they stay as they are until the next `append`. */
  shift(length: number): Buffer {
    const taken = this.#store.subarray(this.#from, this.#from + length);
    this.#from += length;
    this.searched = Math.max(0, this.searched - length);
    return taken;
  }

  /** Gives a store of more than `length` bytes back. */
  release(length: number): void {
    if (this.#own.length > length) this.#own = Buffer.alloc(0);
  }

  /** Moves what waits to the front of our own store, with room for `length` bytes behind it. */
  #makeRoom(length: number): void {
    const needed = this.#to - this.#from + length;
    const target = needed <= this.#own.length ? this.#own : Buffer.allocUnsafeSlow(Math.ceil(1.25 * needed));
    this.#store.copy(target, 0, this.#from, this.#to);
    this.#own = target;
    this.#store = target;
    this.#to -= this.#from;
    this.#from = 0;
  }
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
