/**
 * Reads where an answer begins and ends as Go's and curl's clients do. Node's parser is stricter, and no part of this: it refuses
 * Transfer-Encoding beside Content-Length, the same Content-Length twice, lines that end in LF alone, folded headers.
 *
 *     head ──► body (a length, chunks, until the end) ──► whole
 *     ▲  └─1xx─┘        what makes no sense is nonsense
 *
 * What two readers could take for different answers ends its connection, so that nothing can be smuggled into the next one.
 */

export interface AnswerHead {
  readonly status: number;
  /** Lower-case names; repeated headers joined by ", ". */
  readonly headers: Readonly<Record<string, string>>;
}

export interface AnswerListener {
  /** Of each interim answer, and of the final one. */
  head(head: AnswerHead, isInterim: boolean): void;
  body(bytes: Buffer): void;
}

export type Reading =
  | { readonly status: "more" }
  /** `persistent`: the connection may serve the next request. */
  | { readonly status: "whole"; readonly persistent: boolean }
  | { readonly status: "nonsense"; readonly reason: string };

/** A head is buffered whole. */
const mostHead = 64 * 1024;
/** As Go reads them. */
const mostLine = 4096;

type State =
  | { readonly part: "head" | "until close" | "whole" }
  | { readonly part: "length"; left: number }
  | { readonly part: "size" | "data end" | "trailer" }
  | { readonly part: "data"; left: number }
  | { readonly part: "nonsense"; readonly reason: string };

export class AnswerReader {
  readonly #listener: AnswerListener;
  #state: State = { part: "head" };
  #pending: Buffer = nothing;
  /** Where to look on for the end of a head that comes in pieces. */
  #looked = 0;
  #persistent = true;

  constructor(listener: AnswerListener) {
    this.#listener = listener;
  }

