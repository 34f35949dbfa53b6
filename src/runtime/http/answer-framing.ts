/**
 * Reads where an answer begins and ends as Go's and curl's clients do, and hands Node's parser, which is stricter, an answer
 * that it takes: Transfer-Encoding beside Content-Length, the same Content-Length twice, lines that end in LF alone, folded
 * headers, a body after 204, bytes behind the last one.
 *
 *     idle ──begin──► head ──► body (a length, chunks, until the end) ──► idle
 *                      ▲ └─1xx─┘        what makes no sense goes on as it is: the parser refuses it
 *
 * What two readers could take for different answers ends its connection, so that nothing can be smuggled into the next one.
 */
import type { Duplex } from "node:stream";
import { readHead, type Framing } from "./answer-head.ts";

export interface AnswerFraming {
  /** A request goes out: its answer comes next. */
  begin(request: { readonly bodiless: boolean }): void;
}

const framings = new WeakMap<Duplex, AnswerFraming>();

/** Of a connection; made when it is first asked for. */
export function framingOf(socket: Duplex): AnswerFraming {
  const known = framings.get(socket);
  if (known !== undefined) return known;
  const reader = new AnswerReader();
  const push = socket.push.bind(socket);
  socket.push = (chunk: Buffer | null) => {
    const pieces = chunk === null ? reader.end() : reader.take(chunk);
    let wantsMore = true;
    for (const piece of pieces) wantsMore = push(piece);
    // Nobody asked for these bytes, so nobody knows what comes after them.
    if (reader.unsolicited) socket.destroy();
    return chunk === null ? push(null) : wantsMore;
  };
  framings.set(socket, reader);
  return reader;
}

/** A head is buffered whole. Node's own limit of 16 KB is less than Go and curl take. */
export const mostHead = 64 * 1024;
const mostLine = 1024;

type State =
  | { readonly part: "idle" | "head" | "raw" }
  | { readonly part: "length"; left: number }
  | { readonly part: "size" | "data end" | "trailer" }
  | { readonly part: "data"; left: number };

class AnswerReader implements AnswerFraming {
  #state: State = { part: "idle" };
  #pending: Buffer = Buffer.alloc(0);
  #bodiless = false;
  unsolicited = false;

  begin({ bodiless }: { readonly bodiless: boolean }): void {
    this.#bodiless = bodiless;
    this.#pending = Buffer.alloc(0);
    this.#state = { part: "head" };
  }

  /** What Node's parser is to see of these bytes. */
  take(chunk: Buffer): readonly Buffer[] {
    const pieces: Buffer[] = [];
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    while (this.#pending.length > 0 && this.#step(pieces));
    return pieces;
  }

  /** Whatever was held back in the hope of more. */
  end(): readonly Buffer[] {
    return this.#pending.length === 0 || this.unsolicited ? [] : [this.#cut(this.#pending.length)];
  }

  /** False when more bytes are needed. */
  #step(pieces: Buffer[]): boolean {
    const state = this.#state;
    switch (state.part) {
      case "idle":
        this.unsolicited = true;
        this.#pending = Buffer.alloc(0);
        return false;
      case "raw":
        pieces.push(this.#cut(this.#pending.length));
        return false;
      case "head":
        return this.#head(pieces);
      case "length":
        pieces.push(this.#upTo(state));
        if (state.left === 0) this.#state = { part: "idle" };
        return true;
      case "size":
        return this.#size();
      case "data":
        pieces.push(chunkOf(this.#upTo(state)));
        if (state.left === 0) this.#state = { part: "data end" };
        return true;
      case "data end":
        return this.#dataEnd();
      case "trailer":
        return this.#trailer(pieces);
    }
  }

  #head(pieces: Buffer[]): boolean {
    // Left over from a body that was longer than it said (RFC 9112, section 2.2).
    while (this.#pending[0] === 0x0d || this.#pending[0] === 0x0a) this.#cut(1);
    const length = headLength(this.#pending);
    if (length === undefined) {
      const isHopeless = this.#pending.length > mostHead || !mayBeHead(this.#pending);
      if (isHopeless) this.#state = { part: "raw" };
      return isHopeless;
    }
    const head = readHead(this.#pending.toString("latin1", 0, length), this.#bodiless);
    if (head === undefined) {
      this.#state = { part: "raw" };
      return true;
    }
    this.#cut(length);
    pieces.push(Buffer.from(head.text, "latin1"));
    this.#state = afterHead(head.framing);
    return true;
  }

  #size(): boolean {
    const line = this.#line();
    if (line === undefined) return false;
    const [, digits] = /^([0-9a-fA-F]{1,12})[ \t]*(?:;.*)?$/s.exec(line) ?? [];
    if (digits === undefined) return this.#nonsense(line);
    const left = Number.parseInt(digits, 16);
    this.#state = left === 0 ? { part: "trailer" } : { part: "data", left };
    return true;
  }

  #dataEnd(): boolean {
    const line = this.#line();
    if (line === undefined) return false;
    if (line !== "") return this.#nonsense(line);
    this.#state = { part: "size" };
    return true;
  }

  #trailer(pieces: Buffer[]): boolean {
    const line = this.#line();
    if (line === undefined) return false;
    if (line !== "") return true;
    pieces.push(lastChunk);
    this.#state = { part: "idle" };
    return true;
  }

  /** Node's parser says what is wrong with it. */
  #nonsense(line: string): boolean {
    this.#pending = Buffer.concat([Buffer.from(`${line}\r\n`, "latin1"), this.#pending]);
    this.#state = { part: "raw" };
    return true;
  }

  /** Without its end, CRLF or LF; undefined until it is there. */
  #line(): string | undefined {
    const end = this.#pending.indexOf(0x0a);
    if (end < 0) {
      if (this.#pending.length > mostLine) this.#state = { part: "raw" };
      return undefined;
    }
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
    this.#pending = this.#pending.subarray(length);
    return piece;
  }
}

function afterHead(framing: Framing): State {
  switch (framing.kind) {
    case "interim":
      return { part: "head" };
    case "none":
      return { part: "idle" };
    case "length":
      return framing.bytes === 0 ? { part: "idle" } : { part: "length", left: framing.bytes };
    case "chunked":
      return { part: "size" };
    case "until close":
    case "upgrade":
      return { part: "raw" };
  }
}

/** With the empty line at its end. */
function headLength(bytes: Buffer): number | undefined {
  for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a, end + 1)) {
    if (bytes[end + 1] === 0x0a) return end + 2;
    if (bytes[end + 1] === 0x0d && bytes[end + 2] === 0x0a) return end + 3;
  }
  return undefined;
}

const opening = Buffer.from("HTTP/");

function mayBeHead(bytes: Buffer): boolean {
  const length = Math.min(bytes.length, opening.length);
  return bytes.subarray(0, length).equals(opening.subarray(0, length));
}

const lastChunk = Buffer.from("0\r\n\r\n");

function chunkOf(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]);
}