  take(chunk: Buffer): Reading {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    while (this.#pending.length > 0 && this.#step());
    const state = this.#state;
    if (state.part === "nonsense") return { status: "nonsense", reason: state.reason };
    // Nobody asked for the bytes behind it, so nobody knows what comes after them.
    if (state.part === "whole")
      return { status: "whole", persistent: this.#persistent && this.#pending.length === 0 };
    return more;
  }

  /** The connection has ended. */
  end(): Reading {
    return this.#state.part === "until close" ? { status: "whole", persistent: false } : more;
  }

  /** False when more bytes are needed, or none. */
  #step(): boolean {
    const state = this.#state;
    switch (state.part) {
      case "whole":
      case "nonsense":
        return false;
      case "until close":
        this.#listener.body(this.#cut(this.#pending.length));
        return false;
      case "head":
        return this.#head();
      case "length":
        this.#listener.body(this.#upTo(state));
        if (state.left === 0) this.#state = whole;
        return true;
      case "size":
        return this.#size();
      case "data":
        this.#listener.body(this.#upTo(state));
        if (state.left === 0) this.#state = { part: "data end" };
        return true;
      case "data end":
        return this.#dataEnd();
      case "trailer":
        return this.#trailer();
    }
  }

  #head(): boolean {
    // Left over from a body that was longer than it said (RFC 9112, section 2.2).
    while (this.#pending[0] === 0x0d || this.#pending[0] === 0x0a) this.#cut(1);
    if (!mayBeHead(this.#pending)) return this.#nonsense(notHttp);
    const length = headLength(this.#pending, this.#looked);
    if ((length ?? this.#pending.length) > mostHead)
      return this.#nonsense(`its head is longer than ${mostHead} bytes`);
    this.#looked = length === undefined ? Math.max(0, this.#pending.length - longestEnd) : 0;
    if (length === undefined) return false;
    const head = readHead(this.#pending.toString("latin1", 0, length));
    if (head === undefined) return this.#nonsense("its head can't be read, or in one way only by guessing");
    this.#cut(length);
    this.#persistent &&= head.persistent;
    this.#state = afterHead(head.framing);
    this.#listener.head(head, head.framing.kind === "interim");
    return true;
  }

  #size(): boolean {
    const line = this.#line();
    if (line === undefined) return false;
    const [, digits] = /^([0-9a-fA-F]{1,12})[ \t]*(?:;.*)?$/s.exec(line) ?? [];
    if (digits === undefined) return this.#nonsense("a chunk has no size");
    const left = Number.parseInt(digits, 16);
    this.#state = left === 0 ? { part: "trailer" } : { part: "data", left };
    return true;
  }

  #dataEnd(): boolean {
    const line = this.#line();
    if (line === undefined) return false;
    if (line !== "") return this.#nonsense("a chunk is longer than its size");
    this.#state = { part: "size" };
    return true;
  }

  #trailer(): boolean {
    const line = this.#line();
    if (line === "") this.#state = whole;
    return line !== undefined;
  }

  #nonsense(reason: string): true {
    this.#state = { part: "nonsense", reason };
    return true;
  }

  /** Without its end, CRLF or LF; undefined until it is there, and where it makes no sense. */
  #line(): string | undefined {
    const end = this.#pending.indexOf(0x0a);
    const isLong = (end < 0 ? this.#pending.length : end) > mostLine;
    if (isLong) this.#nonsense(`a line of a chunk is longer than ${mostLine} bytes`);
    if (isLong || end < 0) return undefined;
    return this.#cut(end + 1)
      .toString("latin1")
      .replace(/\r?\n$/, "");
  }

  #upTo(state: { left: number }): Buffer {
    const piece = this.#cut(Math.min(state.left, this.#pending.length));
    state.left -= piece.length;
    return piece;
  }

  #cut(length: number): Buffer {
    const piece = this.#pending.subarray(0, length);
    this.#pending = length === this.#pending.length ? nothing : this.#pending.subarray(length);
    return piece;
  }
}

const nothing = Buffer.alloc(0);
const more: Reading = { status: "more" };
const whole: State = { part: "whole" };
const notHttp = "it is not HTTP/1.1; a gRPC port is no port for HTTP";

function afterHead(framing: Framing): State {
  switch (framing.kind) {
    case "interim":
      return { part: "head" };
    case "none":
      return whole;
    case "length":
      return framing.bytes === 0 ? whole : { part: "length", left: framing.bytes };
    case "chunked":
      return { part: "size" };
    case "until close":
      return { part: "until close" };
    case "upgrade":
      return { part: "nonsense", reason: "got a switch of protocols, want HTTP" };
  }
}

/** Of a head: LF CR LF. */
const longestEnd = 3;

/** With the empty line at its end. */
function headLength(bytes: Buffer, from: number): number | undefined {
  for (let end = bytes.indexOf(0x0a, from); end >= 0; end = bytes.indexOf(0x0a, end + 1)) {
    if (bytes[end + 1] === 0x0a) return end + 2;
    if (bytes[end + 1] === 0x0d && bytes[end + 2] === 0x0a) return end + 3;
  }
  return undefined;
}

const opening = Buffer.from("HTTP/");

function mayBeHead(bytes: Buffer): boolean {
  const length = Math.min(bytes.length, opening.length);
  return bytes.compare(opening, 0, length, 0, length) === 0;
}

/** Where the body ends (RFC 9112, section 6.3). */
type Framing =
  | { readonly kind: "interim" | "none" | "chunked" | "until close" | "upgrade" }
  | { readonly kind: "length"; readonly bytes: number };

interface Head extends AnswerHead {
  /** False too where the answer could be read in two ways. */
  readonly persistent: boolean;
  readonly framing: Framing;
}

interface Fields {
  readonly headers: Readonly<Record<string, string>>;
  readonly lengths: readonly string[];
  readonly codings: readonly string[];
  /** Something in them is not as it should be. */
  readonly odd: boolean;
}

/** A head as Go's and curl's clients read it (RFC 9112, sections 2 to 6). Undefined for what cannot be read, or in one way only by guessing. */
function readHead(head: string): Head | undefined {
  const [first = "", ...rest] = head.replace(/\r?\n\r?\n$/, "").split(/\r?\n/);
  const [, minor = "", code = ""] = /^HTTP\/1\.(\d) +([1-9]\d\d)(?: .*)?$/.exec(first) ?? [];
  const isFolded = /\n[ \t]/.test(head);
  const fields = code === "" ? undefined : readFields(isFolded ? unfolded(rest) : rest);
  if (fields === undefined) return undefined;
  const framing = framingOf(Number(code), fields, minor === "0");
  if (framing === undefined) return undefined;
  const isOdd = isFolded || fields.odd || minor > "1" || /[^\r]\n/.test(head) || isAmbiguous(framing, fields);
  return {
    status: Number(code),
    headers: fields.headers,
    framing,
    persistent: !isOdd && keepsOn(fields.headers["connection"], minor === "0"),
  };
}

/** RFC 9112, section 9.3. */
function keepsOn(connection = "", old: boolean): boolean {
  const options = connection.toLowerCase().split(/[\s,]+/);
  return !options.includes("close") && (!old || options.includes("keep-alive"));
}

/** Blanks around a value belong to one part only: between two, the time to find a fault would grow with the square of the blanks. */
const fieldLine = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+)([ \t]*):([\t\x20-\x7e\x80-\xff]*)$/;

function readFields(lines: readonly string[]): Fields | undefined {
  const headers = new Map<string, string>();
  let odd = false;
  for (const line of lines) {
    const [, name = "", space = "", value = ""] = fieldLine.exec(line) ?? [];
    if (name === "") return undefined;
    odd ||= space !== "";
    const key = name.toLowerCase();
    const before = headers.get(key);
    headers.set(key, before === undefined ? value.trim() : `${before}, ${value.trim()}`);
  }
  return {
    headers: Object.fromEntries(headers),
    lengths: partsOf(headers.get("content-length")),
    codings: partsOf(headers.get("transfer-encoding")?.toLowerCase()),
    odd,
  };
}

function partsOf(value: string | undefined): readonly string[] {
  return value === undefined ? [] : value.split(",").map((part) => part.trim());
}

/** A line that begins with a blank goes on with the one before (RFC 9112, section 5.2). */
function unfolded(raw: readonly string[]): readonly string[] {
  const lines: string[] = [];
  for (const line of raw) {
    if (/^[ \t]/.test(line) && lines.length > 0) lines.push(`${lines.pop() ?? ""} ${line.trim()}`);
    else lines.push(line);
  }
  return lines;
}

function framingOf(status: number, { lengths, codings }: Fields, old: boolean): Framing | undefined {
  if (status === 101) return { kind: "upgrade" };
  if (status < 200) return { kind: "interim" };
  if (status === 204 || status === 304) return { kind: "none" };
  const meant = old ? [] : codings.filter((coding) => coding !== "identity");
  if (meant.length > 0) return meant.length === 1 && meant[0] === "chunked" ? { kind: "chunked" } : undefined;
  const [length, ...others] = new Set(lengths);
  if (length === undefined) return { kind: "until close" };
  const bytes = /^\d{1,15}$/.test(length) ? Number(length) : undefined;
  return bytes === undefined || others.length > 0 ? undefined : { kind: "length", bytes };
}

/** Another reader may see another end of it. */
function isAmbiguous(framing: Framing, { lengths, codings }: Fields): boolean {
  if (framing.kind === "none") return codings.length > 0 || lengths.some((length) => length !== "0");
  if (framing.kind === "interim") return codings.length > 0 || lengths.length > 0;
  return lengths.length > 1 || codings.length > 1 || (lengths.length > 0 && codings.length > 0);
}
